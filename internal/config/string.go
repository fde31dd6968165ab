package config

import (
	"fmt"
	"strings"
)

// String says what is injected for whom.
func (s *Stanza) String() string {
	var b strings.Builder
	b.WriteString(shortList(s.Zones))
	if s.ListFile != "" {
		fmt.Fprintf(&b, " and the zones in %s", s.ListFile)
	}
	b.WriteString(": ")
	if s.DryRun {
		b.WriteString("dry run, nothing changes: ")
	}
	fmt.Fprintf(&b, "lowest %s, highest %s, step %d, ttl %d", describe(s.Lowest), describe(s.Highest), s.Step, s.TTL)
	if !s.Exchanges.Empty() {
		fmt.Fprintf(&b, ", only sets at %s", s.Exchanges.String())
	}
	if s.Real != "" {
		fmt.Fprintf(&b, ", untouched sets at %s", s.Real)
	}
	if s.Watched() {
		fmt.Fprintf(&b, ", watched every %s", s.Watch)
	}
	if s.Serial != "" {
		fmt.Fprintf(&b, ", serial numbers in %s", s.Serial)
	}
	return b.String()
}

func describe(fakes []Fake) string {
	if len(fakes) == 0 {
		return "none"
	}
	names := make([]string, len(fakes))
	for i, f := range fakes {
		names[i] = f.Name
		for _, addr := range f.Addresses {
			names[i] += " " + addr.String()
		}
	}
	return shortList(names)
}

// shortList names the first few of a long list.
func shortList(names []string) string {
	const shown = 5
	if len(names) <= shown {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), len(names)-shown)
}

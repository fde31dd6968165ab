package check

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Text writes reports for people.
type Text struct {
	w      io.Writer
	colour bool
}

// NewText returns a writer; colour is for terminals.
func NewText(w io.Writer, colour bool) *Text { return &Text{w: w, colour: colour} }

// Report writes one domain: the set, what senders do with it, and the findings,
// worst first.
func (t *Text) Report(r *Report) error {
	var b strings.Builder
	t.set(&b, r)
	t.senders(&b, r)
	t.findings(&b, r, Info)
	_, err := io.WriteString(t.w, b.String())
	return err
}

// Brief writes what is above info of one domain, and nothing where all is well.
// What the plugin warns about is left to [Text.Config].
func (t *Text) Brief(r *Report) error {
	brief := *r
	brief.Findings = slices.DeleteFunc(slices.Clone(r.Findings), func(f Finding) bool {
		return f.Level < Warning || f.Code == CodeConfig
	})
	if len(brief.Findings) == 0 && len(r.Unseen) == 0 {
		return nil
	}
	var b strings.Builder
	b.WriteString(t.bold(r.Domain) + "\n")
	t.findings(&b, &brief, Warning)
	_, err := io.WriteString(t.w, b.String())
	return err
}

// Config writes what the plugin warns about, once for all domains.
func (t *Text) Config(found []Finding) error {
	var b strings.Builder
	t.findings(&b, &Report{Findings: found}, Warning)
	_, err := io.WriteString(t.w, b.String())
	return err
}

// Summary writes the findings over all domains, worst first.
func (t *Text) Summary(s *Summary) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d domains: %d errors, %d warnings, %d infos", s.Domains, s.Errors, s.Warnings, s.Infos)
	if s.Unseen > 0 {
		fmt.Fprintf(&b, "; something could not be seen of %d", s.Unseen)
	}
	b.WriteString("\n")
	codes := make([]Code, 0, len(s.Codes))
	for code := range s.Codes {
		codes = append(codes, code)
	}
	slices.SortFunc(codes, func(x, y Code) int {
		return cmp.Or(cmp.Compare(s.examples[y].Level, s.examples[x].Level), cmp.Compare(s.Codes[y], s.Codes[x]), cmp.Compare(x, y))
	})
	for _, code := range codes {
		f := s.examples[code]
		fmt.Fprintf(&b, "%7d  %s %s: %s\n", s.Codes[code], t.level(f.Level, code), f.Subject, f.Text)
	}
	_, err := io.WriteString(t.w, b.String())
	return err
}

func (t *Text) set(b *strings.Builder, r *Report) {
	state := "the set as it will be"
	switch {
	case len(r.After) == 0:
		fmt.Fprintf(b, "%s\n", t.bold(r.Domain))
		return
	case r.Switched || len(r.After) == len(r.Before):
		state = "the set as it is"
	}
	fmt.Fprintf(b, "%s: %s, TTL %d\n", t.bold(r.Domain), state, r.After[0].TTL)
	width := 0
	for _, record := range r.After {
		width = max(width, len(record.Exchange))
	}
	const shown = 12
	for i, record := range r.After {
		if i == shown && len(r.After) > shown+1 {
			fmt.Fprintf(b, "         and %d more\n", len(r.After)-shown)
			break
		}
		fake := ""
		if record.Fake != "" {
			fake = record.Fake + " fake"
		}
		addresses := make([]string, len(record.Addresses))
		for k, a := range record.Addresses {
			addresses[k] = a.Address + " " + a.Port25
		}
		line := fmt.Sprintf("%7d  %-*s  %-12s  %s", record.Preference, width, record.Exchange, fake, strings.Join(addresses, ", "))
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
}

// senders writes the table, senders that do the same on one line.
func (t *Text) senders(b *strings.Builder, r *Report) {
	names := hostNames(r)
	var lines []string
	who := make(map[string][]string)
	for _, s := range r.Senders {
		line := fmt.Sprintf("    now           %s\n    primary down  %s\n", s.Now.text(names), s.PrimaryDown.text(names))
		if who[line] == nil {
			lines = append(lines, line)
		}
		name := s.Name + " " + s.Version
		if s.Evidence != "run" {
			name += " (" + s.Evidence + ")"
		}
		who[line] = append(who[line], name)
	}
	for _, line := range lines {
		fmt.Fprintf(b, "  %s\n%s", strings.Join(who[line], ", "), line)
	}
}

// text is a walk in one line, with the hosts' names.
func (w Walk) text(names map[string]string) string {
	text := w.Fate
	switch {
	case w.Fate != "delivered" || w.Added == nil:
	case *w.Added >= 1:
		text += fmt.Sprintf(" %.0f s later", *w.Added)
	default:
		text += " without delay"
	}
	called := w.called(names)
	if len(called) == 0 {
		return text
	}
	return text + ": " + shortList(called)
}

// called are the hosts that are called, one with several addresses once.
func (w Walk) called(names map[string]string) []string {
	var called []string
	last, n := "", 0
	for _, a := range w.Tried {
		if names[a] == last {
			n++
			called[len(called)-1] = fmt.Sprintf("%s (%d addresses)", last, n)
			continue
		}
		last, n = names[a], 1
		called = append(called, last)
	}
	return called
}

// hostNames gives each address the name of its host, short, with a star at a fake
// and /6 at an IPv6 address.
func hostNames(r *Report) map[string]string {
	names := make(map[string]string)
	for _, record := range r.After {
		name := strings.TrimSuffix(record.Exchange, "."+r.Domain)
		if record.Fake != "" {
			name += "*"
		}
		for _, a := range record.Addresses {
			names[a.Address] = name
			if strings.Contains(a.Address, ":") {
				names[a.Address] += "/6"
			}
		}
	}
	return names
}

func (t *Text) findings(b *strings.Builder, r *Report, from Level) {
	for _, f := range r.Findings {
		if f.Level < from {
			continue
		}
		fmt.Fprintf(b, "%s %s: %s\n", t.level(f.Level, f.Code), f.Subject, f.Text)
		if f.Level == Info {
			continue
		}
		if f.Evidence != "" {
			fmt.Fprintf(b, "        seen: %s\n", f.Evidence)
		}
		if f.Advice != "" {
			fmt.Fprintf(b, "        do: %s\n", f.Advice)
		}
	}
	listUnseen(b, "could not see", r.Unseen)
	if from == Info {
		listUnseen(b, "not looked at:", r.Skipped)
	}
}

// listUnseen writes what has the same reason on one line.
func listUnseen(b *strings.Builder, what string, unseen []Unseen) {
	var reasons []string
	subjects := make(map[string][]string)
	for _, u := range unseen {
		if subjects[u.Why] == nil {
			reasons = append(reasons, u.Why)
		}
		subjects[u.Why] = append(subjects[u.Why], u.Subject)
	}
	for _, why := range reasons {
		fmt.Fprintf(b, "%s %s: %s\n", what, shortList(subjects[why]), why)
	}
}

func (t *Text) level(l Level, code Code) string {
	text := fmt.Sprintf("%s [%s]", l, code)
	if !t.colour || l == Info {
		return text
	}
	if l == Error {
		return "\x1b[31m" + text + "\x1b[0m"
	}
	return "\x1b[33m" + text + "\x1b[0m"
}

func (t *Text) bold(text string) string {
	if !t.colour {
		return text
	}
	return "\x1b[1m" + text + "\x1b[0m"
}

package config

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"github.com/fakemx/fakemx/internal/dnsname"
	"github.com/miekg/dns"
)

// errUnfinished says that a list ends like one that is still being written.
var errUnfinished = errors.New("no zone in it, or its last line has no end: it may be still being written")

// readList returns the zones of the list of s. An error names file and line.
// find gives the stanza of a zone of the Corefile. With errUnfinished the zones
// are there too.
func readList(s *Stanza, find func(apex string) *Stanza) ([]string, error) {
	content, err := os.ReadFile(s.ListFile)
	if err != nil {
		return nil, s.listAt.errorf("zones_from: %w", err)
	}
	names, lines, err := parseList(content)
	if err != nil {
		return nil, fmt.Errorf("%s:%w", s.ListFile, err)
	}
	if i, err := s.checkList(names, find); err != nil {
		return nil, fmt.Errorf("%s:%d - %w", s.ListFile, lines[i], err)
	}
	if err := s.checkOutside(names); err != nil {
		return nil, err
	}
	if len(names) == 0 || content[len(content)-1] != '\n' {
		return names, errUnfinished
	}
	return names, nil
}

// parseList reads one zone a line; # begins a comment. It returns the canonical
// names and the line that each stands on.
func parseList(content []byte) (names []string, lines []uint32, err error) {
	count := bytes.Count(content, []byte{'\n'}) + 1
	lines = make([]uint32, 0, count)
	ends := make([]uint32, 0, count)
	// All names share one text: a million small strings would cost more.
	text := make([]byte, 0, len(content)+count)
	line := uint32(0)
	for entry := range bytes.Lines(content) {
		line++
		entry, _, _ := bytes.Cut(entry, []byte{'#'})
		if entry = bytes.TrimSpace(entry); len(entry) == 0 {
			continue
		}
		start := len(text)
		text = dnsname.AppendCanonical(text, entry)
		if !isZone(text[start:]) {
			return nil, nil, fmt.Errorf("%d - bad zone %q: expected one domain name", line, entry)
		}
		lines, ends = append(lines, line), append(ends, uint32(len(text)))
	}
	all, start := string(text), uint32(0)
	names = make([]string, len(ends))
	for i, end := range ends {
		names[i], start = all[start:end], end
	}
	return names, lines, nil
}

// isZone reports whether name, which is canonical if it is a name at all, is one.
func isZone(name []byte) bool {
	if bytes.ContainsAny(name, " \t\"") {
		return false
	}
	const surelyFits = dnsname.MaxLen - 1
	s := string(name)
	_, ok := dns.IsDomainName(s)
	return ok && (len(s) <= surelyFits || dnsname.Fits(s))
}

// checkList looks for zones with which a sink cannot be served, and returns the
// index of the first.
func (s *Stanza) checkList(names []string, find func(apex string) *Stanza) (int, error) {
	fakes := s.Fakes()
	var listed map[string]*Stanza
	stanzaOf := func(apex string) *Stanza {
		if owner := find(apex); owner != nil {
			return owner
		}
		if listed == nil {
			listed = make(map[string]*Stanza, len(names))
			for _, name := range names {
				listed[name] = s
			}
		}
		return listed[apex]
	}
	for i, zone := range names {
		if err := s.checkZone(zone, fakes); err != nil {
			return i, err
		}
		for _, f := range fakes {
			// Only then can the zone stand where a sink is.
			if f.Served() && len(zone) > len(f.Name) && zone[:len(f.Name)] == f.Name && zone[len(f.Name)] == '.' {
				if other := sinkAt(zone, stanzaOf); other != nil {
					return i, other.at.errorf("sink %q is the listed zone %q: expected a host below a zone", other.Name, zone)
				}
			}
		}
	}
	return 0, nil
}

// checkOutside does for absolute names what checkNames cannot before the list is
// there.
func (s *Stanza) checkOutside(names []string) error {
	for _, f := range s.Fakes() {
		if !f.Absolute() || enclosing(f.Name, s.Zones) != "" {
			continue
		}
		outside := enclosing(f.Name, names) == ""
		switch {
		case outside && f.Served():
			return f.at.errorf("sink %q is outside the zones and has addresses: expected none, somebody else serves it", f.Name)
		case !outside && !f.Served():
			return f.at.errorf("sink %q has no address: expected at least one, some senders bounce mail without", f.Name)
		}
	}
	return nil
}

// shown returns what changes when a file is written or replaced.
func shown(path string) (stamp, error) {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{problem: err.Error()}, err
	}
	return stamp{info: info}, nil
}

// stamp identifies a version of a file.
type stamp struct {
	info    os.FileInfo
	problem string
}

func (s stamp) equal(other stamp) bool {
	if s.info == nil || other.info == nil {
		return s.info == nil && other.info == nil && s.problem == other.problem
	}
	return os.SameFile(s.info, other.info) && s.info.Size() == other.info.Size() && s.info.ModTime().Equal(other.info.ModTime())
}

package fakemx

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"github.com/miekg/dns"
)

// errUnfinished says that a list ends like one that is still being written.
var errUnfinished = errors.New("no zone in it, or its last line has no end: it may be still being written")

// readList returns the zones of the list of s. An error names file and line.
// find gives the stanza of a zone of the Corefile. With errUnfinished the zones
// are there too.
func readList(s *stanza, find func(apex string) *stanza) ([]string, error) {
	content, err := os.ReadFile(s.listFile)
	if err != nil {
		return nil, s.listAt.errorf("zones_from: %w", err)
	}
	names, lines, err := parseList(content)
	if err != nil {
		return nil, fmt.Errorf("%s:%w", s.listFile, err)
	}
	if i, err := s.checkList(names, find); err != nil {
		return nil, fmt.Errorf("%s:%d - %w", s.listFile, lines[i], err)
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
		text = appendCanonical(text, entry)
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

func appendCanonical(dst, name []byte) []byte {
	for _, c := range name {
		if c = lowerOctet(c); !plain[c] {
			return append(dst, canonical(string(name))...)
		}
	}
	start := len(dst)
	dst = append(dst, name...)
	for i := start; i < len(dst); i++ {
		dst[i] = lowerOctet(dst[i])
	}
	if dst[len(dst)-1] != '.' {
		dst = append(dst, '.')
	}
	return dst
}

// isZone reports whether name, which is canonical if it is a name at all, is one.
func isZone(name []byte) bool {
	if bytes.ContainsAny(name, " \t\"") {
		return false
	}
	const surelyFits = maxNameLen - 1
	s := string(name)
	_, ok := dns.IsDomainName(s)
	return ok && (len(s) <= surelyFits || fits(s))
}

// checkList looks for zones with which a sink cannot be served, and returns the
// index of the first.
func (s *stanza) checkList(names []string, find func(apex string) *stanza) (int, error) {
	fakes := s.fakes()
	var listed map[string]*stanza
	stanzaOf := func(apex string) *stanza {
		if owner := find(apex); owner != nil {
			return owner
		}
		if listed == nil {
			listed = make(map[string]*stanza, len(names))
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
			if f.served() && len(zone) > len(f.name) && zone[:len(f.name)] == f.name && zone[len(f.name)] == '.' {
				if other := sinkAt(zone, stanzaOf); other != nil {
					return i, other.at.errorf("sink %q is the listed zone %q: expected a host below a zone", other.name, zone)
				}
			}
		}
	}
	return 0, nil
}

// checkOutside does for absolute names what checkNames cannot before the list is
// there.
func (s *stanza) checkOutside(names []string) error {
	for _, f := range s.fakes() {
		if !f.absolute() || enclosing(f.name, s.zones) != "" {
			continue
		}
		outside := enclosing(f.name, names) == ""
		switch {
		case outside && f.served():
			return f.at.errorf("sink %q is outside the zones and has addresses: expected none, somebody else serves it", f.name)
		case !outside && !f.served():
			return f.at.errorf("sink %q has no address: expected at least one, some senders bounce mail without", f.name)
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

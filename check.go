package fakemx

import (
	"fmt"
	"slices"

	"github.com/miekg/dns"
)

// check finds the mistakes of a stanza that no single line shows, and collects
// what the operator is warned about.
func (s *stanza) check() error {
	fakes := s.fakes()
	if len(fakes) == 0 {
		return s.at.errorf("no fake: expected at least one line lowest NAME [ADDRESS...] or highest NAME [ADDRESS...]")
	}
	if err := s.checkLowest(); err != nil {
		return err
	}
	if err := s.checkNames(fakes); err != nil {
		return err
	}
	s.tree = newTree(fakes)
	s.warnAddresses(fakes)
	return nil
}

// fakes returns the lowest fakes and then the highest ones.
func (s *stanza) fakes() []fake { return slices.Concat(s.lowest, s.highest) }

func (s *stanza) checkLowest() error {
	if n := len(s.lowest); n > maxLowest {
		return s.lowest[maxLowest].at.errorf("%d lowest fakes: expected at most %d, with more some senders never reach the real MX", n, maxLowest)
	}
	addresses := 0
	for _, f := range s.lowest {
		if addresses += len(f.addresses); addresses > maxLowestAddresses {
			return f.at.errorf("more than %d addresses of lowest fakes: expected at most %d, with more some senders never reach the real MX", maxLowestAddresses, maxLowestAddresses)
		}
	}
	if len(s.lowest) > safeLowest {
		s.warnf(s.lowest[safeLowest].at, "%d lowest fakes: with more than %d some senders do not reach the real MX while one of them is down", len(s.lowest), safeLowest)
	}
	if addresses > safeLowestAddresses {
		s.warnf(s.lowest[0].at, "%d addresses of lowest fakes: with more than %d some senders do not reach the real MX while one of them is down", addresses, safeLowestAddresses)
	}
	return nil
}

// checkNames looks at every name in every zone of the Corefile. Zones of a list
// are looked at when it is loaded, by checkZone.
func (s *stanza) checkNames(fakes []fake) error {
	names := make(map[string]bool, len(fakes))
	for _, f := range fakes {
		if names[f.name] {
			return f.at.errorf("sink %q is given twice: expected once", f.name)
		}
		names[f.name] = true

		outside := f.absolute() && enclosing(f.name, s.zones) == ""
		switch {
		case outside && f.served() && s.listFile == "":
			return f.at.errorf("sink %q is outside the zones and has addresses: expected none, somebody else serves it", f.name)
		case !outside && !f.served():
			return f.at.errorf("sink %q has no address: expected at least one, some senders bounce mail without", f.name)
		case s.real != "" && firstLabel(f.name) == s.real:
			return f.at.errorf("sink %q begins with the label of real: expected another name", f.name)
		}
	}
	for _, zone := range s.zones {
		if err := s.checkZone(zone, fakes); err != nil {
			return err
		}
	}
	return nil
}

// checkZone looks for names that are wrong in zone only.
func (s *stanza) checkZone(zone string, fakes []fake) error {
	for _, f := range fakes {
		name := f.name
		switch {
		case !f.absolute() && zone == ".":
			return f.at.errorf("sink %q is relative to the root zone: expected a name with a final dot", name)
		case !f.absolute():
			// Escapes make a name's text longer than its octets, never shorter.
			if len(name)+len(zone) < maxNameLen-1 && len(s.except.absolute) == 0 {
				continue
			}
			if name = join(name, zone); !fits(name) {
				return f.at.errorf("sink %q is longer than 255 octets in zone %q: expected a shorter name", f.name, zone)
			}
		case !inside(name, zone):
			continue
		case name == zone:
			return f.at.errorf("sink %q is the zone itself: expected a host below it", name)
		default:
			if relative, _ := relativeTo(name, zone); slices.ContainsFunc(fakes, func(f fake) bool { return f.name == relative }) {
				return f.at.errorf("sink %q is given twice in zone %q: expected once", name, zone)
			}
		}
		// An except above the zone leaves its MX sets alone too: nothing points to
		// the sink then.
		if s.except.cover(name, zone) && !s.except.cover(zone, zone) {
			return f.at.errorf("sink %q is in a subtree of except: expected a name outside", name)
		}
	}
	return nil
}

// checkTogether finds the mistakes between the stanzas of a server block.
func checkTogether(stanzas []*stanza) error {
	owner := make(map[string]*stanza)
	for _, s := range stanzas {
		for _, zone := range s.zones {
			if other, ok := owner[zone]; ok {
				return s.at.errorf("zone %q is in the fakemx of line %d too: expected it in one", zone, other.at.line)
			}
			owner[zone] = s
		}
	}
	for _, s := range stanzas {
		for _, zone := range s.zones {
			if f := sinkAt(zone, func(apex string) *stanza { return owner[apex] }); f != nil {
				return f.at.errorf("sink %q is the configured zone %q: expected a host below a zone", f.name, zone)
			}
		}
	}
	return checkSinks(stanzas, owner)
}

// checkSinks looks for sinks that two stanzas would serve, which takes a zone
// of one inside a zone of the other.
func checkSinks(stanzas []*stanza, owner map[string]*stanza) error {
	if len(stanzas) == 1 {
		return nil
	}
	for _, s := range stanzas {
		others := func(apex string) *stanza {
			if other := owner[apex]; other != s {
				return other
			}
			return nil
		}
		for _, zone := range s.zones {
			for _, f := range s.fakes() {
				name := f.name
				if !f.absolute() {
					name = join(name, zone)
				}
				if !f.served() || !inside(name, zone) {
					continue
				}
				if other := sinkAt(name, others); other != nil {
					return f.at.errorf("sink %q is served by the fakemx of line %d too: expected it in one", name, other.at.line)
				}
			}
		}
	}
	return nil
}

// sinkAt returns the sink that some stanza would serve at name, if there is
// one. find gives the stanza of a zone.
func sinkAt(name string, find func(apex string) *stanza) *fake {
	for off, end := dns.NextLabel(name, 0); !end; off, end = dns.NextLabel(name, off) {
		s := find(name[off:])
		if s == nil {
			continue
		}
		relative := name[:off-1]
		for _, f := range s.fakes() {
			if f.served() && (f.name == relative || f.name == name) {
				return &f
			}
		}
	}
	return nil
}

func (s *stanza) warnAddresses(fakes []fake) {
	warned := make(map[position]bool)
	for i, f := range fakes {
		if warned[f.at] {
			continue // one of a range, with the same addresses
		}
		warned[f.at] = true
		for _, addr := range f.addresses {
			if kind := special(addr); kind != "" {
				s.warnf(f.at, "sink %q: %s is a %s address: receivers that check for bogus MX may reject mail from the domain", fakes[i].name, addr, kind)
			}
		}
	}
}

func (s *stanza) warnf(p position, format string, args ...any) {
	s.warnings = append(s.warnings, fmt.Sprintf("%s:%d - "+format, append([]any{p.file, p.line}, args...)...))
}

// enclosing returns the most specific of zones that name is in, or "".
func enclosing(name string, zones []string) string {
	best := ""
	for _, zone := range zones {
		if inside(name, zone) && len(zone) > len(best) {
			best = zone
		}
	}
	return best
}

func firstLabel(name string) string {
	off, end := dns.NextLabel(name, 0)
	if end {
		return name
	}
	return name[:off-1]
}

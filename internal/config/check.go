package config

import (
	"slices"
	"strings"

	"github.com/fakemx/fakemx/internal/dnsname"
	"github.com/miekg/dns"
)

// check finds the mistakes of a stanza that no single line shows, and collects
// what the operator is warned about.
func (s *Stanza) check() error {
	fakes := s.Fakes()
	if len(fakes) == 0 {
		return s.at.errorf("no fake: expected at least one line lowest NAME [ADDRESS...] or highest NAME [ADDRESS...]")
	}
	if err := s.checkLowest(); err != nil {
		return err
	}
	if err := s.checkNames(fakes); err != nil {
		return err
	}
	if err := s.checkGuard(); err != nil {
		return err
	}
	s.warn(fakes)
	return nil
}

func (s *Stanza) checkLowest() error {
	if n := len(s.Lowest); n > maxLowest {
		return s.Lowest[maxLowest].at.errorf("%d lowest fakes: expected at most %d, with more some senders never reach the real MX", n, maxLowest)
	}
	addresses := 0
	for _, f := range s.Lowest {
		if addresses += len(f.Addresses); addresses > maxLowestAddresses {
			return f.at.errorf("more than %d addresses of lowest fakes: expected at most %d, with more some senders never reach the real MX", maxLowestAddresses, maxLowestAddresses)
		}
	}
	return nil
}

// checkNames looks at every name in every zone of the Corefile. Zones of a list
// are looked at when it is loaded.
func (s *Stanza) checkNames(fakes []Fake) error {
	names, zones := make(map[string]bool, len(fakes)), newZoneSet(s.Zones)
	for _, f := range fakes {
		if names[f.Name] {
			return f.at.errorf("sink %q is given twice: expected once", f.Name)
		}
		names[f.Name] = true

		outside := f.Absolute() && zones.enclosing(f.Name) == ""
		switch {
		case outside && f.Served() && s.ListFile == "":
			return f.errOutside()
		case !outside && !f.Served():
			return f.errNoAddress()
		case s.Real != "" && dnsname.FirstLabel(f.Name) == s.Real:
			return f.at.errorf("sink %q begins with the label of real: expected another name", f.Name)
		}
	}
	check := s.newZoneCheck(nil, nil)
	for _, zone := range s.Zones {
		if err := check.check(zone); err != nil {
			return err
		}
	}
	return nil
}

func (f *Fake) errOutside() error {
	return f.at.errorf("sink %q is outside the zones and has addresses: expected none, somebody else serves it", f.Name)
}

func (f *Fake) errNoAddress() error {
	hint := ""
	if !f.Absolute() && strings.Contains(f.Name, ".") {
		hint = ", or a final dot for a name outside the zones"
	}
	return f.at.errorf("sink %q has no address: expected at least one, some senders bounce mail without%s", f.Name, hint)
}

// checkZone looks for names that are wrong in zone only.
func (s *Stanza) checkZone(zone string, fakes []Fake) error {
	for _, f := range fakes {
		name := f.Name
		switch {
		case !f.Absolute() && zone == "." && s.rootByDefault:
			return f.at.errorf("sink %q is relative, no zone is given and the server block's is the root: expected zones after fakemx, or absolute names", name)
		case !f.Absolute() && zone == ".":
			return f.at.errorf("sink %q is relative to the root zone: expected a name with a final dot", name)
		case !f.Absolute():
			if name = dnsname.Join(name, zone); !dnsname.Fits(name) {
				return f.at.errorf("sink %q is longer than 255 octets in zone %q: expected a shorter name", f.Name, zone)
			}
		case !dnsname.Inside(name, zone):
			continue
		case name == zone:
			return f.at.errorf("sink %q is the zone itself: expected a host below it", name)
		default:
			if relative, _ := dnsname.Relative(name, zone); slices.ContainsFunc(fakes, func(f Fake) bool { return f.Name == relative }) {
				return f.at.errorf("sink %q is given twice in zone %q: expected once", name, zone)
			}
		}
		// An except above the zone leaves its MX sets alone too: nothing points to
		// the sink then.
		if s.Except.Cover(name, zone) && !s.Except.Cover(zone, zone) {
			return f.at.errorf("sink %q is in a subtree of except: expected a name outside", name)
		}
	}
	return nil
}

// checkTogether finds the mistakes between the stanzas of a server block.
func checkTogether(stanzas []*Stanza) error {
	owner := make(map[string]*Stanza)
	for _, s := range stanzas {
		for _, zone := range s.Zones {
			if other, ok := owner[zone]; ok {
				return s.at.errorf("zone %q is in the fakemx of line %d too: expected it in one", zone, other.at.line)
			}
			owner[zone] = s
		}
	}
	of := func(apex string) *Stanza { return owner[apex] }
	for _, s := range stanzas {
		for _, zone := range s.Zones {
			if f := sinkAt(zone, of); f != nil {
				return f.at.errorf("sink %q is the configured zone %q: expected a host below a zone", f.Name, zone)
			}
		}
	}
	return checkSinks(stanzas, owner)
}

// byZone returns a function that gives the stanza of a zone of the Corefile, nil
// for any other name.
func byZone(stanzas []*Stanza) func(apex string) *Stanza {
	owner := make(map[string]*Stanza)
	for _, s := range stanzas {
		for _, zone := range s.Zones {
			owner[zone] = s
		}
	}
	return func(apex string) *Stanza { return owner[apex] }
}

// checkSinks looks for sinks that two stanzas would serve, which takes a zone
// of one inside a zone of the other.
func checkSinks(stanzas []*Stanza, owner map[string]*Stanza) error {
	if len(stanzas) == 1 {
		return nil
	}
	for _, s := range stanzas {
		others := func(apex string) *Stanza {
			if other := owner[apex]; other != s {
				return other
			}
			return nil
		}
		for _, zone := range s.Zones {
			for _, f := range s.Fakes() {
				name := f.In(zone)
				if !f.Served() || !dnsname.Inside(name, zone) {
					continue
				}
				if other := sinkAt(name, others); other != nil {
					return f.at.errorf("sink %q is in line %d too: expected it once", name, other.at.line)
				}
			}
		}
	}
	return nil
}

// sinkAt returns the sink that some stanza would serve at name, if there is
// one. find gives the stanza of a zone.
func sinkAt(name string, find func(apex string) *Stanza) *Fake {
	for off, end := dns.NextLabel(name, 0); !end; off, end = dns.NextLabel(name, off) {
		s := find(name[off:])
		if s == nil {
			continue
		}
		relative := name[:off-1]
		for _, f := range s.Fakes() {
			if f.Served() && (f.Name == relative || f.Name == name) {
				return &f
			}
		}
	}
	return nil
}

package config

import (
	"math"

	"github.com/fakemx/fakemx/internal/dnsname"
	"github.com/miekg/dns"
)

// zoneCheck looks for zones of a list with which a sink cannot be served. What
// can be wrong with a zone is few things, known before, so that a list of a
// million costs some look-ups each.
type zoneCheck struct {
	*Stanza
	fakes []Fake
	// of gives the stanza of a zone, whether of the Corefile or of the list.
	of func(apex string) *Stanza
	// relative says that there are relative sinks, and room is the length of a zone
	// from which on one of them may be too long.
	relative bool
	room     int
	// above are the names at or above absolute sinks and absolute names of except.
	above zoneSet
	// labels are the first ones of all sinks.
	labels map[string]bool
	// excepted says that except covers a sink in every zone.
	excepted bool
}

func (s *Stanza) newZoneCheck(stanzas []*Stanza, of func(apex string) *Stanza) *zoneCheck {
	c := &zoneCheck{Stanza: s, fakes: s.Fakes(), of: of, room: math.MaxInt, above: make(zoneSet), labels: make(map[string]bool)}
	for _, f := range c.fakes {
		if f.Absolute() {
			c.addAbove(f.Name)
			continue
		}
		c.relative = true
		// The dot between them, and the octet that a name is longer on the wire.
		c.room = min(c.room, dnsname.MaxLen-len(f.Name)-1)
		c.excepted = c.excepted || s.Except.coversRelative(f.Name)
	}
	for name := range s.Except.absolute {
		c.addAbove(name)
	}
	for _, other := range stanzas {
		for _, f := range other.Fakes() {
			if f.Served() {
				c.labels[dnsname.FirstLabel(f.Name)] = true
			}
		}
	}
	return c
}

func (c *zoneCheck) addAbove(name string) {
	for off, end := 0, name == "."; !end; off, end = dns.NextLabel(name, off) {
		c.above[name[off:]] = struct{}{}
	}
	c.above["."] = struct{}{}
}

// check reports what is wrong with zone, which is canonical.
func (c *zoneCheck) check(zone string) error {
	if zone == "." && c.relative || len(zone) >= c.room || c.excepted || c.above.has(zone) {
		if err := c.checkZone(zone, c.fakes); err != nil {
			return err
		}
	}
	if c.labels[dnsname.FirstLabel(zone)] {
		if f := sinkAt(zone, c.of); f != nil {
			return f.at.errorf("sink %q is the listed zone %q: expected a host below a zone", f.Name, zone)
		}
	}
	return nil
}

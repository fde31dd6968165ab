package config

import (
	"net/netip"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/plugin"
	"github.com/miekg/dns"
)

// zoneArguments returns the stanza's zones, canonical and without repetition:
// those of its first line, else those of the server block.
func zoneArguments(c *caddy.Controller) (zones []string, given bool, err error) {
	p := positionOf(c)
	args := c.RemainingArgs()
	given = len(args) > 0
	if !given {
		args = blockZones(c)
	}
	seen := make(map[string]bool, len(args))
	for _, arg := range args {
		for _, name := range reverse(arg) {
			zone, err := appendName(nil, []byte(name), true)
			if err != nil {
				return nil, given, p.errorf("bad zone %s: %w", quoted(arg), err)
			}
			if !seen[string(zone)] {
				seen[string(zone)] = true
				zones = append(zones, string(zone))
			}
		}
	}
	return zones, given, nil
}

// reverse returns the reverse zones that an address prefix stands for, as it
// does in the key of a server block, and any other argument as it is. The port
// and the protocol of such a key mean nothing in a name, so they are no
// exception.
func reverse(arg string) []string {
	if _, err := netip.ParsePrefix(arg); err == nil {
		if zones := plugin.Host(arg).NormalizeExact(); len(zones) > 0 {
			return zones
		}
	}
	return []string{arg}
}

// blockZones returns the zones of the server block, as CoreDNS has read them
// from its keys.
func blockZones(c *caddy.Controller) []string {
	zones := make([]string, 0, len(c.ServerBlockKeys))
	for _, key := range c.ServerBlockKeys {
		// One at most: CoreDNS has made one key of each reverse zone.
		zones = append(zones, plugin.Host(key).NormalizeExact()...)
	}
	return zones
}

// zoneSet holds canonical names.
type zoneSet map[string]struct{}

func newZoneSet(names []string) zoneSet {
	set := make(zoneSet, len(names))
	for _, name := range names {
		set[name] = struct{}{}
	}
	return set
}

func (z zoneSet) has(name string) bool {
	_, ok := z[name]
	return ok
}

// enclosing returns the most specific zone of the set that name is in, or "".
func (z zoneSet) enclosing(name string) string {
	for off, end := 0, name == "."; !end; off, end = dns.NextLabel(name, off) {
		if z.has(name[off:]) {
			return name[off:]
		}
	}
	if z.has(".") {
		return "."
	}
	return ""
}

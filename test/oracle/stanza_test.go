package oracle

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"github.com/miekg/dns"
)

// stanzaFor returns the stanza for owner, and the zone of it that owner lies in:
// of several the most specific.
func (b *block) stanzaFor(owner string) (found *stanza, configured string) {
	for _, s := range b.stanzas {
		for _, z := range b.zonesOf(s) {
			if within(z, owner) && (found == nil || below(configured, z)) {
				found, configured = s, z
			}
		}
	}
	return found, configured
}

func (b *block) zonesOf(s *stanza) []string {
	if len(s.zones) > 0 {
		return s.zones
	}
	var origins []string
	for _, z := range b.zones {
		origins = append(origins, z.origin)
	}
	return origins
}

// leavesAlone reports whether s, which may be none, changes nothing at owner.
func (s *stanza) leavesAlone(configured, owner string) bool {
	return s == nil || s.dryRun || s.excepts(configured, owner)
}

// isForeign reports whether one of the real exchanges of a set is none of those
// that s wants fakes for.
func (s *stanza) isForeign(configured string, real []string) bool {
	return len(s.exchanges) > 0 && slices.ContainsFunc(real, func(exchange string) bool {
		return !slices.ContainsFunc(s.exchanges, func(name string) bool {
			return within(absolute(name, configured), exchange)
		})
	})
}

func (s *stanza) isRealLabel(label string) bool { return s.real != "" && same(label+".", s.real+".") }

// excepts reports whether owner lies under one of the names that s leaves alone.
func (s *stanza) excepts(configured, owner string) bool {
	return slices.ContainsFunc(s.except, func(name string) bool {
		return within(absolute(name, configured), owner)
	})
}

func absolute(name, zone string) string {
	if dns.IsFqdn(name) {
		return name
	}
	return name + "." + zone
}

func names(fakes []fake, zone string) (all []string) {
	for _, f := range fakes {
		all = append(all, f.names(zone)...)
	}
	return all
}

var numberRange = regexp.MustCompile(`^(.*)\[(\d+)-(\d+)\](.*)$`)

// names returns the exchanges that f stands for in zone: one, or one for each
// number of its range.
func (f fake) names(zone string) (all []string) {
	m := numberRange.FindStringSubmatch(f.name)
	if m == nil {
		return []string{absolute(f.name, zone)}
	}
	first, _ := strconv.Atoi(m[2])
	last, _ := strconv.Atoi(m[3])
	for i := first; i <= last; i++ {
		all = append(all, absolute(fmt.Sprint(m[1], i, m[4]), zone))
	}
	return all
}

func (s *stanza) stepOrDefault() int {
	if s.step == "" {
		return 10
	}
	step, _ := strconv.Atoi(s.step)
	return step
}

func (s *stanza) ttlOrDefault() uint32 {
	if s.ttl == "" {
		return 3600
	}
	ttl, _ := strconv.ParseUint(s.ttl, 10, 32)
	return uint32(ttl)
}

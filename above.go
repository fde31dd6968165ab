package fakemx

import (
	"github.com/fakemx/fakemx/internal/config"
	"github.com/fakemx/fakemx/internal/dnsname"
	"github.com/miekg/dns"
)

// above corrects a name error at the apex of a configured zone, or above it. The
// zone of the backend is a larger one then, or an empty one, in which the sinks
// bring these names into being as they do those below the apex: resolvers take a
// name error to mean that there is nothing below (RFC 8020).
//
// That is all. A wildcard of the larger zone that answers at the apex, or below,
// goes on doing so, though a sink that was typed in would stop it: the MX set of
// the configured domain may be that wildcard's. And a zone of its own below the
// name is not for fakemx to make known to the zone above it, as a delegation
// would. m is the answer from below.
func (q *query) above(m *dns.Msg) *dns.Msg {
	if !noSuchName(m) {
		return m
	}
	zone, ok := q.f.zones.at(q.name)
	if !ok || !zone.bringsApex(zone.apex) {
		zone, ok = q.f.zones.firstBelow(q.name)
		ok = ok && !q.hasZone(zone.apex)
	}
	if !ok || !zone.bringsApex(zone.apex) {
		return m
	}
	at := spot{match: zone, node: node{kind: between}, name: q.name}
	below := q.ask()
	if corrected, ok := q.answerAt(&at, &below); ok {
		return corrected
	}
	return m
}

// hasZone reports whether the plugins below have a zone with the apex.
func (q *query) hasZone(apex string) bool {
	m := q.askFor(apex, dns.TypeSOA)
	return m != nil && ownsAny(only(m.Answer, dns.TypeSOA), apex)
}

// bringsApex reports whether the sinks bring the zone apex into being.
func (s *stanza) bringsApex(apex string) bool {
	return !s.DryRun && s.holds(apex) && !s.Except.Cover(apex, apex)
}

// holds reports whether a sink is served in the zone apex.
func (s *stanza) holds(apex string) bool {
	for _, fakes := range [2][]config.Fake{s.Lowest, s.Highest} {
		for i := range fakes {
			if f := &fakes[i]; f.Served() && (!f.Absolute() || dnsname.Inside(f.Name, apex)) {
				return true
			}
		}
	}
	return false
}

// firstBelow returns a zone below name whose sinks bring it into being, if there
// is one.
func (z *zones) firstBelow(name string) (match, bool) {
	apex, ok := z.ancestors[name]
	if !ok {
		apex, ok = z.listed.Load().ancestors[name]
	}
	if !ok {
		return match{}, false
	}
	return z.at(apex)
}

// addAncestors notes apex, if its sinks bring it into being, as a zone below each
// name above it.
func (s *stanza) addAncestors(apex string, ancestors map[string]string) {
	if !s.bringsApex(apex) {
		return
	}
	for name := dnsname.Parent(apex); name != "."; name = dnsname.Parent(name) {
		if _, ok := ancestors[name]; ok {
			return
		}
		ancestors[name] = apex
	}
}

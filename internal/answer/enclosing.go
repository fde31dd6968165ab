package answer

import (
	"slices"

	"github.com/fakemx/fakemx/internal/zones"
	"github.com/miekg/dns"
)

// enclosing corrects a name error at the apex of a configured zone, or above it.
// The zone of the backend is a larger one then, or an empty one, in which the sinks
// bring these names into being as they do those between: resolvers take a name
// error to mean that there is nothing below (RFC 8020).
//
// That is all. A wildcard of the larger zone that answers at the apex, or below,
// goes on doing so, though a sink that was typed in would stop it: the MX set of
// the configured domain may be that wildcard's. And a zone of its own below the
// name is not for fakemx to make known to the zone above it, as a delegation
// would. m is the answer from behind.
func (q *Query) enclosing(m *dns.Msg) *dns.Msg {
	if !noSuchName(m) {
		return m
	}
	zone, ok := q.e.zones.At(q.name)
	if !ok || !zone.BringsApex(zone.Apex) {
		zone, ok = q.e.zones.FirstBelow(q.name)
		ok = ok && !q.hasZone(zone.Apex)
	}
	if !ok || !zone.BringsApex(zone.Apex) || !q.anyFree(zone) {
		return m
	}
	at := spot{Node: zones.Node{Match: zone, Name: q.name, Kind: zones.Between}}
	r := q.askWhole()
	if corrected, ok := q.atNode(&at, &r); ok {
		return corrected
	}
	return m
}

// anyFree reports whether one of the sinks in a zone is free.
func (q *Query) anyFree(match zones.Match) bool {
	z := q.e.memory.of(match)
	verdicts := q.verdicts(z, z.sinks...)
	return slices.ContainsFunc(z.sinks, func(i int) bool { return verdicts[i].state == free })
}

// hasZone reports whether the plugins behind have a zone with the apex.
func (q *Query) hasZone(apex string) bool {
	m := q.askFor(apex, dns.TypeSOA)
	return m != nil && owns(m.Answer, apex, dns.TypeSOA)
}

package fakemx

import "github.com/miekg/dns"

// above corrects a name error at the apex of a configured zone, or above it. The
// zone of the backend is a larger one then, or an empty one, in which the sinks
// bring these names into being as they do those below the apex: resolvers take a
// name error to mean that there is nothing below (RFC 8020).
//
// That is all. A wildcard of the larger zone that answers at the apex, or below,
// goes on doing so, though a sink that was typed in would stop it: the MX set of
// the configured domain may be that wildcard's. m is the answer from below, and
// at has the zone of the name, if there is one.
func (q *query) above(at *spot, m *dns.Msg) *dns.Msg {
	if !noSuchName(m) {
		return m
	}
	if at.stanza == nil {
		var ok bool
		if at.match, ok = q.f.zones.firstBelow(q.name); !ok {
			return m
		}
	} else if q.name != at.apex {
		return m
	}
	if at.dryRun || !at.holds(at.apex) || at.except.cover(at.apex, at.apex) {
		return m
	}
	at.node, at.name = node{kind: between}, q.name
	below := q.ask()
	if corrected, ok := q.answerAt(at, &below); ok {
		return corrected
	}
	return m
}

// holds reports whether a sink is served in the zone apex.
func (s *stanza) holds(apex string) bool {
	for _, f := range s.fakes() {
		if f.served() && (!f.absolute() || inside(f.name, apex)) {
			return true
		}
	}
	return false
}

// firstBelow returns a zone below name, if there is one.
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

// addAncestorsOf notes apex as a zone below each name above it.
func addAncestorsOf(apex string, ancestors map[string]string) {
	for name := parent(apex); name != "."; name = parent(name) {
		if _, ok := ancestors[name]; ok {
			return
		}
		ancestors[name] = apex
	}
}

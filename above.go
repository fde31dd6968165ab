package fakemx

import (
	"github.com/miekg/dns"
)

// above corrects the answer for a name that is at, or above, or below the apex
// of a configured zone, where the zone of the backend is a larger one: the sinks
// bring the apex and the names above it into being, as they do those below. m is
// the answer from below, and at has the zone of the name, if there is one.
func (q *query) above(at spot, m *dns.Msg) *dns.Msg {
	switch {
	case at.stanza == nil:
		below, name, ok := q.f.zones.firstBelow(q.name)
		if !ok {
			return m
		}
		at.match, at.name = below, name
	case at.name == "":
		at.name = at.apex
	}
	apex, ok := authorityOwner(m)
	if !ok || sameName(apex, at.name) && (q.name != at.name || !noSuchName(m)) || !inside(at.name, canonical(apex)) {
		return m
	}
	if at.dryRun || !at.holds(at.apex) || at.except.cover(at.apex, at.apex) {
		return m
	}
	at.node = node{kind: between}
	below := q.ask()
	if corrected, ok := q.answerAt(at, &below); ok {
		return corrected
	}
	return m
}

// authorityOwner returns the apex of the zone that m is from.
func authorityOwner(m *dns.Msg) (string, bool) {
	for _, rr := range m.Ns {
		if h := rr.Header(); h.Rrtype == dns.TypeSOA || h.Rrtype == dns.TypeNS {
			return h.Name, true
		}
	}
	return "", false
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

// firstBelow returns a zone below name or, if there is none, below the next name
// above it, and which name that is. The name itself is in no zone.
func (z *zones) firstBelow(name string) (match, string, bool) {
	listed := z.listed.Load()
	for ; name != "."; name = parent(name) {
		if apex, ok := z.ancestors[name]; ok {
			m, ok := z.at(apex)
			return m, name, ok
		}
		if apex, ok := listed.ancestors[name]; ok {
			m, ok := z.at(apex)
			return m, name, ok
		}
	}
	return match{}, "", false
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

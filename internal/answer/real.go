package answer

import (
	"slices"

	"github.com/fakemx/fakemx/internal/dnsname"
	"github.com/fakemx/fakemx/internal/zones"
	"github.com/miekg/dns"
)

// realSet returns the untouched set that name is the name of, or below: that of an
// owner with an unsigned set that is not a null MX. It stands whatever becomes of
// the fakes: an SPF record that relies on it must not fail because a sink did. For
// names that only a wildcard answers for there is none.
func (q *Query) realSet(name string) (spot, bool) {
	for ; name != "."; name = dnsname.Parent(name) {
		if !q.e.zones.HasReal(dnsname.FirstLabel(name)) {
			continue
		}
		owner := dnsname.Parent(name)
		at, ok := q.e.zones.Find(owner)
		if !ok || at.Real != dnsname.FirstLabel(name) || !Publishes(at.Stanza, at.Apex, owner) || q.isSink(owner) {
			continue
		}
		r := q.direct(owner)
		if r == nil {
			continue
		}
		if r.Msg.Truncated {
			return spot{}, false
		}
		set := setOf(r.Msg.Answer, owner)
		if slices.ContainsFunc(set, isNull) || r.proof != nil && r.signs(owner) || owner != at.Apex && !q.exists(owner, r.Msg) {
			return spot{}, false
		}
		return spot{Node: zones.Node{Match: at, Name: name}, real: r.Msg}, true
	}
	return spot{}, false
}

// isUntouched reports whether name is that of an untouched set.
func (q *Query) isUntouched(name string) bool {
	name = dnsname.Canonical(name)
	at, ok := q.realSet(name)
	return ok && at.Name == name
}

// Publishes reports whether the untouched set of an owner in the zone apex of a
// stanza is published, if it has one: not that of a wildcard, whose name in the
// middle of another would be no wildcard, and not that of an untouched set itself.
func Publishes(s *zones.Stanza, apex, owner string) bool {
	first := dnsname.FirstLabel(owner)
	return s.Real != "" && !s.DryRun && first != "*" && first != s.Real && !s.Except.Cover(owner, apex)
}

// Untouched returns copies of the records of an MX set, as they are published
// under the label of real.
func Untouched(label string, set []dns.RR) []dns.RR {
	out := make([]dns.RR, len(set))
	for i, rr := range set {
		mx := *rr.(*dns.MX)
		mx.Hdr.Name = label + "." + mx.Hdr.Name
		out[i] = &mx
	}
	return out
}

// untouched answers with the set of the owner as the plugins behind have it.
func (q *Query) untouched(at *spot) *dns.Msg {
	out := *at.real
	out.Question = q.r.Question
	out.Answer = Untouched(at.Real, setOf(at.real.Answer, dnsname.Parent(at.Name)))
	q.fit(&out, at.Apex)
	return &out
}

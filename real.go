package fakemx

import (
	"slices"

	"github.com/fakemx/fakemx/internal/dnsname"
	"github.com/miekg/dns"
)

// realNode returns the node of an untouched set that the query is for or below,
// if the owner's set is one that fakes are added to.
func (q *query) realNode() (spot, bool) {
	for name := q.name; name != "."; name = dnsname.Parent(name) {
		label, owner := dnsname.FirstLabel(name), dnsname.Parent(name)
		if !slices.Contains(q.f.zones.labels, label) {
			continue
		}
		at, ok := q.f.zones.find(owner)
		if !ok || at.Real != label || at.DryRun || q.f.zones.isSink(owner) || dnsname.FirstLabel(owner) == "*" {
			continue
		}
		below := q.direct(owner)
		if below == nil {
			return spot{}, false
		}
		set := setOf(below.msg.Answer, owner)
		if z, _ := q.f.servable(at.zone(), below.msg.Ns); q.f.decide(z, owner, set, below.signs) != injected {
			return spot{}, false
		}
		return spot{match: at, node: node{kind: atReal}, name: name, set: below.msg}, true
	}
	return spot{}, false
}

// untouched answers with the set of the owner as the plugins below have it.
func (q *query) untouched(at *spot) *dns.Msg {
	out := *at.set
	out.Question = q.r.Question
	out.Answer = nil
	owner := at.name[len(at.Real)+1:]
	for _, rr := range setOf(at.set.Answer, owner) {
		mx := *rr.(*dns.MX)
		mx.Hdr.Name = at.Real + "." + mx.Hdr.Name
		out.Answer = append(out.Answer, &mx)
	}
	q.fit(&out, at.apex)
	return &out
}

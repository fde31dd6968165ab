package fakemx

import (
	"slices"

	"github.com/fakemx/fakemx/internal/dnsname"
	"github.com/miekg/dns"
)

// endOfChain completes an answer whose CNAME records lead to a node. Backends
// that know nothing of the sinks end such a chain with a name error, or with
// what they have themselves.
func (q *query) endOfChain(m *dns.Msg) *dns.Msg {
	if q.qtype == dns.TypeCNAME || !hasAlias(m) {
		return m
	}
	var chain []dns.RR
	var tail *dns.Msg
	end := *q
	for ok := false; !ok; {
		aliases, target := q.f.zones.follow(m.Answer, end.name)
		if len(aliases) == 0 || len(chain) > len(m.Answer) || refers(m, q.name, target) {
			return m
		}
		chain = append(chain, aliases...)
		end.name, end.r = target, withQuestion(q.r, target, q.qtype)
		tail, ok = end.ofChain(m)
	}
	rest := without(m.Answer, chain)
	if m.Rcode == tail.Rcode && len(rest) > 0 && slices.EqualFunc(rest, tail.Answer, dns.IsDuplicate) {
		return m // a backend that resolves targets through the server has it right
	}
	out := *m
	out.Rcode = tail.Rcode
	out.Answer = slices.Concat(chain, tail.Answer)
	out.Ns = tail.Ns
	out.Extra = only(m.Extra, dns.TypeOPT)
	return &out
}

// ofChain returns what the name has to say, which is where the aliases of m lead
// to. It fails where m has it right.
func (q *query) ofChain(m *dns.Msg) (*dns.Msg, bool) {
	var at spot
	if q.special(&at) {
		below := q.ask()
		return q.answerAt(&at, &below)
	}
	if m.Rcode != dns.RcodeNameError {
		return nil, false
	}
	denial := *m
	denial.Answer = nil // the rcode is about the end of the chain, RFC 6604 section 3
	tail := q.above(&denial)
	return tail, tail != &denial
}

// follow returns the aliases of an answer from name on, and the name to which
// they lead, or a node on the way: a sink has no alias, whatever the zone has in
// its place, and an alias below may be from a wildcard, which the sink stops.
func (z *zones) follow(answer []dns.RR, name string) (chain []dns.RR, target string) {
	for range answer {
		if len(chain) > 0 && z.reaches(name) {
			break
		}
		i := slices.IndexFunc(answer, func(rr dns.RR) bool {
			return rr.Header().Rrtype == dns.TypeCNAME && dnsname.Same(rr.Header().Name, name)
		})
		if i < 0 {
			break
		}
		for _, rr := range answer {
			if rr.Header().Rrtype == dns.TypeDNAME && dnsname.Below(name, dnsname.Canonical(rr.Header().Name)) {
				chain = append(chain, rr)
			}
		}
		chain = append(chain, answer[i])
		name = dnsname.Canonical(answer[i].(*dns.CNAME).Target)
	}
	return chain, name
}

// direct returns the answer of the plugins below to a query for the MX set of
// owner, to which an alias led. Caches hold one set of a name, so what becomes
// of it must not depend on the way to it. The result is nil if a query for it
// would not have it from there: it is the set of another server block then, which
// has a zone within one of these, or one that a zone cut or a DNAME hides.
func (q *query) direct(owner string) *reply {
	asked := *q
	asked.name, asked.qtype = dnsname.Canonical(owner), dns.TypeMX
	asked.r = withQuestion(q.r, asked.name, asked.qtype)
	below := asked.ask()
	if below.msg == nil || below.msg.Rcode != dns.RcodeSuccess || setOf(below.msg.Answer, owner) == nil {
		return nil
	}
	var at spot
	if q.f.zones.node(asked.name, &at) && !at.DryRun {
		if _, denied := asked.answerAt(&at, &below); denied {
			return nil // a wildcard answers, which the sink stops
		}
	}
	return &below
}

// refers reports whether m ends an alias with a referral, for a target that is
// below a zone cut.
func refers(m *dns.Msg, name, target string) bool {
	return soaOf(m) == nil && slices.ContainsFunc(m.Ns, func(rr dns.RR) bool {
		cut := dnsname.Canonical(rr.Header().Name)
		return rr.Header().Rrtype == dns.TypeNS && dnsname.Inside(target, cut) && !dnsname.Inside(name, cut)
	})
}

func without(rrs, removed []dns.RR) []dns.RR {
	var rest []dns.RR
	for _, rr := range rrs {
		if !slices.Contains(removed, rr) {
			rest = append(rest, rr)
		}
	}
	return rest
}

func withQuestion(r *dns.Msg, name string, qtype uint16) *dns.Msg {
	asked := *r
	asked.Question = []dns.Question{{Name: name, Qtype: qtype, Qclass: dns.ClassINET}}
	return &asked
}

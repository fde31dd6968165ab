package fakemx

import (
	"slices"

	"github.com/miekg/dns"
)

// endOfChain completes an answer whose CNAME records lead to a node. Backends
// that know nothing of the sinks end such a chain with a name error, or with
// what they have themselves.
func (q *query) endOfChain(m *dns.Msg) *dns.Msg {
	if !slices.ContainsFunc(m.Answer, isType(dns.TypeCNAME)) || q.qtype == dns.TypeCNAME {
		return m
	}
	target := target(m.Answer, q.name)
	if target == q.name {
		return m
	}
	at, found := q.f.zones.node(target)
	if !found || at.dryRun {
		return m
	}
	end := *q
	end.name = target
	end.r = withQuestion(q.r, target, q.qtype)
	below := end.ask()
	tail, ok := end.answerAt(at, &below)
	if !ok {
		return m
	}
	chain, rest := splitChain(m.Answer)
	if m.Rcode == tail.Rcode && slices.EqualFunc(rest, tail.Answer, dns.IsDuplicate) {
		return m // a backend that resolves targets through the server has it right
	}
	out := *m
	out.Rcode = tail.Rcode
	out.Answer = slices.Concat(chain, tail.Answer)
	out.Ns = tail.Ns
	return &out
}

// target follows the CNAME records of an answer from name to where they end.
func target(answer []dns.RR, name string) string {
	for range answer {
		i := slices.IndexFunc(answer, func(rr dns.RR) bool {
			return rr.Header().Rrtype == dns.TypeCNAME && sameName(rr.Header().Name, name)
		})
		if i < 0 {
			break
		}
		name = canonical(answer[i].(*dns.CNAME).Target)
	}
	return name
}

// splitChain separates the aliases of an answer from what they lead to.
func splitChain(answer []dns.RR) (chain, rest []dns.RR) {
	for _, rr := range answer {
		switch rr.Header().Rrtype {
		case dns.TypeCNAME, dns.TypeDNAME:
			chain = append(chain, rr)
		default:
			rest = append(rest, rr)
		}
	}
	return chain, rest
}

func withQuestion(r *dns.Msg, name string, qtype uint16) *dns.Msg {
	asked := *r
	asked.Question = []dns.Question{{Name: name, Qtype: qtype, Qclass: dns.ClassINET}}
	return &asked
}

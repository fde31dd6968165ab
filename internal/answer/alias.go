package answer

import (
	"slices"
	"strings"

	"github.com/fakemx/fakemx/internal/dnsname"
	"github.com/miekg/dns"
)

// endOfAlias completes an answer whose CNAME records lead to a node. Backends
// that know nothing of the sinks end such a chain with a name error, or with
// what they have themselves.
func (q *Query) endOfAlias(m *dns.Msg) *dns.Msg {
	if q.qtype == dns.TypeCNAME || !hasAlias(m) {
		return m
	}
	var chain []dns.RR
	var tail *dns.Msg
	left := q.inside().left // which the copy shares
	end := *q
	for ok := false; !ok; {
		aliases, target := q.follow(m.Answer, end.name)
		if len(aliases) == 0 || len(chain) > len(m.Answer) || refers(m, q.name, target) || left.Load() <= 0 {
			return m
		}
		chain = append(chain, aliases...)
		end.name, end.r = target, retarget(q.r, target, q.qtype)
		tail, ok = end.atEnd(m)
	}
	rest := without(m.Answer, chain)
	if m.Rcode == tail.Rcode && len(rest) > 0 && slices.EqualFunc(rest, tail.Answer, sameRecord) {
		return m // a backend that resolves targets through the server has it right
	}
	out := *m
	out.Rcode = tail.Rcode
	out.Answer = slices.Concat(chain, tail.Answer)
	out.Ns = tail.Ns
	out.Extra = only(m.Extra, dns.TypeOPT)
	return &out
}

// atEnd returns the answer for the name, to which the aliases of m lead. It fails
// where m has it right.
func (q *Query) atEnd(m *dns.Msg) (*dns.Msg, bool) {
	q.sink = nil
	if q.found = q.special(q.name, &q.at); q.found {
		if q.findSink() {
			return q.sinkAnswer(), true
		}
		if q.found {
			r := q.askWhole()
			if r.Msg != nil && noSuchName(r.Msg) && ownsAny(m.Answer, q.name) {
				return nil, false // another server block has a zone there
			}
			return q.atNode(&q.at, &r)
		}
	}
	if m.Rcode != dns.RcodeNameError {
		return nil, false
	}
	denial := *m
	denial.Answer = nil // the rcode is about the end of the chain, RFC 6604 section 3
	tail := q.enclosing(&denial)
	return tail, tail != &denial
}

// follow returns the aliases of an answer from name on, and the name to which
// they lead, or a node or an untouched set on the way: those have no alias, and one
// at the latter or below a sink may be from a wildcard, which they stop.
func (q *Query) follow(answer []dns.RR, name string) (chain []dns.RR, target string) {
	for range min(len(answer), maxQuestions) {
		if len(chain) > 0 && q.reaches(name) {
			break
		}
		i := slices.IndexFunc(answer, func(rr dns.RR) bool {
			return rr.Header().Rrtype == dns.TypeCNAME && dnsname.Same(rr.Header().Name, name)
		})
		if i < 0 {
			break
		}
		for _, rr := range answer {
			if rr != answer[i] && belongsToAlias(rr, name) {
				chain = append(chain, rr)
			}
		}
		chain = append(chain, answer[i])
		name = dnsname.Canonical(answer[i].(*dns.CNAME).Target)
	}
	return chain, name
}

// sameRecord reports whether a and b are the same record with the same TTL.
func sameRecord(a, b dns.RR) bool { return a.Header().Ttl == b.Header().Ttl && dns.IsDuplicate(a, b) }

// belongsToAlias reports whether rr is a DNAME record that makes the alias name, or
// a signature of that or of the CNAME record.
func belongsToAlias(rr dns.RR, name string) bool {
	owner := dnsname.Canonical(rr.Header().Name)
	switch rr := rr.(type) {
	case *dns.DNAME:
		return dnsname.Below(name, owner)
	case *dns.RRSIG:
		if from, wildcard := strings.CutPrefix(owner, "*."); wildcard && dnsname.Below(name, from) {
			owner = name // as file leaves it
		}
		return rr.TypeCovered == dns.TypeCNAME && owner == name || rr.TypeCovered == dns.TypeDNAME && dnsname.Below(name, owner)
	}
	return false
}

// reaches reports whether name is at or below a node or an untouched set.
func (q *Query) reaches(name string) bool {
	var at spot
	return q.special(name, &at)
}

// direct returns the answer of the plugins behind to a query for the MX set of
// owner, to which an alias led. Caches hold one set of a name, so what becomes
// of it must not depend on the way to it. The result is nil if a query for it
// would not have it from there: it is the set of another server block then, which
// has a zone within one of these, or one that a zone cut or a DNAME hides.
func (q *Query) direct(owner string) *Reply {
	if q.inside().left.Load() <= 0 {
		return nil
	}
	asked := *q
	asked.name, asked.qtype = dnsname.Canonical(owner), dns.TypeMX
	asked.r = retarget(q.r, asked.name, asked.qtype)
	asked.at = spot{}
	r := asked.askWhole()
	if r.Msg == nil || r.Msg.Rcode != dns.RcodeSuccess || setOf(r.Msg.Answer, owner) == nil {
		return nil
	}
	if q.node(asked.name, &asked.at.Node) {
		if _, denied := asked.atNode(&asked.at, &r); denied {
			return nil // a wildcard answers, which the sink stops
		}
	}
	return &r
}

// refers reports whether m ends an alias with a referral, for a target that is
// below a zone cut.
func refers(m *dns.Msg, name, target string) bool {
	return soaOf(m) == nil && slices.ContainsFunc(m.Ns, func(rr dns.RR) bool {
		cut := dnsname.Canonical(rr.Header().Name)
		return rr.Header().Rrtype == dns.TypeNS && dnsname.Inside(target, cut) && !dnsname.Inside(name, cut)
	})
}

// retarget returns the client's query with another question.
func retarget(r *dns.Msg, name string, qtype uint16) *dns.Msg {
	asked := *r
	asked.Question = []dns.Question{{Name: name, Qtype: qtype, Qclass: dns.ClassINET}}
	return &asked
}

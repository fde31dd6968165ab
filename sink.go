package fakemx

import (
	"github.com/coredns/coredns/plugin"
	"github.com/fakemx/fakemx/internal/dnsname"
	"github.com/miekg/dns"
)

// spot is a node of a zone: the deepest one that a name is at or below.
type spot struct {
	match
	node
	// name is the name of the node.
	name string
	// set is, for atReal, the answer with the untouched set.
	set *dns.Msg
}

// node finds the deepest node that name, which is canonical, is at or below. If
// there is none, at gets the most specific zone, if there is one.
func (z *zones) node(name string, at *spot) (found bool) {
	listed := z.listed.Load()
	for s, ok := dnsname.Root(name), true; ok; ok = s.Labels < listed.depths.max && s.Down() {
		if !listed.depths.has(s.Labels) {
			continue
		}
		m, ok := z.lookup(listed, s.String())
		if !ok {
			continue
		}
		n, owner, hit := m.tree.deepest(s)
		before := len(owner) > len(at.name) ||
			len(owner) == len(at.name) && (n.kind != between || at.kind == between)
		if found && m.DryRun != at.DryRun {
			before = at.DryRun // what is only counted hides nothing
		}
		switch {
		case hit && before && !m.Except.Cover(name, m.apex):
			at.match, at.node, at.name = m, n, owner
			found = true
		case !found:
			at.match = m
		}
	}
	return found
}

// reaches reports whether name is at or below a node.
func (z *zones) reaches(name string) bool {
	var at spot
	return z.node(name, &at) && !at.DryRun
}

// isSink reports whether a sink is served at name, or the TLSA set of one.
func (z *zones) isSink(name string) bool {
	var at spot
	return z.node(name, &at) && !at.DryRun && at.name == name && at.kind != between
}

// answerAt answers a query for a name that is at or below a node, as the zone
// would with the sinks typed in. It fails where the answer from below stands.
func (q *query) answerAt(at *spot, below *reply) (*dns.Msg, bool) {
	exact := at.name == q.name
	served := exact && at.kind != between
	m := below.msg
	switch {
	case m == nil:
		if !served || plugin.ClientWrite(below.rcode) {
			return nil, false
		}
		if below.err != nil {
			return q.serverFailure(), true
		}
		if q.belowDNAME(at.apex) {
			q.f.notices.occluded(at)
			return nil, false
		}
		// The zone may be well, and only an alias in the sink's place lead nowhere.
		m = new(dns.Msg).SetReply(q.r)
	case below.signed():
		// Unsigned data in a signed zone would be bogus (RFC 4035 section 4.3).
		q.f.notices.signed(at.apex)
		return nil, false
	case occluded(m, q.name):
		if at.kind != between {
			q.f.notices.occluded(at)
		}
		return nil, false
	case !served && !hasAlias(m) && m.Rcode != dns.RcodeSuccess && m.Rcode != dns.RcodeNameError:
		return nil, false
	}

	if served {
		if at.kind == atReal && q.qtype == dns.TypeMX {
			return q.untouched(at), true
		}
		if (q.qtype == dns.TypeDNAME || q.qtype == dns.TypeDS) && ownsAny(only(m.Answer, q.qtype), q.name) {
			return nil, false // it is about the names below
		}
		if at.kind == atSink && ownsAny(m.Answer, q.name) && q.exists(at, m) {
			q.f.notices.ownData(at)
		}
		if at.kind != atReal {
			if records := at.zone().records(at.node, q.qtype); len(records) > 0 {
				return q.positive(at, m, records), true
			}
			return q.negative(at, m, dns.RcodeSuccess), true
		}
	}
	switch {
	case noSuchName(m) && exact:
		return q.negative(at, m, dns.RcodeSuccess), true
	case noSuchName(m) || q.exists(at, m):
		return nil, false
	case exact:
		return q.negative(at, m, dns.RcodeSuccess), true
	}
	return q.negative(at, m, dns.RcodeNameError), true
}

// occluded reports whether m is an answer for what is not the zone's own: a
// referral, or the work of a DNAME above name (RFC 6672 section 2.4). The
// hand-edited zone gives the same.
func occluded(m *dns.Msg, name string) bool {
	for _, rr := range m.Answer {
		if rr.Header().Rrtype == dns.TypeDNAME && dnsname.Below(name, dnsname.Canonical(rr.Header().Name)) {
			return true
		}
	}
	return isReferral(m)
}

// belowDNAME reports whether the backend has a DNAME record between the name and
// the apex.
func (q *query) belowDNAME(apex string) bool {
	for name := q.name; name != apex; {
		name = dnsname.Parent(name)
		if m := q.askFor(name, dns.TypeDNAME); m != nil && ownsAny(only(m.Answer, dns.TypeDNAME), name) {
			return true
		}
	}
	return false
}

func isReferral(m *dns.Msg) bool {
	if m.Rcode != dns.RcodeSuccess || len(m.Answer) > 0 {
		return false
	}
	return len(only(m.Ns, dns.TypeNS)) > 0 && soaOf(m) == nil
}

func ownsAny(rrs []dns.RR, name string) bool {
	for _, rr := range rrs {
		if dnsname.Same(rr.Header().Name, name) {
			return true
		}
	}
	return false
}

func (q *query) positive(at *spot, m *dns.Msg, records []dns.RR) *dns.Msg {
	ns, ok := q.authority(m, at)
	if !ok {
		return q.serverFailure()
	}
	if soa := soaOf(m); soa != nil && !hasAlias(m) {
		q.f.seen.store(q.name, soa)
	}
	out := q.replyLike(m)
	out.Rcode = dns.RcodeSuccess
	out.Answer, out.Ns = records, ns
	return out
}

// negative denies the type, or with a name error the name, with the zone's SOA
// and nothing else: dnssec signs a denial only in that form.
func (q *query) negative(at *spot, m *dns.Msg, rcode int) *dns.Msg {
	soa := q.soa(m, at)
	if soa == nil {
		return q.serverFailure()
	}
	out := q.replyLike(m)
	out.Rcode = rcode
	out.Ns = []dns.RR{soa}
	return out
}

// replyLike returns an authoritative reply, for the rest with the header of m.
func (q *query) replyLike(m *dns.Msg) *dns.Msg {
	out := &dns.Msg{MsgHdr: m.MsgHdr, Compress: m.Compress, Question: q.r.Question}
	out.Authoritative, out.Truncated = true, false
	return out
}

func (q *query) serverFailure() *dns.Msg {
	return new(dns.Msg).SetRcode(q.r, dns.RcodeServerFailure)
}

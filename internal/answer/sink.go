package answer

import (
	"slices"

	"github.com/coredns/coredns/plugin"
	"github.com/fakemx/fakemx/internal/zones"
	"github.com/miekg/dns"
)

// findSink asks for the zone's SOA record if the name is that of a free sink with
// records of the type: the sink answers if the version of the zone is the one in
// which it was found free. If it is not free any more, found gets another node.
func (q *Query) findSink() bool {
	if q.at.real != nil || q.at.Name != q.name || len(q.addresses()) == 0 {
		return false
	}
	z := q.e.memory.of(q.at.Match)
	for range 2 {
		v := q.verdicts(z, q.at.Sinks...)[q.at.Sinks[0]]
		if v.state != free {
			q.found = q.special(q.name, &q.at)
			return false
		}
		m := q.askFor(v.apex, dns.TypeSOA)
		if m == nil || !owns(m.Answer, v.apex, dns.TypeSOA) {
			return false
		}
		soa := m.Answer[slices.IndexFunc(m.Answer, isType(dns.TypeSOA))].(*dns.SOA)
		if soa.Serial == v.serial && !hasDNSSEC(m) {
			q.sink = m
			return true
		}
		z.forget(v)
	}
	return false
}

// addresses returns the sink's records of the type asked for.
func (q *Query) addresses() []dns.RR {
	if q.at.Kind != zones.Sink {
		return nil
	}
	h := &q.e.memory.of(q.at.Match).zone.Hosts[q.at.Sinks[0]]
	switch q.qtype {
	case dns.TypeA:
		return h.A
	case dns.TypeAAAA:
		return h.AAAA
	}
	return nil
}

// sinkAnswer answers with the addresses of a sink.
func (q *Query) sinkAnswer() *dns.Msg {
	return q.positive(q.sink, q.addresses(), only(q.sink.Ns, dns.TypeNS))
}

// unsure answers for a sink of which it is not known whether it is free, so that
// no cache keeps a denial that may be false. It fails where the answer from behind
// stands.
func (q *Query) unsure(r *Reply) (*dns.Msg, bool) {
	var at zones.Node
	if !q.e.zones.Node(q.name, &at) || at.Name != q.name || at.Kind != zones.Sink {
		return nil, false
	}
	v := q.verdicts(q.e.memory.of(at.Match), at.Sinks...)[at.Sinks[0]]
	switch {
	case v.state == pending:
	case v.state == failing && (saysNothing(r) || v.served):
		q.e.notices.NoSOA(q.name)
	default:
		return nil, false
	}
	return q.serverFailure(), true
}

// saysNothing reports whether the plugins behind neither have data nor deny it,
// as only the zone's SOA record can (RFC 2308 section 2).
func saysNothing(r *Reply) bool {
	switch {
	case r.Msg == nil:
		return !plugin.ClientWrite(r.Rcode)
	case answers(r.Msg):
		return len(r.Msg.Answer) == 0 && soaOf(r.Msg) == nil && !isReferral(r.Msg)
	}
	return !refusesEDNS(r.Msg)
}

// atNode answers a query for a name that is at or below a node, as the zone
// would with the sinks typed in. It fails where the answer from behind stands.
func (q *Query) atNode(at *spot, r *Reply) (*dns.Msg, bool) {
	exact := at.Name == q.name
	served := exact && (at.Kind != zones.Between || at.real != nil)
	m := r.Msg
	switch {
	case m == nil && (!served || plugin.ClientWrite(r.Rcode)):
		return nil, false
	case served && fails(m) && (r.Err != nil || len(q.addresses()) > 0):
		q.e.notices.NoSOA(at.Name)
		return q.serverFailure(), true
	case served && fails(m):
		// The zone may be well, and only an alias in the sink's place lead nowhere.
		if at.Kind == zones.TLSA && dnameOver(q.askFor, q.name, at.Apex) != "" {
			return nil, false
		}
		if m = q.askFor(q.name, dns.TypeCNAME); !answers(m) {
			m = new(dns.Msg).SetReply(q.r)
		}
		if cutOff(m, q.name) || at.Kind == zones.TLSA && dnameOver(q.askFor, q.name, at.Apex) != "" {
			return nil, false
		}
	case r.signed(q.name), cutOff(m, q.name):
		return nil, false
	case !served && !hasAlias(m) && !answers(m):
		return nil, false
	}
	switch {
	case served && ownsAny(m.Answer, q.name) && q.wins(at) && q.exists(q.name, m):
		return nil, false
	case served && at.real != nil && q.qtype == dns.TypeMX:
		return q.untouched(at), true
	case served && at.Kind == zones.TLSA && q.qtype == dns.TypeTLSA && at.real == nil:
		return q.tlsa(at, m), true
	case served, noSuchName(m) && exact:
		return q.negative(at, m, dns.RcodeSuccess), true
	case noSuchName(m) || q.exists(at.Name, m):
		return nil, false
	case exact:
		q.e.notices.Wildcard(q.name, q.e.memory.of(at.Match).zone.Hosts[at.Sinks[0]].Name)
		return q.negative(at, m, dns.RcodeSuccess), true
	}
	return q.negative(at, m, dns.RcodeNameError), true
}

// wins reports whether data of the zone's own at the name of a node, if there is
// any, is the answer: all but the addresses of a free sink, which are those that
// are configured.
func (q *Query) wins(at *spot) bool {
	return at.real != nil || at.Kind != zones.Sink || q.qtype != dns.TypeA && q.qtype != dns.TypeAAAA
}

// tlsa answers with the TLSA set of a sink.
func (q *Query) tlsa(at *spot, m *dns.Msg) *dns.Msg {
	z := q.e.memory.of(at.Match)
	apex := q.askFor(q.verdicts(z, at.Sinks...)[at.Sinks[0]].apex, dns.TypeSOA)
	if apex == nil || !slices.ContainsFunc(apex.Answer, isType(dns.TypeSOA)) {
		return q.serverFailure()
	}
	return q.positive(m, z.zone.Hosts[at.Sinks[0]].TLSA(at.TTL), only(apex.Ns, dns.TypeNS))
}

func (q *Query) positive(m *dns.Msg, records, ns []dns.RR) *dns.Msg {
	out := q.replyLike(m)
	out.Rcode = dns.RcodeSuccess
	out.Answer, out.Ns = records, ns
	return out
}

// negative denies the type, or with a name error the name, with the zone's SOA
// and nothing else: dnssec signs a denial only in that form.
func (q *Query) negative(at *spot, m *dns.Msg, rcode int) *dns.Msg {
	soa := q.soa(m, at.Name)
	if soa == nil {
		return q.serverFailure()
	}
	out := q.replyLike(m)
	out.Rcode = rcode
	out.Ns = []dns.RR{soa}
	return out
}

// replyLike returns an authoritative reply, for the rest with the header of m.
func (q *Query) replyLike(m *dns.Msg) *dns.Msg {
	out := &dns.Msg{MsgHdr: m.MsgHdr, Compress: m.Compress, Question: q.r.Question}
	out.Authoritative, out.Truncated = true, false
	return out
}

func (q *Query) serverFailure() *dns.Msg {
	return new(dns.Msg).SetRcode(q.r, dns.RcodeServerFailure)
}

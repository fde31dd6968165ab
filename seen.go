package fakemx

import "github.com/miekg/dns"

// seen remembers for which version of its zone a sink was found to be free: not
// occluded, not signed, with no data of its own. A backend that keeps a zone in
// memory answers with the same SOA record, not only an equal one, until it
// loads another version, and a query for it costs a fraction of a denial.
// Backends that make their records anew for each answer are asked in full. The
// keys are the canonical names of sinks.
type seen = bounded[string, *dns.SOA]

// again answers for a sink that was found to be free in the version of the zone
// that is still in force, and otherwise returns nil.
func (q *query) again(at *spot) *dns.Msg {
	if at.name != q.name {
		return nil
	}
	soa, ok := q.f.seen.load(q.name)
	if !ok {
		return nil
	}
	records := at.zone().records(at.node, q.qtype)
	if len(records) == 0 {
		return nil
	}
	m := q.askFor(soa.Hdr.Name, dns.TypeSOA)
	if m == nil || len(m.Answer) == 0 || m.Answer[0] != dns.RR(soa) {
		return nil
	}
	out := q.replyLike(m)
	out.Rcode = dns.RcodeSuccess
	out.Answer, out.Ns = records, only(m.Ns, dns.TypeNS)
	return out
}

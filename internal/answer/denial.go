package answer

import (
	"slices"

	"github.com/fakemx/fakemx/internal/dnsname"
	"github.com/miekg/dns"
)

// shortenDenial gives the SOA record of a denial the TTL 0 where dnssec in front
// makes an NSEC record of it that denies too much. At any name but the apex that
// record never lists MX, so a resolver that reuses denials (RFC 8198) takes it
// that a name with an MX set has none, for as long as the TTL of the NSEC record
// says; and dnssec takes that from the SOA record.
func (q *Query) shortenDenial(m *dns.Msg) *dns.Msg {
	if q.e.signer.handler == nil || q.qtype == dns.TypeMX || m.Rcode != dns.RcodeSuccess || len(m.Answer) > 0 {
		return m
	}
	i := slices.IndexFunc(m.Ns, isType(dns.TypeSOA))
	if i < 0 || dnsname.Same(m.Ns[i].Header().Name, q.name) {
		return m
	}
	if opt := q.r.IsEdns0(); opt == nil || !opt.Do() || q.signatureLen(dnsname.Canonical(m.Ns[i].Header().Name)) == 0 || !q.hasMX() {
		return m
	}
	soa := *m.Ns[i].(*dns.SOA)
	soa.Hdr.Ttl = 0
	out := *m
	out.Ns = slices.Clone(m.Ns)
	out.Ns[i] = &soa
	return &out
}

// hasMX reports whether the name has an MX set, and is of a zone that fakemx may
// change answers of.
func (q *Query) hasMX() bool {
	at, ok := q.e.zones.Find(q.name)
	if !ok || at.DryRun || at.Except.Cover(q.name, at.Apex) || q.isSink(q.name) {
		return false
	}
	if _, ok := q.realSet(q.name); ok {
		return true
	}
	m := q.askFor(q.name, dns.TypeMX)
	return m != nil && m.Rcode == dns.RcodeSuccess && setOf(m.Answer, q.name) != nil
}

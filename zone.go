package fakemx

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/fakemx/fakemx/internal/dnsname"
	"github.com/fakemx/fakemx/internal/inject"
	"github.com/miekg/dns"
)

// zone is a stanza applied to one of its zones: every name absolute, every
// record made. Like the records of a zone file, these are shared by all answers
// and never change.
type zone struct {
	*stanza
	apex  string
	fakes inject.Fakes
	// hosts are the sinks' records, in the order of stanza.fakes.
	hosts []host
	// glue is the number of address records of all hosts.
	glue int
	made made
}

// host is what is served for one sink; nothing for one that others serve.
type host struct {
	name    string
	a, aaaa []dns.RR
}

func (s *stanza) zone(apex string) *zone {
	fakes := s.Fakes()
	exchanges := make([]string, len(fakes))
	z := &zone{stanza: s, apex: apex, hosts: make([]host, len(fakes))}
	for i, f := range fakes {
		exchanges[i] = f.Name
		if !f.Absolute() {
			exchanges[i] = dnsname.Join(f.Name, apex)
		}
		z.hosts[i] = newHost(exchanges[i], f.Addresses, s.TTL)
		z.glue += len(f.Addresses)
	}
	z.fakes = inject.Fakes{
		Lowest:  exchanges[:len(s.Lowest):len(s.Lowest)],
		Highest: exchanges[len(s.Lowest):],
		Step:    s.Step,
	}
	return z
}

func newHost(name string, addresses []netip.Addr, ttl uint32) host {
	h := host{name: name}
	for _, addr := range addresses {
		if addr.Is4() {
			hdr := dns.RR_Header{Name: name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: ttl}
			h.a = append(h.a, &dns.A{Hdr: hdr, A: addr.AsSlice()})
		} else {
			hdr := dns.RR_Header{Name: name, Rrtype: dns.TypeAAAA, Class: dns.ClassINET, Ttl: ttl}
			h.aaaa = append(h.aaaa, &dns.AAAA{Hdr: hdr, AAAA: addr.AsSlice()})
		}
	}
	h.a, h.aaaa = slices.Clip(h.a), slices.Clip(h.aaaa)
	return h
}

// noCertificate is the SHA-256 digest (RFC 6698 section 2.1.3) that no
// certificate has: with it, a sender that does DANE never talks to the sink.
var noCertificate = strings.Repeat("0", 64)

// tlsa returns the TLSA set of the sink: DANE-EE(3) SPKI(1) SHA2-256(1), the
// form that RFC 7672 section 3.1.1 has senders expect.
func (h *host) tlsa(ttl uint32) []dns.RR {
	hdr := dns.RR_Header{Name: tlsaPrefix + h.name, Rrtype: dns.TypeTLSA, Class: dns.ClassINET, Ttl: ttl}
	return []dns.RR{&dns.TLSA{Hdr: hdr, Usage: 3, Selector: 1, MatchingType: 1, Certificate: noCertificate}}
}

// records returns the sink's set of the type, nil if it has none.
func (z *zone) records(n node, qtype uint16) []dns.RR {
	h := &z.hosts[n.fake]
	switch {
	case n.kind == atSink && qtype == dns.TypeA:
		return h.a
	case n.kind == atSink && qtype == dns.TypeAAAA:
		return h.aaaa
	case n.kind == atTLSA && qtype == dns.TypeTLSA:
		return h.tlsa(z.TTL)
	}
	return nil
}

// kindOf says whether the node's sink is a lowest or a highest fake.
func (s *stanza) kindOf(n node) kind {
	if n.fake < len(s.Lowest) {
		return lowestKind
	}
	return highestKind
}

package fakemx

import (
	"encoding/base64"

	"github.com/coredns/coredns/plugin"
	"github.com/miekg/dns"
)

// signer is the dnssec plugin above fakemx, if there is one. What it adds to an
// answer counts when glue is fitted in.
type signer struct {
	handler plugin.Handler
	// lengths are those of the signatures, by zone.
	lengths bounded[string, int]
}

// signatureLen returns how many octets of RRSIG records (RFC 4034 section 3.1)
// dnssec adds to a set in the zone apex: none where it does not sign.
func (q *query) signatureLen(apex string) int {
	s := &q.f.signer
	if s.handler == nil {
		return 0
	}
	if n, ok := s.lengths.load(apex); ok {
		return n
	}
	// dnssec answers for the DNSKEY set of its zones without asking further.
	c := &capture{ResponseWriter: q.w}
	r := new(dns.Msg).SetQuestion(apex, dns.TypeDNSKEY)
	if _, err := s.handler.ServeDNS(q.ctx, c, r); err != nil || c.msg == nil {
		return 0
	}
	n := 0
	for _, rr := range c.msg.Answer {
		if key, ok := rr.(*dns.DNSKEY); ok {
			const pointer, fixed = 2, 10 + 18
			n += pointer + fixed + len(apex) + 1 + signatureOctets(key)
		}
	}
	s.lengths.store(apex, n)
	return n
}

// signatureOctets returns the length of a signature made with key.
func signatureOctets(key *dns.DNSKEY) int {
	switch key.Algorithm {
	case dns.ECDSAP256SHA256, dns.ED25519:
		return 64
	case dns.ECDSAP384SHA384:
		return 96
	case dns.ED448:
		return 114
	}
	// RSA: the length of the modulus, which is most of the key (RFC 3110 section 2).
	return base64.StdEncoding.DecodedLen(len(key.PublicKey))
}

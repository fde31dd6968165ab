package answer

import (
	"encoding/base64"
	"hash/maphash"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/pkg/cache"
	"github.com/coredns/coredns/plugin/pkg/nonwriter"
	"github.com/miekg/dns"
)

// signer is the dnssec plugin in front of fakemx, if there is one. What it adds to an
// answer counts when glue is fitted in.
type signer struct {
	handler plugin.Handler
	// lengths are those of the signatures in the zone apex, by its hash.
	lengths *cache.Cache[signatures]
}

// signatures are those that a set in a zone gets.
type signatures struct {
	apex   string
	octets int
}

// maxSigned is the number of zones whose signatures are remembered.
const maxSigned = 4096

func newSigner(handler plugin.Handler) signer {
	return signer{handler: handler, lengths: cache.New[signatures](maxSigned)}
}

// signatureLen returns how many octets of RRSIG records (RFC 4034 section 3.1)
// dnssec adds to a set in the zone apex: none where it does not sign.
func (q *Query) signatureLen(apex string) int {
	s := &q.e.signer
	if s.handler == nil {
		return 0
	}
	key := maphash.String(q.e.memory.seed, apex)
	if known, ok := s.lengths.Get(key); ok && known.apex == apex {
		return known.octets
	}
	// dnssec answers for the DNSKEY set of its zones without asking further.
	c := nonwriter.New(q.w)
	r := new(dns.Msg).SetQuestion(apex, dns.TypeDNSKEY)
	if _, err := s.handler.ServeDNS(q.inside(), c, r); err != nil || c.Msg == nil {
		return 0
	}
	n := 0
	for _, rr := range c.Msg.Answer {
		if key, ok := rr.(*dns.DNSKEY); ok {
			const pointer, fixed = 2, 10 + 18
			n += pointer + fixed + len(apex) + 1 + signatureOctets(key)
		}
	}
	s.lengths.Add(key, signatures{apex, n})
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

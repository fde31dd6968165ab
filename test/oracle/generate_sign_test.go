package oracle

import (
	"slices"

	"github.com/miekg/dns"
)

// sign gives z signatures, which nobody will check, and an NSEC record at each
// name.
func (z *zone) sign() {
	ttl := z.records[0].Header().Ttl
	denied := map[string]bool{}
	for _, rr := range slices.Clone(z.records) {
		owner := canonical(rr.Header().Name)
		if !denied[owner] && !z.hidesAbove(owner) {
			denied[owner] = true
			z.addText("%s %d IN NSEC %s A MX RRSIG NSEC", owner, ttl, z.origin)
		}
	}
	covered := map[string]bool{}
	for _, rr := range slices.Clone(z.records) {
		owner, t := canonical(rr.Header().Name), dns.TypeToString[rr.Header().Rrtype]
		cut := !same(owner, z.origin) && z.has(owner, dns.TypeNS) && t != "DS" && t != "NSEC"
		if covered[owner+t] || z.hidesAbove(owner) || cut {
			continue
		}
		covered[owner+t] = true
		z.addText("%s %d IN RRSIG %s 13 %d %d 20380101000000 20200101000000 12345 %s c2lnbmVk",
			owner, rr.Header().Ttl, t, labels(owner), rr.Header().Ttl, z.origin)
	}
}

// labels returns the number that a signature over the set of owner has
// (RFC 4034 section 3.1.3).
func labels(owner string) int {
	n := dns.CountLabel(owner)
	if firstLabel(owner) == "*" {
		n--
	}
	return n
}

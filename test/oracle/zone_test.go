package oracle

import (
	"fmt"
	"slices"

	"github.com/miekg/dns"
)

func (z *zone) has(name string, t uint16) bool {
	return slices.ContainsFunc(z.records, func(rr dns.RR) bool {
		return rr.Header().Rrtype == t && same(rr.Header().Name, name)
	})
}

func (z *zone) owns(name string) bool {
	return slices.ContainsFunc(z.records, func(rr dns.RR) bool { return same(rr.Header().Name, name) })
}

// answersFrom returns the name whose data *file* answers with at name. That is the
// wildcard beside an empty non-terminal too, which RFC 4592 section 2.2.2 forbids:
// who only asks can't tell it from data at the name.
func (z *zone) answersFrom(name string) string {
	if beside, ok := parent(name); ok && !z.owns(name) && z.exists(name) {
		return "*." + beside
	}
	return name
}

// signed reports whether z has signatures.
func (z *zone) signed() bool { return z.has(z.origin, dns.TypeRRSIG) }

// hides reports whether a zone cut or a DNAME at or above name makes what is
// typed in at name no part of z (RFC 2181 section 6, RFC 6672 section 2.4).
func (z *zone) hides(name string) bool {
	cut := !same(name, z.origin) && z.has(name, dns.TypeNS)
	return cut || z.hidesAbove(name)
}

func (z *zone) hidesAbove(name string) bool {
	return z.has(z.origin, dns.TypeDNAME) && below(z.origin, name) || slices.ContainsFunc(between(z.origin, name), func(up string) bool {
		return z.has(up, dns.TypeNS) || z.has(up, dns.TypeDNAME)
	})
}

func (z *zone) addText(format string, a ...any) {
	rr, err := dns.NewRR(fmt.Sprintf(format, a...))
	if err != nil {
		panic(err)
	}
	z.records = append(z.records, rr)
}

func (z *zone) remove(owner string, t uint16) {
	z.records = slices.DeleteFunc(z.records, func(rr dns.RR) bool {
		return rr.Header().Rrtype == t && same(rr.Header().Name, owner)
	})
}

func (z *zone) mx(owner string) (set []*dns.MX) {
	for _, rr := range z.records {
		if mx, ok := rr.(*dns.MX); ok && same(mx.Hdr.Name, owner) {
			set = append(set, mx)
		}
	}
	return set
}

func (z *zone) replaceMX(owner string, set []*dns.MX) {
	z.remove(owner, dns.TypeMX)
	for _, mx := range set {
		z.records = append(z.records, mx)
	}
}

func (z *zone) ownersOfMX() (owners []string) {
	seen := map[string]bool{}
	for _, rr := range z.records {
		if rr.Header().Rrtype != dns.TypeMX {
			continue
		}
		if owner := canonical(rr.Header().Name); !seen[owner] {
			seen[owner] = true
			owners = append(owners, owner)
		}
	}
	return owners
}

// mostSpecific returns the zone that name belongs to, or nil.
func mostSpecific(zones []*zone, name string) (found *zone) {
	for _, z := range zones {
		if within(z.origin, name) && (found == nil || below(found.origin, z.origin)) {
			found = z
		}
	}
	return found
}

package oracle

import (
	"net"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// A sink is a host that fakes point to and that the operator has to type in.
type sink struct {
	name      string
	addresses []string
	ttl       uint32
	// zone is the configured zone, the largest if there are several, in which the
	// sink brings the names above itself into being.
	zone string
}

// sinks returns the hosts of every stanza of b.
func (b *block) sinks() []sink {
	b.sinksOnce.Do(func() {
		for _, s := range b.stanzas {
			if !s.dryRun {
				b.allSinks = s.addSinks(b, b.allSinks)
			}
		}
	})
	return b.allSinks
}

func (s *stanza) addSinks(b *block, all []sink) []sink {
	for _, configured := range b.zonesOf(s) {
		for _, f := range slices.Concat(s.lowest, s.highest) {
			for _, name := range f.names(configured) {
				if len(f.addresses) == 0 || !within(configured, name) {
					continue
				}
				i := slices.IndexFunc(all, func(k sink) bool { return same(k.name, name) })
				switch {
				case i < 0:
					all = append(all, sink{name, f.addresses, s.ttlOrDefault(), configured})
				case below(configured, all[i].zone):
					all[i].zone = configured
				}
			}
		}
	}
	return all
}

// freeSinks returns the sinks of b that are typed in. The zones must be full.
func (b *block) freeSinks() []sink {
	b.freeOnce.Do(func() {
		for _, s := range b.sinks() {
			if z := mostSpecific(b.zones, s.name); z != nil && z.isFreeFor(s) {
				b.allFree = append(b.allFree, s)
			}
		}
	})
	return b.allFree
}

// isFreeFor reports whether s can be typed into z, the zone of its name, and hides
// nothing there.
func (z *zone) isFreeFor(s sink) bool {
	if z.signed() || same(z.origin, s.name) || z.hides(s.name) {
		return false
	}
	owner := z.answersFrom(s.name)
	if z.has(owner, dns.TypeCNAME) || z.has(owner, dns.TypeMX) || z.has(owner, dns.TypeNS) {
		return false
	}
	own := z.addressesAt(owner)
	return len(own) == 0 || slices.Equal(own, s.addressSet())
}

// addressesAt returns the A and AAAA records that z has at name, as text without
// their TTL.
func (z *zone) addressesAt(name string) (all []string) {
	for _, rr := range z.records {
		if same(rr.Header().Name, name) {
			all = append(all, addressOf(rr)...)
		}
	}
	slices.Sort(all)
	return all
}

func (s sink) addressSet() (all []string) {
	for _, rr := range s.records() {
		all = append(all, addressOf(rr)...)
	}
	slices.Sort(all)
	return all
}

// addressOf returns the address that rr holds, or nothing.
func addressOf(rr dns.RR) []string {
	switch rr := rr.(type) {
	case *dns.A:
		return []string{rr.A.String()}
	case *dns.AAAA:
		return []string{rr.AAAA.String()}
	}
	return nil
}

// typeIn makes s a host of z: its addresses, and a TLSA record that no
// certificate matches unless the zone has its own word there.
func (z *zone) typeIn(s sink) {
	z.remove(s.name, dns.TypeA)
	z.remove(s.name, dns.TypeAAAA)
	z.records = append(z.records, s.records()...)
	tlsa := s.tlsaName()
	if owner := z.answersFrom(tlsa); !z.hides(tlsa) && !z.has(owner, dns.TypeTLSA) && !z.has(owner, dns.TypeCNAME) {
		z.addText("%s %d IN TLSA 3 1 1 %s", tlsa, s.ttl, strings.Repeat("00", 32))
	}
}

// tlsaName returns where the TLSA set of s stands (RFC 6698 section 3).
func (s sink) tlsaName() string { return "_25._tcp." + s.name }

// records returns the addresses of s as *file* answers with them.
func (s sink) records() (all []dns.RR) {
	for _, a := range s.addresses {
		header := dns.RR_Header{Name: canonical(s.name), Class: dns.ClassINET, Ttl: s.ttl}
		if ip := net.ParseIP(a); ip.To4() != nil {
			header.Rrtype = dns.TypeA
			all = append(all, &dns.A{Hdr: header, A: ip})
		} else {
			header.Rrtype = dns.TypeAAAA
			all = append(all, &dns.AAAA{Hdr: header, AAAA: ip})
		}
	}
	return all
}

// isThereForSink reports whether name is a sink of b, holds its TLSA set, or lies
// between these and the configured zone.
func (b *block) isThereForSink(name string) bool {
	return slices.ContainsFunc(b.freeSinks(), func(s sink) bool {
		return below(s.zone, name) && within(name, s.tlsaName())
	})
}

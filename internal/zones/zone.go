package zones

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/fakemx/fakemx/internal/config"
	"github.com/fakemx/fakemx/internal/dnsname"
	"github.com/fakemx/fakemx/internal/inject"
	"github.com/miekg/dns"
)

// Stanza is a stanza of the Corefile with what is the same in all its zones.
type Stanza struct {
	*config.Stanza
	fakes []config.Fake
	tree  tree
	// hosts are those of the sinks with absolute names; the others are made for
	// each zone.
	hosts []Host
	// guards are those of the lowest fakes, as far as they have one.
	guards []Guard
}

// A Guard says whether a fake may join MX sets for now.
type Guard interface{ Joins() bool }

// Guard returns that of the fake with that index, nil for one without.
func (s *Stanza) Guard(fake int) Guard {
	if fake < len(s.guards) {
		return s.guards[fake]
	}
	return nil
}

func newStanza(s *config.Stanza) *Stanza {
	fakes := s.Fakes()
	out := &Stanza{Stanza: s, fakes: fakes, tree: newTree(fakes), hosts: make([]Host, len(fakes))}
	for i, f := range fakes {
		if f.Absolute() {
			out.hosts[i] = newHost(f.Name, f.Addresses, s.TTL)
		}
	}
	return out
}

// IsLowest reports whether the sink with that index is of a lowest fake.
func (s *Stanza) IsLowest(sink int) bool { return sink < len(s.Lowest) }

// Zone is a stanza applied to one of its zones: every name absolute, every
// record made. Like the records of a zone file, these are shared by all answers
// and never change.
type Zone struct {
	*Stanza
	Apex  string
	Fakes inject.Fakes
	// Hosts are the sinks' records, the lowest fakes' before the highest.
	Hosts []Host
	// Glue is the number of address records of all hosts.
	Glue int
}

// Host is what is served for one sink; nothing for one that others serve.
type Host struct {
	Name    string
	A, AAAA []dns.RR
}

// Served reports whether fakemx serves the host.
func (h *Host) Served() bool { return len(h.A)+len(h.AAAA) > 0 }

// zone applies the stanza to the zone apex.
func (s *Stanza) zone(apex string) *Zone {
	z := &Zone{Stanza: s, Apex: apex, Hosts: slices.Clone(s.hosts)}
	for i, f := range s.fakes {
		if !f.Absolute() {
			z.Hosts[i] = newHost(dnsname.Join(f.Name, apex), f.Addresses, s.TTL)
		}
	}
	z.setFakes(len(s.Lowest))
	return z
}

// Only returns z with those fakes alone for whose index keep holds, which may be
// none.
func (z *Zone) Only(keep func(sink int) bool) *Zone {
	out := &Zone{Stanza: z.Stanza, Apex: z.Apex}
	lowest := 0
	for i := range z.Hosts {
		if !keep(i) {
			continue
		}
		out.Hosts = append(out.Hosts, z.Hosts[i])
		if i < len(z.Fakes.Lowest) {
			lowest++
		}
	}
	out.setFakes(lowest)
	return out
}

func (z *Zone) setFakes(lowest int) {
	exchanges := make([]string, len(z.Hosts))
	for i := range z.Hosts {
		exchanges[i] = z.Hosts[i].Name
		z.Glue += len(z.Hosts[i].A) + len(z.Hosts[i].AAAA)
	}
	z.Fakes = inject.Fakes{Lowest: exchanges[:lowest:lowest], Highest: exchanges[lowest:], Step: z.Step}
}

func newHost(name string, addresses []netip.Addr, ttl uint32) Host {
	h := Host{Name: name}
	for _, addr := range addresses {
		if addr.Is4() {
			hdr := dns.RR_Header{Name: name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: ttl}
			h.A = append(h.A, &dns.A{Hdr: hdr, A: addr.AsSlice()})
		} else {
			hdr := dns.RR_Header{Name: name, Rrtype: dns.TypeAAAA, Class: dns.ClassINET, Ttl: ttl}
			h.AAAA = append(h.AAAA, &dns.AAAA{Hdr: hdr, AAAA: addr.AsSlice()})
		}
	}
	h.A, h.AAAA = slices.Clip(h.A), slices.Clip(h.AAAA)
	return h
}

// noCertificate is the SHA-256 digest (RFC 6698 section 2.1.3) that no
// certificate has: with it, a sender that does DANE never talks to the sink.
var noCertificate = strings.Repeat("0", 64)

// TLSA returns the TLSA set of the sink: DANE-EE(3) SPKI(1) SHA2-256(1), the
// form that RFC 7672 section 3.1.1 has senders expect.
func (h *Host) TLSA(ttl uint32) []dns.RR {
	hdr := dns.RR_Header{Name: TLSAPrefix + h.Name, Rrtype: dns.TypeTLSA, Class: dns.ClassINET, Ttl: ttl}
	return []dns.RR{&dns.TLSA{Hdr: hdr, Usage: 3, Selector: 1, MatchingType: 1, Certificate: noCertificate}}
}

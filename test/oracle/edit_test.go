package oracle

import (
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"
)

// handEdit returns the zones of b as its operator would have typed them, had
// there been no fakemx. It is written from the behaviour contract alone.
func (b *block) handEdit() []*zone {
	sinks := b.sinks()
	edited := make([]*zone, len(b.zones))
	for i, z := range b.zones {
		edited[i] = z.clone()
		for _, owner := range z.ownersOfMX() {
			if !slices.ContainsFunc(sinks, func(s sink) bool { return s.holds(owner) }) {
				b.editSet(edited[i], owner)
			}
		}
	}
	for _, s := range sinks {
		if z := mostSpecific(edited, s.name); z != nil && !z.hides(s.name) {
			z.typeIn(s)
		}
	}
	return edited
}

// editSet types the fakes into the MX set of owner, and beside it the set as it
// was where the stanza publishes that.
func (b *block) editSet(z *zone, owner string) {
	s, configured := b.stanzaFor(owner)
	if s == nil || s.dryRun || s.excepts(configured, owner) || z.hides(owner) {
		return
	}
	real := z.mx(owner)
	lowest := missing(real, b.reachable(z, s.lowest, configured))
	highest := missing(real, b.reachable(z, s.highest, configured))
	if isNull(real) || len(lowest)+len(highest) == 0 {
		return
	}
	z.remove(owner, dns.TypeMX)
	for _, mx := range withFakes(real, lowest, highest, s.stepOrDefault()) {
		z.records = append(z.records, mx)
	}
	// A wildcard does not reach below a name with a literal * in it.
	if name := s.real + "." + owner; s.real != "" && fits(name) && firstLabel(owner) != "*" {
		for _, mx := range real {
			mx.Hdr.Name = name
			z.records = append(z.records, mx)
		}
	}
}

// reachable returns the exchanges of fakes, less the sinks outside of z that are
// hidden in the zone of b that they belong to: nobody points an MX record to a
// host of another domain that is not there. Of names below its own apex z says
// itself what becomes of them.
func (b *block) reachable(z *zone, fakes []fake, configured string) (all []string) {
	for _, f := range fakes {
		for _, name := range f.names(configured) {
			home := mostSpecific(b.zones, name)
			if len(f.addresses) > 0 && home != nil && !within(z.origin, name) && home.hides(name) {
				continue
			}
			all = append(all, name)
		}
	}
	return all
}

// withFakes returns the set that real becomes. All of it gets the smallest TTL
// that real has: the TTLs of a set are one (RFC 2181 section 5.2).
func withFakes(real []*dns.MX, lowest, highest []string, step int) []*dns.MX {
	ttl := real[0].Hdr.Ttl
	for _, mx := range real {
		ttl = min(ttl, mx.Hdr.Ttl)
	}
	low, moved, high := prefer(preferences(real), len(lowest), len(highest), step)
	set := func(preference int, exchange string) *dns.MX {
		mx := dns.Copy(real[0]).(*dns.MX)
		mx.Hdr.Ttl, mx.Preference, mx.Mx = ttl, uint16(preference), exchange
		return mx
	}
	all := make([]*dns.MX, 0, len(lowest)+len(real)+len(highest))
	for i, exchange := range lowest {
		all = append(all, set(low[i], exchange))
	}
	for _, mx := range real {
		all = append(all, set(moved[int(mx.Preference)], mx.Mx))
	}
	for i, exchange := range highest {
		all = append(all, set(high[i], exchange))
	}
	return all
}

func preferences(set []*dns.MX) (ps []int) {
	for _, mx := range set {
		ps = append(ps, int(mx.Preference))
	}
	return ps
}

// isNull reports whether set says that the domain takes no mail (RFC 7505).
func isNull(set []*dns.MX) bool {
	return slices.ContainsFunc(set, func(mx *dns.MX) bool { return mx.Mx == "." })
}

// missing returns those of exchanges that set does not hold yet.
func missing(set []*dns.MX, exchanges []string) []string {
	return slices.DeleteFunc(slices.Clone(exchanges), func(x string) bool {
		return slices.ContainsFunc(set, func(mx *dns.MX) bool { return same(mx.Mx, x) })
	})
}

// A sink is a host that fakes point to and that the operator has to type in.
type sink struct {
	name      string
	addresses []string
	ttl       uint32
}

// holds reports whether s is typed in at name, in the place of what is there.
func (s sink) holds(name string) bool {
	return same(s.name, name) || same("_25._tcp."+s.name, name)
}

// sinks returns the hosts of every stanza of b.
func (b *block) sinks() (all []sink) {
	for _, s := range b.stanzas {
		if s.dryRun {
			continue
		}
		for _, configured := range b.zonesOf(s) {
			for _, f := range slices.Concat(s.lowest, s.highest) {
				for _, name := range f.names(configured) {
					known := slices.ContainsFunc(all, func(k sink) bool { return same(k.name, name) })
					if len(f.addresses) > 0 && !known {
						all = append(all, sink{name, f.addresses, s.ttlOrDefault()})
					}
				}
			}
		}
	}
	return all
}

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

// typeIn makes s a host of z: its addresses, and a TLSA record that no
// certificate matches. What the zone has at these two names makes room.
func (z *zone) typeIn(s sink) {
	z.makeRoom(s.name)
	z.records = append(z.records, s.records()...)
	tlsa := "_25._tcp." + s.name
	if z.hides(tlsa) {
		return
	}
	z.makeRoom(tlsa)
	z.addText("%s %d IN TLSA 3 1 1 %s", tlsa, s.ttl, strings.Repeat("00", 32))
}

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

// makeRoom takes away what z has at name, but for a DNAME: that is about the
// names below (RFC 6672 section 2.3).
func (z *zone) makeRoom(name string) {
	z.records = slices.DeleteFunc(z.records, func(rr dns.RR) bool {
		return same(rr.Header().Name, name) && rr.Header().Rrtype != dns.TypeDNAME
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

func (z *zone) ownersOfMX() (owners []string) {
	for _, rr := range z.records {
		owner := canonical(rr.Header().Name)
		if rr.Header().Rrtype == dns.TypeMX && !slices.Contains(owners, owner) {
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

// stanzaFor returns the stanza for owner, and the zone of it that owner lies in:
// of several the most specific.
func (b *block) stanzaFor(owner string) (found *stanza, configured string) {
	for _, s := range b.stanzas {
		for _, z := range b.zonesOf(s) {
			if within(z, owner) && (found == nil || below(configured, z)) {
				found, configured = s, z
			}
		}
	}
	return found, configured
}

func (b *block) zonesOf(s *stanza) []string {
	if len(s.zones) > 0 {
		return s.zones
	}
	var origins []string
	for _, z := range b.zones {
		origins = append(origins, z.origin)
	}
	return origins
}

// excepts reports whether owner lies under one of the names that s leaves alone.
func (s *stanza) excepts(configured, owner string) bool {
	return slices.ContainsFunc(s.except, func(name string) bool {
		return within(absolute(name, configured), owner)
	})
}

func absolute(name, zone string) string {
	if dns.IsFqdn(name) {
		return name
	}
	return name + "." + zone
}

func names(fakes []fake, zone string) (all []string) {
	for _, f := range fakes {
		all = append(all, f.names(zone)...)
	}
	return all
}

var numberRange = regexp.MustCompile(`^(.*)\[(\d+)-(\d+)\](.*)$`)

// names returns the exchanges that f stands for in zone: one, or one for each
// number of its range.
func (f fake) names(zone string) (all []string) {
	m := numberRange.FindStringSubmatch(f.name)
	if m == nil {
		return []string{absolute(f.name, zone)}
	}
	first, _ := strconv.Atoi(m[2])
	last, _ := strconv.Atoi(m[3])
	for i := first; i <= last; i++ {
		all = append(all, absolute(fmt.Sprint(m[1], i, m[4]), zone))
	}
	return all
}

func (s *stanza) stepOrDefault() int {
	if s.step == "" {
		return 10
	}
	step, _ := strconv.Atoi(s.step)
	return step
}

func (s *stanza) ttlOrDefault() uint32 {
	if s.ttl == "" {
		return 3600
	}
	ttl, _ := strconv.ParseUint(s.ttl, 10, 32)
	return uint32(ttl)
}

package oracle

import (
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// fill writes the records of z, which is one of the zones of b.
func (g *generator) fill(w *world, b *block, z *zone) {
	z.addText("%[1]s %[2]d IN SOA ns1.%[1]s hostmaster.%[1]s %[3]d 7200 900 1209600 %[4]d", z.origin, g.ttl(), 1+g.IntN(1<<30), g.ttl())
	for i := range 1 + g.IntN(3) {
		if g.oneIn(3) {
			z.addText("%s %d IN NS ns%d.provider.invalid.", z.origin, 7200, i)
			continue
		}
		ns := fmt.Sprintf("ns%d.%s", i, z.origin)
		z.addText("%s 7200 IN NS %s", z.origin, ns)
		g.hostAt(z, ns)
	}
	if g.oneIn(25) {
		return // nothing but SOA and NS
	}
	if g.oneIn(40) {
		z.addText("%s 300 IN DNAME elsewhere.invalid.", z.origin)
	}
	if !g.oneIn(4) {
		g.mxAt(b, z, z.origin)
	}
	for _, child := range w.children(z) {
		if !child.undelegated {
			z.addText("%s 600 IN NS ns1.%[1]s", child.origin)
		}
	}
	names := g.plan(w, b, z)
	if g.oneIn(5) {
		names = append(names, g.blanket(w, b, z, names)...)
	}
	g.meetSinks(w, b, z, names)
	for _, name := range names {
		g.populate(w, b, z, name, names)
	}
}

// children returns the zones of w that lie below z.
func (w *world) children(z *zone) (all []*zone) {
	for _, b := range w.blocks {
		for _, other := range b.zones {
			if below(z.origin, other.origin) {
				all = append(all, other)
			}
		}
	}
	return all
}

// plan chooses the owners of z: any, and such as meet the configuration.
func (g *generator) plan(w *world, b *block, z *zone) (names []string) {
	near := []string{z.origin}
	for _, s := range b.sinks() {
		if !below(z.origin, s.name) {
			continue
		}
		near = append(near, s.name, "_tcp."+s.name, "_25._tcp."+s.name, "x."+s.name, "*."+s.name)
		for _, up := range between(z.origin, s.name) {
			near = append(near, up, "*."+up, "x."+up)
		}
	}
	for _, s := range b.stanzas {
		for _, name := range s.except {
			if name = absolute(name, z.origin); below(z.origin, name) {
				near = append(near, name, "*."+name)
			}
		}
	}
	for range 3 + g.IntN(10) {
		var name string
		switch g.IntN(5) {
		case 0, 1:
			name = pick(g.Rand, near...)
		case 2:
			name = g.randomName(pick(g.Rand, near...))
		default:
			name = g.randomName(pick(g.Rand, append(names, z.origin)...))
		}
		if below(z.origin, name) && fits(name) && !g.undelegated(w, z, name) {
			names = append(names, g.maybeMixed(name))
		}
	}
	for _, name := range append(slices.Clone(names), z.origin) {
		if s, _ := b.stanzaFor(name); s != nil && s.real != "" && g.oneIn(12) && fits(s.real+"."+name) {
			names = append(names, s.real+"."+name)
		}
	}
	return names
}

func (g *generator) maybeMixed(name string) string {
	if g.oneIn(5) {
		return randomCase(g.Rand, name)
	}
	return name
}

// populate gives name something to own.
func (g *generator) populate(w *world, b *block, z *zone, name string, names []string) {
	if z.has(name, dns.TypeCNAME) {
		return
	}
	target := func() string { return g.maybeMixed(g.target(w, b, z, names)) }
	switch g.IntN(16) {
	case 0, 1, 2, 3, 4:
		g.mxAt(b, z, name)
		if g.oneIn(3) {
			g.hostAt(z, name)
		}
	case 5:
		if g.oneIn(2) {
			z.addText("%s %d IN MX 0 .", name, g.ttl())
			if g.oneIn(4) {
				g.mxAt(b, z, name)
			}
		}
	case 6, 7:
		g.hostAt(z, name)
	case 8, 9, 10:
		if !z.owns(name) {
			z.addText("%s %d IN CNAME %s", name, g.ttl(), target())
		}
	case 11:
		if !z.has(name, dns.TypeDNAME) && !z.has(name, dns.TypeNS) && !strings.HasPrefix(name, "*") {
			z.addText("%s %d IN DNAME %s", name, g.ttl(), target())
		}
	case 12:
		g.delegate(z, name)
	case 13:
		// file keeps the case of the owner of an SRV record, and does not find it then.
		z.addText("%s %d IN SRV 0 5 25 %s", strings.ToLower(name), g.ttl(), target())
	case 14:
		z.addText(`%s %d IN TXT "v=spf1 mx -all"`, name, g.ttl())
		if g.oneIn(3) {
			z.addText("%s %d IN PTR %s", name, g.ttl(), target())
		}
	case 15:
		z.addText("%s %d IN TLSA 3 1 1 %s", name, g.ttl(), strings.Repeat("ab", 32))
	}
}

// delegate makes name a zone cut, with glue and now and then a DS record.
func (g *generator) delegate(z *zone, name string) {
	if z.owns(name) || strings.HasPrefix(name, "*") {
		return
	}
	ns := "ns1." + name
	if g.oneIn(3) {
		ns = "fake0." + name
	}
	if !fits(ns) {
		return
	}
	z.addText("%s %d IN NS %s", name, g.ttl(), ns)
	if !z.has(ns, dns.TypeCNAME) {
		g.hostAt(z, ns)
	}
	if g.oneIn(3) {
		z.addText("%s %d IN NS ns.provider.invalid.", name, g.ttl())
	}
	if g.oneIn(3) {
		z.addText("%s %d IN DS 12345 13 2 %s", name, g.ttl(), strings.Repeat("cd", 32))
	}
}

// target returns what an alias points to: in the zone, out of it, into another
// zone, or at a fake.
func (g *generator) target(w *world, b *block, z *zone, names []string) string {
	switch g.IntN(6) {
	case 0:
		if sinks := b.sinks(); len(sinks) > 0 {
			name := pick(g.Rand, sinks...).name
			if up, ok := parent(name); ok && g.oneIn(4) {
				return up
			}
			return name
		}
	case 1:
		return "host.provider.invalid."
	case 2:
		other := pick(g.Rand, w.blocks...)
		return pick(g.Rand, other.zones...).origin
	case 3:
		return g.randomName(z.origin)
	}
	return pick(g.Rand, append([]string{z.origin}, names...)...)
}

// mxAt gives owner an MX set, or adds to the one that it has.
func (g *generator) mxAt(b *block, z *zone, owner string) {
	if z.has(owner, dns.TypeCNAME) || z.has(owner, dns.TypeMX) {
		return
	}
	ttl := g.ttl()
	mixed := g.oneIn(7)
	taken := map[string]bool{}
	preferences := g.preferences()
	for i, preference := range preferences {
		exchange := g.exchange(b, z, owner, i)
		if len(preferences) > manyRecords && !g.oneIn(20) {
			exchange = fmt.Sprintf("m%d.invalid.", i)
		}
		if taken[canonical(exchange)] {
			continue
		}
		taken[canonical(exchange)] = true
		if mixed {
			ttl = g.ttl()
		}
		z.addText("%s %d IN MX %d %s", owner, ttl, preference, exchange)
	}
}

// manyRecords is what a set has at most that is not near the limit of 100 records.
const manyRecords = 20

// longProvider is where the exchanges of some sets are.
const longProvider = "some-provider-with-a-rather-long-name.invalid."

// preferences are such as operators publish, or such as leave no room.
func (g *generator) preferences() []int {
	switch g.IntN(12) {
	case 0, 1:
		return []int{10, 20}
	case 2:
		return []int{0}
	case 3:
		return []int{65535, 65535}
	case 4:
		return []int{0, 65535}
	case 5:
		return []int{0, 0, 7, 7, 65534}
	case 6:
		return []int{5, 6}
	case 7:
		return []int{65533, 65530, 65530}
	case 8:
		return []int{1, 65534, 300}
	case 9:
		return []int{10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120}
	}
	var all []int
	if g.oneIn(40) {
		for i := range 85 + g.IntN(17) {
			all = append(all, 10+i)
		}
		return all
	}
	most := pick(g.Rand, 4, 50, 65536)
	for range 1 + g.IntN(5) {
		p := g.IntN(most)
		if g.oneIn(3) {
			p = 65535 - p
		}
		all = append(all, p)
	}
	return all
}

// exchange returns the i-th exchange of owner: a host of the zone, one elsewhere,
// or a fake that the zone has already, spelled in any way.
func (g *generator) exchange(b *block, z *zone, owner string, i int) string {
	switch g.IntN(8) {
	case 0:
		if s, configured := b.stanzaFor(owner); s != nil {
			f := pick(g.Rand, slices.Concat(s.lowest, s.highest)...)
			if name := pick(g.Rand, f.names(configured)...); fits(name) {
				return g.maybeEscaped(g.maybeMixed(name))
			}
		}
	case 1, 2:
		return fmt.Sprintf("mx%d.%s", i, longProvider)
	}
	name := fmt.Sprintf("%s%d.%s", pick(g.Rand, "mail", "in", "relay"), i, z.origin)
	if !z.has(name, dns.TypeA) && !g.oneIn(4) {
		z.addText("%s %d IN A 198.51.100.%d", name, g.ttl(), 1+i)
		if g.oneIn(2) {
			z.addText("%s 600 IN AAAA 2001:db8:1::%x", name, 1+i)
		}
	}
	return g.maybeMixed(name)
}

// maybeEscaped sometimes spells the first letter of name as a number: a small one,
// as *file* makes the letters of all names small, but for such.
func (g *generator) maybeEscaped(name string) string {
	if name[0] == '\\' || !g.oneIn(3) {
		return name
	}
	return fmt.Sprintf(`\%03d%s`, strings.ToLower(name)[0], name[1:])
}

func (g *generator) hostAt(z *zone, name string) {
	if z.has(name, dns.TypeCNAME) || z.has(name, dns.TypeA) || z.has(name, dns.TypeAAAA) {
		return
	}
	if !g.oneIn(4) {
		z.addText("%s %d IN A 203.0.113.%d", name, g.ttl(), 1+g.IntN(200))
	}
	if g.oneIn(2) {
		z.addText("%s %d IN AAAA 2001:db8:2::%x", name, g.ttl(), 1+g.IntN(200))
	}
}

func (g *generator) ttl() int { return pick(g.Rand, 0, 1, 59, 300, 3600, 86401, 2147483647) }

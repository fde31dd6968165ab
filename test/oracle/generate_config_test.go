package oracle

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/miekg/dns"
)

// A generator makes one world. It draws from its own source, so that a seed
// makes the same world every time.
type generator struct {
	*rand.Rand
	seed uint64
}

func generate(seed uint64) *world {
	g := &generator{rand.New(rand.NewPCG(seed, 0xfa4e)), seed}
	return g.world()
}

// oneIn is true once in n times.
func (g *generator) oneIn(n int) bool { return g.IntN(n) == 0 }

// world lays out the zones, then the configuration, and fills the zones last, as
// what is in them shall often meet what the configuration says.
func (g *generator) world() *world {
	w := &world{seed: g.seed}
	apex := fmt.Sprintf("w%d.example.", g.seed)
	if g.oneIn(4) {
		apex = pick(g.Rand, "dept.", "a.b.", "MiXed.") + apex
	}
	first := &block{zones: []*zone{{origin: apex}}}
	w.blocks = append(w.blocks, first)
	if g.oneIn(3) {
		child := &zone{origin: pick(g.Rand, "sub.", "mx.", "x.sub.") + apex}
		if g.oneIn(3) {
			w.blocks = append(w.blocks, &block{zones: []*zone{child}})
		} else {
			first.zones = append(first.zones, child)
			child.undelegated = g.oneIn(3)
		}
	}
	if g.oneIn(4) {
		first.zones = append(first.zones, &zone{origin: fmt.Sprintf("w%d.test.", g.seed)})
	}
	for i, b := range w.blocks {
		if i == 0 || g.oneIn(2) {
			g.configure(b)
		}
	}
	for _, b := range w.blocks {
		b.terse = g.oneIn(3)
		for _, z := range b.zones {
			g.fill(w, b, z)
			if g.oneIn(10) {
				z.sign()
			}
		}
	}
	return w
}

// configure writes the stanzas of b: one for all zones, one for some, or one for
// each of several, among them one for a mere part of a zone.
func (g *generator) configure(b *block) {
	origins := make([]string, 0, len(b.zones))
	for _, z := range b.zones {
		origins = append(origins, z.origin)
	}
	switch g.IntN(4) {
	case 0, 1:
		b.stanzas = []*stanza{g.stanza(b, nil, origins)}
	case 2:
		some := origins[:1+g.IntN(len(origins))]
		b.stanzas = []*stanza{g.stanza(b, slices.Clone(some), some)}
	case 3:
		part := pick(g.Rand, "dept.", "a.", "mx.") + origins[0]
		if slices.Contains(origins, part) {
			part = "part." + origins[0]
		}
		each := append(slices.Clone(origins), part)
		for _, o := range each {
			if !g.oneIn(4) {
				b.stanzas = append(b.stanzas, g.stanza(b, []string{o}, each))
			}
		}
		g.Shuffle(len(b.stanzas), func(i, j int) {
			b.stanzas[i], b.stanzas[j] = b.stanzas[j], b.stanzas[i]
		})
	}
}

// At most this many lowest fakes and addresses among them, and this many fakes:
// more is refused, as senders would never reach the real servers.
const (
	mostLowest          = 4
	mostLowestAddresses = 4
	mostFakes           = 50
)

// stanza returns one for zones. None of its hosts is one of the apexes, or a
// host of another stanza: that is refused.
func (g *generator) stanza(b *block, zones, apexes []string) *stanza {
	s := &stanza{zones: zones}
	taken := map[string]bool{}
	for _, apex := range apexes {
		taken[canonical(apex)] = true
	}
	for _, other := range b.stanzas {
		for _, z := range b.zonesOf(other) {
			for _, name := range names(slices.Concat(other.lowest, other.highest), z) {
				taken[canonical(name)] = true
			}
		}
	}
	for left, addresses := mostLowest, mostLowestAddresses; left > 0 && addresses > 0 && g.oneIn(2); {
		f := g.fake(b, s, taken, "lowest")
		n := len(f.names("invalid."))
		if f.name == "" || n > left || n*len(f.addresses) > addresses {
			break
		}
		left, addresses = left-n, addresses-n*len(f.addresses)
		s.lowest = append(s.lowest, f)
	}
	left := mostFakes - len(names(s.lowest, "invalid."))
	for len(s.lowest)+len(s.highest) == 0 || g.IntN(3) > 0 {
		f := g.fake(b, s, taken, "highest")
		n := len(f.names("invalid."))
		if f.name == "" || n > left {
			continue
		}
		left -= n
		s.highest = append(s.highest, f)
	}
	if g.oneIn(30) && len(s.highest) > 0 && left > 1 {
		s.highest = append(s.highest, fake{fmt.Sprintf("many[1-%d]", left), []string{"192.0.2.99"}})
	}
	if g.oneIn(2) {
		s.step = pick(g.Rand, "1", "3", "10", "1000", "65535")
	}
	if g.oneIn(2) {
		s.ttl = pick(g.Rand, "1", "59", "3601", "86400", "2147483647")
	}
	if g.oneIn(4) {
		s.real = pick(g.Rand, "_realmx", "_RealMX")
	}
	if g.oneIn(4) {
		s.except = g.exceptions(b, s)
	}
	if g.oneIn(5) {
		s.exchanges = g.exchangesOf(zones)
	}
	s.dryRun = g.oneIn(20)
	return s
}

// exchangesOf returns names that some sets of the zones will point to.
func (g *generator) exchangesOf(zones []string) (all []string) {
	for range 1 + g.IntN(3) {
		all = append(all, pick(g.Rand, longProvider, "mx0."+longProvider, "invalid.", "mail0", "mail1", "in0", "relay0", "MX"))
	}
	if len(zones) > 0 && g.oneIn(2) {
		all = append(all, pick(g.Rand, "", "mail0.")+pick(g.Rand, zones...))
	}
	return all
}

// fake returns a fake whose names are not taken, and takes them. Its name is
// empty if it would not fit.
func (g *generator) fake(b *block, s *stanza, taken map[string]bool, kind string) fake {
	zones := b.zonesOf(s)
	f := fake{addresses: g.addresses()}
	switch g.IntN(11) {
	case 0:
		f.name = kind + "." + pick(g.Rand, zones...)
	case 1:
		f.name = pick(g.Rand, "fake.tarpit.invalid.", "Sink.Tarpit.invalid.", "a.very.long.name.to.fill.buffers.with."+fmt.Sprint(g.IntN(9))+".tarpit.invalid.")
		f.addresses = nil
	case 2:
		f.name = pick(g.Rand, "decoy[1-2].mx", "decoy[3-5]", "d[9-11].pool.mx", "[1-2].n")
	case 3:
		// Where some host of the zone may be, or a zone of its own.
		f.name = pick(g.Rand, "mail0", "Mail1", "in0", "relay0", "ns0", "www", "a", "sub", "dept")
	case 4:
		if name := g.servedByOthers(b, s); name != "" {
			return fake{name: name}
		}
		f.name = "fake3"
	default:
		f.name = pick(g.Rand, "fake0", "fake1", "fake0.mx", "fake1.mx", "Fake2.MX", "mx", "mail", "a.b.fake", "x.fake0", "_sink.mx", "x.y-z")
	}
	for _, z := range zones {
		for _, name := range f.names(z) {
			if !fits(name) || taken[canonical(name)] {
				return fake{}
			}
		}
	}
	for _, z := range zones {
		for _, name := range f.names(z) {
			taken[canonical(name)] = true
		}
	}
	return f
}

// servedByOthers returns the name of a sink that another stanza of b serves, and
// that is neither in a zone of s nor one of its fakes. It may be empty.
func (g *generator) servedByOthers(b *block, s *stanza) string {
	var all []string
	known := names(slices.Concat(s.lowest, s.highest), "invalid.")
	for _, other := range b.stanzas {
		for _, sink := range other.addSinks(b, nil) {
			inside := slices.ContainsFunc(b.zonesOf(s), func(z string) bool { return within(z, sink.name) })
			if !inside && !slices.ContainsFunc(known, func(name string) bool { return same(name, sink.name) }) {
				all = append(all, sink.name)
			}
		}
	}
	if len(all) == 0 {
		return ""
	}
	return g.maybeMixed(pick(g.Rand, all...))
}

// addresses are of one family or both.
func (g *generator) addresses() (all []string) {
	only := g.IntN(4)
	for i := range 1 + g.IntN(2) {
		if only != 0 {
			all = append(all, fmt.Sprintf("192.0.2.%d", 1+i*100+g.IntN(100)))
		}
		if only < 2 {
			all = append(all, fmt.Sprintf("2001:db8::%x", 1+i*100+g.IntN(100)))
		}
	}
	return all
}

// exceptions are names that spare the hosts of s themselves.
func (g *generator) exceptions(b *block, s *stanza) (all []string) {
	zones := b.zonesOf(s)
	for _, name := range []string{"a", "dept", "x.b", "www", "sub", "Deep", "abs." + zones[0], "wild", "x.mx", "a.b.news", "fake0.x"} {
		spares := true
		for _, z := range zones {
			for _, fake := range names(append(slices.Clone(s.lowest), s.highest...), z) {
				spares = spares && !within(absolute(name, z), fake)
			}
			spares = spares && !same(absolute(name, z), z)
		}
		if spares && g.oneIn(3) {
			all = append(all, name)
		}
	}
	return all
}

// randomName puts labels in front of base. Pool and depth are small, so that
// names meet.
func (g *generator) randomName(base string) string {
	name := base
	for range 1 + g.IntN(2) {
		name = pick(g.Rand, "a", "b", "x", "mx", "mail", "www", "dept", "sub", "fake0", "_tcp", "_25", "*", "*",
			"wild", "deep", `sp\032ace`, `d\.ot`, `se\@mi`, `\228`, `semi\;`, `q\"uote`) + "." + name
	}
	if _, ok := dns.IsDomainName(name); !ok {
		return base
	}
	return name
}

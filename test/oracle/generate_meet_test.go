package oracle

import (
	"slices"
	"strings"
)

// blanket covers all of z, or all below some name, with wildcards, and returns
// their names.
func (g *generator) blanket(w *world, b *block, z *zone, names []string) (all []string) {
	for _, star := range []string{"*.", "*.*.", "*.mx.", "*.sub.", "*.news."} {
		name := star + z.origin
		if !fits(name) || !g.oneIn(2) || z.owns(name) || g.undelegated(w, z, name) {
			continue
		}
		all = append(all, name)
		if g.oneIn(4) {
			z.addText("%s %d IN CNAME %s", name, g.ttl(), g.target(w, b, z, names))
			continue
		}
		if g.oneIn(2) {
			g.mxAt(b, z, name)
		}
		if g.oneIn(2) {
			g.hostAt(z, name)
		}
		z.addText(`%s %d IN TXT "any"`, name, g.ttl())
		if g.oneIn(4) {
			z.addText("%s %d IN TLSA 3 1 1 %s", name, g.ttl(), strings.Repeat("ab", 32))
		}
	}
	return all
}

// meetSinks gives some sinks something of the zone's own: at the name, or where
// the TLSA set stands.
func (g *generator) meetSinks(w *world, b *block, z *zone, names []string) {
	for _, s := range b.sinks() {
		if !below(z.origin, s.name) || g.undelegated(w, z, s.name) || !g.oneIn(4) {
			continue
		}
		switch g.IntN(8) {
		case 0:
			g.asConfigured(z, s)
		case 1:
			g.asConfigured(z, s)
			z.addText(`%s %d IN TXT "sink"`, s.name, g.ttl())
		case 2:
			g.asConfigured(z, s)
			g.mxAt(b, z, s.name)
		case 3:
			g.asConfigured(z, s)
			g.hostAt(z, s.name)
			z.addText("%s %d IN A 203.0.113.201", s.name, g.ttl())
		case 4:
			z.addText(`%s %d IN TXT "sink"`, s.name, g.ttl())
		case 5:
			z.addText("%s %d IN CNAME %s", s.tlsaName(), g.ttl(), g.target(w, b, z, names))
		case 6:
			z.addText("%s %d IN TLSA 3 1 1 %s", s.tlsaName(), g.ttl(), strings.Repeat("ab", 32))
		case 7:
			z.addText(`%s %d IN TXT "below a sink"`, pick(g.Rand, s.tlsaName(), "_tcp."+s.name), g.ttl())
		}
	}
}

// asConfigured gives z the addresses of s, or nearly all of them.
func (g *generator) asConfigured(z *zone, s sink) {
	ttl := g.ttl()
	for i, rr := range s.records() {
		if i > 0 && g.oneIn(6) {
			continue
		}
		rr.Header().Ttl = uint32(ttl)
		z.records = append(z.records, rr)
	}
}

// undelegated reports whether name belongs to a zone of which z knows nothing.
func (g *generator) undelegated(w *world, z *zone, name string) bool {
	return slices.ContainsFunc(w.children(z), func(child *zone) bool { return child.undelegated && within(child.origin, name) })
}

package oracle

import (
	"slices"

	"github.com/miekg/dns"
)

// cutWildcards types in, under names of their own, the records of wildcards that
// reach a name to which something else applies than to the wildcard: one under
// except, or one in another configured zone. Without that the fakes of a wildcard
// would reach what is to be left alone, and a sink would stop what goes on.
func (b *block) cutWildcards(plain, edited *zone) {
	for _, name := range b.cuts(plain) {
		wildcard := plain.wildcardOf(name)
		for _, cut := range []string{name, "*." + name} {
			if !edited.owns(cut) && fits(cut) {
				b.copyRecords(plain, edited, wildcard, cut)
			}
		}
	}
}

// cuts returns the names that get records of wildcards of z: each name that
// something of its own applies to, and those above it up to the wildcard, as they
// exist then. A name that exists because of a sink has no wildcard any more.
func (b *block) cuts(z *zone) (all []string) {
	for _, name := range b.boundaries(z) {
		if z.hides(name) {
			continue
		}
		for up := name; below(z.origin, up) && !z.exists(up); up, _ = parent(up) {
			if z.owns(z.wildcardOf(name)) && !b.isThereForSink(up) && !slices.Contains(all, canonical(up)) {
				all = append(all, canonical(up))
			}
		}
	}
	return all
}

// boundaries returns the names of z at which something else begins to apply.
func (b *block) boundaries(z *zone) (all []string) {
	add := func(name string) {
		if below(z.origin, name) && fits(name) && mostSpecific(b.zones, name) == z {
			all = append(all, name)
		}
	}
	for _, s := range b.stanzas {
		for _, configured := range b.zonesOf(s) {
			add(configured)
			for _, name := range s.except {
				name = absolute(name, configured)
				if own, in := b.stanzaFor(name); fits(name) && own == s && same(in, configured) {
					add(name)
				}
			}
		}
	}
	return all
}

// wildcardOf returns the wildcard that would match name, which does not exist in
// z (RFC 4592 section 3.3.1).
func (z *zone) wildcardOf(name string) string {
	encloser, _ := parent(name)
	for !same(encloser, z.origin) && !z.exists(encloser) {
		encloser, _ = parent(encloser)
	}
	return "*." + encloser
}

// exists reports whether z has name: it owns something there or below.
func (z *zone) exists(name string) bool { return z.ownsWithin(name) }

// ownsWithin reports whether z has anything at or below name.
func (z *zone) ownsWithin(name string) bool {
	return slices.ContainsFunc(z.records, func(rr dns.RR) bool { return within(name, rr.Header().Name) })
}

// copyRecords types what the wildcard of plain has in at name, with the fakes that
// belong to name.
func (b *block) copyRecords(plain, edited *zone, wildcard, name string) {
	var mx []*dns.MX
	for _, rr := range plain.records {
		if !same(rr.Header().Name, wildcard) {
			continue
		}
		made := dns.Copy(rr)
		made.Header().Name = name
		if m, ok := made.(*dns.MX); ok {
			mx = append(mx, m)
		} else {
			edited.records = append(edited.records, made)
		}
	}
	if len(mx) > 0 {
		edited.replaceMX(name, b.editedSet(plain, name, mx))
	}
}

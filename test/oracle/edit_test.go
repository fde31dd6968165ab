package oracle

import (
	"slices"

	"github.com/miekg/dns"
)

// handEdit returns the zones of b as its operator would have typed them, had
// there been no fakemx. It is written from the behaviour contract alone.
func (b *block) handEdit() []*zone {
	edited := make([]*zone, len(b.zones))
	for i, plain := range b.zones {
		edited[i] = plain.clone()
		if plain.signed() {
			continue // adding would make the domain bogus
		}
		for _, owner := range plain.ownersOfMX() {
			if !b.isUntouchedSet(owner) {
				edited[i].replaceMX(owner, b.editedSet(plain, owner, plain.mx(owner)))
			}
			b.publish(plain, edited[i], owner)
		}
	}
	for _, s := range b.freeSinks() {
		mostSpecific(edited, s.name).typeIn(s)
	}
	for i, plain := range b.zones {
		if !plain.signed() {
			b.cutWildcards(plain, edited[i])
		}
	}
	return edited
}

// isUntouchedSet reports whether an MX set that the zone has at owner is one that
// was published before, by another fakemx perhaps: it stays what it is.
func (b *block) isUntouchedSet(owner string) bool {
	s, _ := b.stanzaFor(owner)
	return s != nil && s.isRealLabel(firstLabel(owner))
}

// mostRecords is how many records a set with fakes holds at most: Postfix and
// sendmail drop what is beyond, real ones too.
const mostRecords = 100

// editedSet returns what the MX set of owner in z becomes: the set itself where
// no fake joins it.
func (b *block) editedSet(z *zone, owner string, real []*dns.MX) []*dns.MX {
	s, configured := b.stanzaFor(owner)
	if s.leavesAlone(configured, owner) || z.hides(owner) || isNull(real) {
		return real
	}
	lowest, highest := b.joining(s.lowest, configured), b.joining(s.highest, configured)
	if s.isForeign(configured, missingFrom(real, slices.Concat(lowest, highest))) {
		return real
	}
	lowest, highest = missing(real, lowest), missing(real, highest)
	room := mostRecords - len(real) - len(lowest)
	if room < 0 {
		return real
	}
	highest = highest[:min(len(highest), room)]
	if len(lowest)+len(highest) == 0 {
		return real
	}
	return withFakes(real, lowest, highest, s.stepOrDefault())
}

// joining returns the exchanges of those fakes that may join a set.
func (b *block) joining(fakes []fake, configured string) (all []string) {
	for _, f := range fakes {
		for _, name := range f.names(configured) {
			if b.joins(name, len(f.addresses) > 0) {
				all = append(all, name)
			}
		}
	}
	return all
}

// joins reports whether the fake that points to name may join a set: its sink is
// free. A name that no stanza serves is the operator's word.
func (b *block) joins(name string, withAddresses bool) bool {
	free := slices.ContainsFunc(b.freeSinks(), func(s sink) bool { return same(s.name, name) })
	return free || !withAddresses && !slices.ContainsFunc(b.sinks(), func(s sink) bool { return same(s.name, name) })
}

// publish types the set that owner has in the plain zone in at the real label, if
// the stanza says so. What becomes of the fakes has no part in it.
func (b *block) publish(plain, edited *zone, owner string) {
	s, configured := b.stanzaFor(owner)
	if s.leavesAlone(configured, owner) || s.real == "" || plain.hides(owner) {
		return
	}
	name := s.real + "." + owner
	real := plain.mx(owner)
	switch {
	case isNull(real), !fits(name), firstLabel(owner) == "*", s.isRealLabel(firstLabel(owner)), s.excepts(configured, name):
		return
	case plain.hides(name):
		return
	}
	if own := plain.answersFrom(name); plain.has(own, dns.TypeMX) || plain.has(own, dns.TypeCNAME) {
		return // the zone's own data wins
	}
	for _, mx := range real {
		untouched := dns.Copy(mx)
		untouched.Header().Name = name
		edited.records = append(edited.records, untouched)
	}
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

// missingFrom returns the exchanges of set that are none of fakes.
func missingFrom(set []*dns.MX, fakes []string) (real []string) {
	for _, mx := range set {
		if !slices.ContainsFunc(fakes, func(x string) bool { return same(mx.Mx, x) }) {
			real = append(real, mx.Mx)
		}
	}
	return real
}

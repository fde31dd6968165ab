package oracle

import (
	"slices"
)

func glueNeverTruncates(f *finding) (reply, bool) {
	if f.got.header.Truncated {
		return reply{}, false
	}
	whole, ok := f.whole()
	if !ok || whole.size <= f.question.limit() || !holdsMX(whole.answer) ||
		!subset(f.got.authority, whole.authority) || !subset(f.got.additional, whole.additional) {
		return reply{}, false
	}
	want := f.want
	want.header.Truncated = false
	want.answer, want.authority, want.additional = whole.answer, f.got.authority, f.got.additional
	return want, true
}

// whole returns the answer of fakemx over TCP, which is compared with the
// hand-edited one as a question of its own.
func (f *finding) whole() (reply, bool) {
	q := f.question
	q.tcp = true
	return answerOf(f.comparison.got, q)
}

func otherPart(f *finding) (reply, bool) {
	if !f.want.header.Truncated || !f.got.header.Truncated {
		return reply{}, false
	}
	whole, ok := f.whole()
	if !ok || whole.header.Truncated || !holdsMX(whole.answer) || !subset(f.got.answer, whole.answer) ||
		!subset(f.got.authority, whole.authority) || !subset(f.got.additional, whole.additional) {
		return reply{}, false
	}
	want := f.want
	want.answer, want.authority, want.additional = f.got.answer, f.got.authority, f.got.additional
	return want, true
}

// asThePlainZone allows the additional section of the plain zone where editing
// it changes nothing else in the answer, but perhaps whether all of it fits.
func asThePlainZone(f *finding) (reply, bool) {
	plain, ok := f.plain(f.question)
	want := f.want
	want.header.Truncated, want.additional = plain.header.Truncated, plain.additional
	return want, ok && want.equal(plain)
}

// farSinks puts the addresses of those sinks that *file* does not look for in the
// place of what it has beside their names, which is the glue of a zone cut.
func farSinks(f *finding) (reply, bool) {
	i, home := f.home(f.question.name)
	real := setIn(f.want.answer)
	if home == nil || len(real) == 0 {
		return reply{}, false
	}
	want, applies := f.want, false
	for _, s := range f.world.blocks[i].freeSinks() {
		near := mostSpecific(f.edited.blocks[i].zones, s.name).origin == home.origin
		if near || !exchanges(want.answer, s.name) {
			continue
		}
		want.additional, applies = withAddresses(want.additional, s), true
	}
	return want, applies
}

// withAddresses returns section with the addresses of s and no others at its name.
func withAddresses(section []string, s sink) []string {
	section = slices.DeleteFunc(slices.Clone(section), func(text string) bool { return same(ownerOf(text), s.name) })
	for _, rr := range s.records() {
		section = append(section, rr.String())
	}
	slices.Sort(section)
	return section
}

// besideUntouchedSet allows with a published set the addresses that the plain
// zone has with the same set at its owner.
func besideUntouchedSet(f *finding) (reply, bool) {
	owner, ok := parent(f.question.name)
	if !ok || !f.isPublished(f.question.name) {
		return reply{}, false
	}
	q := f.question
	q.name = owner
	plain, ok := f.plain(q)
	want := f.want
	want.additional = plain.additional
	return want, ok && len(plain.answer) == len(want.answer)
}

// servedByOthers allows that addresses of a sink which the stanza of the set does
// not serve are missing, or as the plain zone has them.
func servedByOthers(f *finding) (reply, bool) {
	real := setIn(f.want.answer)
	if len(real) == 0 {
		return reply{}, false
	}
	i, home := f.home(real[0].Header().Name)
	if home == nil {
		return reply{}, false
	}
	s, configured := f.world.blocks[i].stanzaFor(real[0].Header().Name)
	others := func(text string) bool { return f.isSink(ownerOf(text)) && !s.serves(configured, ownerOf(text)) }
	plain := set(home.records)
	want := f.want
	want.additional = slices.DeleteFunc(slices.Clone(want.additional), others)
	for _, text := range f.got.additional {
		if others(text) && (slices.Contains(f.want.additional, text) || slices.Contains(plain, text)) {
			want.additional = append(want.additional, text)
		}
	}
	slices.Sort(want.additional)
	return want, true
}

// serves reports whether name is a sink of s, which may be none, in a configured
// zone.
func (s *stanza) serves(configured, name string) bool {
	return s != nil && slices.ContainsFunc(slices.Concat(s.lowest, s.highest), func(f fake) bool {
		return len(f.addresses) > 0 && slices.ContainsFunc(f.names(configured), func(x string) bool { return same(x, name) })
	})
}

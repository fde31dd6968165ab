package oracle

import (
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// belowLiteralAsterisk allows below the literal * at a cut what the hand-edited
// zone answers beside it.
func belowLiteralAsterisk(f *finding) (reply, bool) {
	asterisk := f.literalAsterisk(f.question.name)
	if asterisk == "" {
		return reply{}, false
	}
	above, _ := parent(asterisk)
	q := f.question
	q.name = strings.TrimSuffix(q.name, asterisk) + "beside." + above
	beside, ok := answerOf(f.comparison.want, q)
	beside.question = f.want.question
	beside.answer = slices.Clone(beside.answer)
	for i, text := range beside.answer {
		if owner, data, _ := strings.Cut(text, "\t"); same(owner, q.name) {
			beside.answer[i] = canonical(f.question.name) + "\t" + data
		}
	}
	slices.Sort(beside.answer)
	return beside, ok
}

// literalAsterisk returns the literal * at a cut that name lies below, as name
// spells it, or nothing.
func (f *finding) literalAsterisk(name string) string {
	up, ok := parent(name)
	for ; ok && up != "."; up, ok = parent(up) {
		if above, _ := parent(up); firstLabel(up) == "*" && f.isCut(above) {
			return up
		}
	}
	return ""
}

// emptyWildcard allows the NODATA that a wildcard without records gives, in the
// plain zone, to a name to which something of its own applies.
func emptyWildcard(f *finding) (reply, bool) {
	if len(f.want.answer) > 0 || f.want.header.Rcode != dns.RcodeNameError || !f.isBelowEmptyWildcard(f.question.name) {
		return reply{}, false
	}
	plain, ok := f.plain(f.question)
	return plain, ok && len(plain.answer) == 0 && plain.header.Rcode == dns.RcodeSuccess
}

// isBelowEmptyWildcard reports whether something of its own applies to name, and a
// wildcard without records would match it.
func (f *finding) isBelowEmptyWildcard(name string) bool {
	i, home := f.home(name)
	return home != nil && slices.ContainsFunc(f.world.blocks[i].boundaries(home), func(boundary string) bool {
		if !within(boundary, name) || home.exists(boundary) {
			return false
		}
		wildcard := home.wildcardOf(boundary)
		return !home.owns(wildcard) && home.exists(wildcard)
	})
}

// isCut reports whether name stands where the records of a wildcard do, so that
// the wildcard doesn't reach it.
func (f *finding) isCut(name string) bool {
	i, home := f.home(name)
	return home != nil && slices.Contains(cutsOf(f.world.blocks[i], home), canonical(name))
}

// wildcardAtOwnNonTerminal allows what a wildcard of the plain zone makes for a name
// that this zone has as an empty non-terminal, with the fakes that belong to this
// name, or untouched at its real label.
func wildcardAtOwnNonTerminal(f *finding) (reply, bool) {
	if want, ok := untouchedAtOwnNonTerminal(f); ok {
		return want, true
	}
	if want, ok := tlsaAtOwnNonTerminal(f); ok {
		return want, true
	}
	plain, ok := f.plain(f.question)
	if !ok || plain.header.Rcode != dns.RcodeSuccess {
		return reply{}, false
	}
	if !holdsMX(plain.answer) {
		return plain, f.wildcardBesideSink(plain)
	}
	var real []*dns.MX
	for _, rr := range setIn(plain.answer) {
		real = append(real, rr.(*dns.MX))
	}
	if len(real) == 0 {
		return reply{}, false
	}
	owner := real[0].Hdr.Name
	i, home := f.home(owner)
	if home == nil || f.editedZone(i, home).owns(owner) || !home.exists(owner) || home.signed() {
		return reply{}, false
	}
	b := f.world.blocks[i]
	edited := b.editedSet(home, owner, real)
	want := plain
	want.answer = slices.DeleteFunc(slices.Clone(plain.answer), func(text string) bool { return strings.Contains(text, "\tMX\t") })
	for _, mx := range edited {
		mx = dns.Copy(mx).(*dns.MX)
		mx.Mx = canonical(mx.Mx) // as *file* does
		want.answer = append(want.answer, mx.String())
	}
	slices.Sort(want.answer)
	for _, s := range b.freeSinks() {
		if len(edited) > len(real) && exchanges(want.answer, s.name) {
			want.additional = withAddresses(want.additional, s)
		}
	}
	return want, true
}

// untouchedAtOwnNonTerminal allows the real label of a name that this zone has as an
// empty non-terminal, with the set that a wildcard of the plain zone makes for it,
// and that names below the label do not exist. An alias may lead there.
func untouchedAtOwnNonTerminal(f *finding) (reply, bool) {
	aliases := aliasesIn(f.want.answer)
	target := f.question.name
	if len(aliases) > 0 {
		target, _ = f.aliasOnly(aliases)
	}
	label, ok := f.labelAtNonTerminal(target)
	if !ok {
		return reply{}, false
	}
	want := f.want
	want.header.Rcode = dns.RcodeSuccess
	want.answer, want.authority, want.additional = aliases, []string{f.soa(target)}, nil
	switch {
	case !same(label, target):
		want.header.Rcode = dns.RcodeNameError
		return want, true
	case f.question.kind != dns.TypeMX:
		return want, true
	}
	q := f.question
	q.name, _ = parent(label)
	plain, ok := f.plain(q.overTCP())
	for _, rr := range setIn(plain.answer) {
		mx := dns.Copy(rr).(*dns.MX)
		mx.Hdr.Name, mx.Mx = canonical(label), canonical(mx.Mx)
		want.answer = append(want.answer, mx.String())
	}
	slices.Sort(want.answer)
	want.authority, want.additional = plain.authority, plain.additional
	if len(aliases) > 0 && subset(f.got.additional, plain.additional) {
		want.additional = f.got.additional
	}
	return want, ok
}

// labelAtNonTerminal returns the real label, which name is at or below, of an empty
// non-terminal of the plain zone that *file* has the MX set of a wildcard at.
func (f *finding) labelAtNonTerminal(name string) (string, bool) {
	_, home := f.home(name)
	if home == nil || home.signed() {
		return "", false
	}
	for label := name; !same(label, home.origin); {
		owner, ok := parent(label)
		if !ok {
			return "", false
		}
		if from := home.answersFrom(owner); from != owner && home.has(from, dns.TypeMX) && f.hasRealLabel(label) && !home.exists(label) {
			return label, true
		}
		label = owner
	}
	return "", false
}

// tlsaAtOwnNonTerminal allows the TLSA set of a sink in a transfer, and with that what
// a secondary has, at a name that the plain zone has as an empty non-terminal and
// *file* answers for from a wildcard.
func tlsaAtOwnNonTerminal(f *finding) (reply, bool) {
	behindWildcard := func(name string) bool {
		z := f.zone(name)
		return f.isSink(name) && z.answersFrom(name) != name && z.owns(z.answersFrom(name))
	}
	if f.wanted == secondary {
		return f.got, behindWildcard(f.question.name)
	}
	want := f.want
	want.answer = slices.DeleteFunc(slices.Clone(f.got.answer), func(text string) bool {
		return strings.Contains(text, "\tTLSA\t") && behindWildcard(ownerOf(text)) && !slices.Contains(f.want.answer, text)
	})
	transfer := f.question.kind == dns.TypeAXFR || f.question.kind == dns.TypeIXFR
	if !transfer || !slices.Equal(want.answer, f.want.answer) {
		return reply{}, false
	}
	want.answer = f.got.answer
	return want, true
}

// wildcardBesideSink reports whether the plain answer ends in data of a wildcard at
// an empty non-terminal which the hand-edited zone has a sink or its TLSA set at,
// and is about a type that it does not have there.
func (f *finding) wildcardBesideSink(plain reply) bool {
	target, ok := f.aliasOnly(f.want.answer)
	if !ok && len(f.want.answer) > 0 {
		return false
	}
	i, home := f.home(target)
	if home == nil || home.owns(target) || !home.exists(target) || !f.isSink(target) {
		return false
	}
	return len(plain.answer) > len(f.want.answer) && !f.editedZone(i, home).has(target, f.question.kind)
}

func wildcardAtEmptyNonTerminal(f *finding) (reply, bool) {
	target, ok := f.aliasOnly(f.got.answer)
	if !ok && len(f.got.answer) > 0 || !f.emptyNonTerminal(target) || !subset(f.got.answer, f.want.answer) {
		return reply{}, false
	}
	want := f.want
	want.header.Rcode, want.header.Truncated = dns.RcodeSuccess, false
	want.answer, want.authority, want.additional = f.got.answer, []string{f.soa(target)}, nil
	return want, true
}

// emptyNonTerminal reports whether name owns nothing in the edited zone, while a
// name below it does, and a wildcard beside or above it could match it.
func (f *finding) emptyNonTerminal(name string) bool {
	for _, b := range f.edited.blocks {
		z := mostSpecific(b.zones, name)
		if z == nil || z.owns(name) || !slices.ContainsFunc(z.records, func(rr dns.RR) bool { return below(name, rr.Header().Name) }) {
			continue
		}
		for up, ok := parent(name); ok && within(z.origin, up); up, ok = parent(up) {
			if z.owns("*." + up) {
				return true
			}
		}
	}
	return false
}

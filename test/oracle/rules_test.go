package oracle

import (
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// A rule is one allowed difference. It returns what the hand-edited answer has
// to be under it, as narrowly as can be said, and false where it doesn't apply.
type rule struct {
	name    string
	reason  string
	permits func(*finding) (want reply, ok bool)
}

// rules are applied in this order.
var rules = []*rule{
	{
		name: "below a literal asterisk at a cut",
		reason: "where a wildcard is cut, its records stand at the name and at the * below it; a name below that literal * " +
			"has none any more (RFC 4592 section 4.2), while with fakemx the one wildcard reaches it as it does the names beside it",
		permits: belowLiteralAsterisk,
	},
	{
		name: "glue never truncates",
		reason: "an answer whose MX set fits does not get TC because the addresses beside it don't; " +
			"fakemx leaves out addresses and then the NS set",
		permits: glueNeverTruncates,
	},
	{
		name:    "another part of a truncated set",
		reason:  "which records of a set that doesn't fit come with TC depends on their order, and has no meaning (RFC 2181 section 9)",
		permits: otherPart,
	},
	{
		name: "addresses of a sink in another zone",
		reason: "*file* adds addresses from the zone of the answer only; fakemx adds those of all sinks that it " +
			"serves, wherever they are",
		permits: farSinks,
	},
	{
		name: "addresses beside an answer that passes",
		reason: "*file* adds the addresses of every host that an answer names, so also those of a sink that " +
			"was typed in; what holds no new fake passes fakemx as it is",
		permits: asThePlainZone,
	},
	{
		name:    "addresses beside an untouched set",
		reason:  "what stands at the real label comes with what the plain zone puts beside it",
		permits: besideUntouchedSet,
	},
	{
		name: "a wildcard of *file* at an empty non-terminal of the zone",
		reason: "*file* answers from a wildcard at a name that exists because there are names below it, " +
			"which RFC 4592 section 2.2.2 forbids; fakemx takes that name for an owner of its own, by what is configured for it",
		permits: wildcardAtOwnNonTerminal,
	},
	{
		name: "an empty wildcard at a cut",
		reason: "a wildcard that exists only because there are names below it makes names exist that have nothing " +
			"(RFC 4592 section 2.2.1); a copy of nothing can't be typed in where it is cut",
		permits: emptyWildcard,
	},
	{
		name: "addresses of a sink of another stanza",
		reason: "*file* adds the addresses of every host of its zone; those of a fake that another stanza serves " +
			"fakemx leaves as the plain zone has them",
		permits: servedByOthers,
	},
	{
		name:    "a failure passes",
		reason:  "what fails in the plain zone, as a wildcard alias to itself does, fails with fakemx, though a sink would stop it",
		permits: failurePasses,
	},
	{
		name: "an alias ends in NODATA",
		reason: "*file* puts the NS set where a NODATA at the end of an alias needs the SOA (RFC 2308 section 2.2); " +
			"fakemx, where the alias leads out of the file or to what a wildcard answers for, has the SOA there",
		permits: aliasToNoData,
	},
	{
		name: "an alias to a sink in another zone",
		reason: "*file* puts the NS set or the SOA of the alias beside what it leads to; fakemx, which answers for " +
			"the sink itself and for the names above and below that are there because of it or not, puts those of the zone of " +
			"the sink there (RFC 2308 section 2)",
		permits: aliasToFarSink,
	},
	{
		name: "addresses beside an untouched set behind an alias",
		reason: "*file* adds the addresses of the exchanges that an alias within the zone leads to; fakemx, which the " +
			"alias leads out of the file, may leave them out",
		permits: untouchedBehindAlias,
	},
	{
		name: "a wildcard at an empty non-terminal",
		reason: "*file* answers from a wildcard at a name that exists because there are names below it, " +
			"which RFC 4592 section 2.2.2 forbids; fakemx says NODATA at the names above its sinks",
		permits: wildcardAtEmptyNonTerminal,
	},
}

// whole returns the answer of fakemx over TCP, which is compared with the
// hand-edited one as a question of its own.
func (f *finding) whole() (reply, bool) {
	q := f.question
	q.tcp = true
	return answerOf(f.comparison.got, q)
}

// answerOf returns what s answers, if that can be read.
func answerOf(s *server, q question) (reply, bool) {
	wire, err := s.ask(q)
	if err != nil {
		return reply{}, false
	}
	r, err := readReply(wire)
	return r, err == nil
}

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
// it changes nothing else in the answer.
func asThePlainZone(f *finding) (reply, bool) {
	plain, ok := f.plain(f.question)
	if !ok || !plain.sameBut(f.want) || !slices.Equal(f.got.additional, plain.additional) {
		return reply{}, false
	}
	want := f.want
	want.additional = plain.additional
	return want, true
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

// wildcardAtOwnNonTerminal allows what a wildcard of the plain zone makes for a name
// that this zone has as an empty non-terminal, with the fakes that belong to this
// name.
func wildcardAtOwnNonTerminal(f *finding) (reply, bool) {
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

// setIn returns the MX set that section holds.
func setIn(section []string) (all []dns.RR) {
	for _, text := range section {
		rr, err := dns.NewRR(text)
		if mx, ok := rr.(*dns.MX); err == nil && ok {
			all = append(all, mx)
		}
	}
	return all
}

// home returns the block and the plain zone that name belongs to, or no zone.
func (f *finding) home(name string) (int, *zone) {
	home := f.zone(name)
	i := slices.IndexFunc(f.world.blocks, func(b *block) bool { return slices.Contains(b.zones, home) })
	return i, home
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

// plain returns what *file* answers over the zones that nobody edited.
func (f *finding) plain(q question) (reply, bool) {
	return answerOf(f.comparison.plain, q)
}

// sameBut reports whether r and o differ at most in the additional section.
func (r reply) sameBut(o reply) bool {
	r.additional = o.additional
	return r.equal(o)
}

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

// servedByOthers allows that addresses which belong to a fake that the stanza of the
// set does not serve are missing, or as the plain zone has them.
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
	others := func(text string) bool { return s != nil && s.leavesToOthers(configured, ownerOf(text)) }
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

// leavesToOthers reports whether name is that of a fake of s without an address.
func (s *stanza) leavesToOthers(configured, name string) bool {
	return slices.ContainsFunc(slices.Concat(s.lowest, s.highest), func(f fake) bool {
		return len(f.addresses) == 0 && slices.ContainsFunc(f.names(configured), func(x string) bool { return same(x, name) })
	})
}

// hasRealLabel reports whether name is one at which a set may be published.
func (f *finding) hasRealLabel(name string) bool {
	i, home := f.home(name)
	if home == nil {
		return false
	}
	s, _ := f.world.blocks[i].stanzaFor(name)
	return s != nil && s.isRealLabel(firstLabel(name))
}

// isPublished reports whether name is that of a set published as it was.
func (f *finding) isPublished(name string) bool {
	i, home := f.home(name)
	if home == nil || home.has(name, dns.TypeMX) {
		return false
	}
	return f.hasRealLabel(name) && f.editedZone(i, home).has(name, dns.TypeMX)
}

// editedZone returns what the plain zone z of the i-th block became.
func (f *finding) editedZone(i int, z *zone) *zone {
	return f.edited.blocks[i].zones[slices.Index(f.world.blocks[i].zones, z)]
}

func failurePasses(f *finding) (reply, bool) {
	plain, ok := f.plain(f.question)
	failed := plain.header.Rcode == dns.RcodeServerFailure && f.got.header.Rcode == dns.RcodeServerFailure
	return plain, ok && failed && !f.isSink(f.question.name)
}

func aliasToNoData(f *finding) (reply, bool) {
	target, ok := f.aliasOnly(f.want.answer)
	if !ok || !f.isSink(target) && !f.hasRealLabel(target) && !f.isCut(target) || f.want.header.Rcode != dns.RcodeSuccess {
		return reply{}, false
	}
	apex := f.zone(target).origin
	if slices.ContainsFunc(f.want.authority, func(text string) bool { return !same(ownerOf(text), apex) }) {
		return reply{}, false
	}
	want := f.want
	want.authority = []string{f.soa(target)}
	return want, true
}

// aliasToFarSink allows the authority section of a direct question for the sink,
// or for a name that exists because of it or does not.
func aliasToFarSink(f *finding) (reply, bool) {
	aliases := slices.DeleteFunc(slices.Clone(f.want.answer), func(text string) bool {
		return !strings.Contains(text, "\tCNAME\t") && !strings.Contains(text, "\tDNAME\t")
	})
	target, ok := f.aliasOnly(aliases)
	if !ok || !f.isSink(target) && !f.isThereForSink(target) && !f.isBelowSink(target) || f.zone(target) == f.zone(f.question.name) {
		return reply{}, false
	}
	q := f.question
	q.name = target
	direct, ok := answerOf(f.comparison.want, q)
	want := f.want
	want.authority = direct.authority
	return want, ok
}

func untouchedBehindAlias(f *finding) (reply, bool) {
	real := setIn(f.want.answer)
	if len(real) == 0 || same(real[0].Header().Name, f.question.name) || !f.isPublished(real[0].Header().Name) ||
		!subset(f.got.additional, f.want.additional) {
		return reply{}, false
	}
	want := f.want
	want.additional = f.got.additional
	return want, true
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

// aliasOnly returns where an answer leads to, if all it holds is a chain of
// aliases. Without any that is the name asked for.
func (f *finding) aliasOnly(answer []string) (target string, ok bool) {
	next := map[string]string{}
	for _, text := range answer {
		rr, err := dns.NewRR(text)
		if err != nil {
			return "", false
		}
		switch rr := rr.(type) {
		case *dns.CNAME:
			next[canonical(rr.Hdr.Name)] = canonical(rr.Target)
		case *dns.DNAME:
		default:
			return "", false
		}
	}
	target = canonical(f.question.name)
	for range answer {
		if to, ok := next[target]; ok {
			target = to
		}
	}
	return target, len(next) > 0
}

// isSink reports whether name is one of the hosts that had to be typed in.
func (f *finding) isSink(name string) bool {
	return slices.ContainsFunc(f.world.blocks, func(b *block) bool {
		return slices.ContainsFunc(b.freeSinks(), func(s sink) bool { return same(s.name, name) || same(s.tlsaName(), name) })
	})
}

// isThereForSink reports whether name owns nothing in the plain zone, where an
// apex has its SOA and NS, and has a sink or its TLSA set below it.
func (f *finding) isThereForSink(name string) bool {
	i, home := f.home(name)
	return home != nil && !slices.ContainsFunc(home.records, func(rr dns.RR) bool {
		t := rr.Header().Rrtype
		return same(rr.Header().Name, name) && t != dns.TypeSOA && t != dns.TypeNS
	}) && slices.ContainsFunc(f.world.blocks[i].freeSinks(), func(s sink) bool {
		return below(name, s.tlsaName()) && f.zone(s.name) == home
	})
}

// isBelowSink reports whether name lies below a sink, where no wildcard of the
// zone reaches it.
func (f *finding) isBelowSink(name string) bool {
	return slices.ContainsFunc(f.world.blocks, func(b *block) bool {
		return slices.ContainsFunc(b.freeSinks(), func(s sink) bool { return below(s.name, name) })
	})
}

// zone returns the plain zone that name belongs to, or nil.
func (f *finding) zone(name string) *zone {
	var all []*zone
	for _, b := range f.world.blocks {
		all = append(all, b.zones...)
	}
	return mostSpecific(all, name)
}

// soa returns the SOA record of the zone that name belongs to.
func (f *finding) soa(name string) string {
	soa := dns.Copy(f.zone(name).records[0]).(*dns.SOA)
	soa.Hdr.Name, soa.Ns, soa.Mbox = canonical(soa.Hdr.Name), canonical(soa.Ns), canonical(soa.Mbox)
	return soa.String()
}

func ownerOf(text string) string {
	owner, _, _ := strings.Cut(text, "\t")
	return owner
}

// exchanges reports whether section holds an MX record that points to name.
func exchanges(section []string, name string) bool {
	return slices.ContainsFunc(section, func(text string) bool {
		rr, err := dns.NewRR(text)
		mx, ok := rr.(*dns.MX)
		return err == nil && ok && same(mx.Mx, name)
	})
}

func holdsMX(section []string) bool {
	for _, rr := range section {
		if strings.Contains(rr, "\tMX\t") {
			return true
		}
	}
	return false
}

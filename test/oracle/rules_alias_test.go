package oracle

import (
	"slices"
	"strings"

	"github.com/miekg/dns"
)

func failurePasses(f *finding) (reply, bool) {
	if f.want.header.Rcode == dns.RcodeServerFailure && f.got.header.Rcode == dns.RcodeServerFailure {
		want := f.want
		want.answer, want.authority, want.additional = f.got.answer, f.got.authority, f.got.additional
		return want, true
	}
	plain, ok := f.plain(f.question)
	failed := plain.header.Rcode == dns.RcodeServerFailure && f.got.header.Rcode == dns.RcodeServerFailure
	return plain, ok && failed && !f.isSink(f.question.name)
}

func aliasToNoData(f *finding) (reply, bool) {
	target, ok := f.aliasOnly(f.want.answer)
	if !ok || !f.isSink(target) && !f.isThereForSink(target) && !f.hasRealLabel(target) && !f.isCut(target) || f.want.header.Rcode != dns.RcodeSuccess {
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
// for a name that exists because of it or does not, or for an untouched set.
func aliasToFarSink(f *finding) (reply, bool) {
	aliases := aliasesIn(f.want.answer)
	target, ok := f.aliasOnly(aliases)
	if !ok || f.zone(target) == f.zone(f.question.name) {
		return reply{}, false
	}
	if !f.isNearSink(target) && !f.hasRealLabel(target) {
		return reply{}, false
	}
	q := f.question
	q.name = target
	direct, ok := answerOf(f.comparison.want, q)
	want := f.want
	want.authority = direct.authority
	return want, ok
}

// aliasToOtherBlock allows the SOA record of the zone that the sinks are in beside
// an alias to a name above them, where another server block has a zone there.
func aliasToOtherBlock(f *finding) (reply, bool) {
	aliases := aliasesIn(f.want.answer)
	target, ok := f.aliasOnly(aliases)
	i, _ := f.home(f.question.name)
	j, _ := f.home(target)
	if !ok || i < 0 || j < 0 || i == j || len(f.got.authority) != 1 {
		return reply{}, false
	}
	z := mostSpecific(f.world.blocks[i].zones, target)
	if z == nil || !same(ownerOf(f.got.authority[0]), z.origin) {
		return reply{}, false
	}
	want := f.want
	want.authority = f.got.authority
	return want, true
}

// aliasToSinkBehindCut allows the answer of a direct question for the sink, or a name
// above or below it, behind an alias that leads below a zone cut, where the backend
// does not show the cut.
func aliasToSinkBehindCut(f *finding) (reply, bool) {
	target, ok := f.aliasOnly(f.want.answer)
	if !ok || f.zone(target) == f.zone(f.question.name) || len(f.want.authority) > 0 {
		return reply{}, false
	}
	if !f.isNearSink(target) {
		return reply{}, false
	}
	q := f.question
	q.name = target
	direct, ok := answerOf(f.comparison.want, q)
	want := f.want
	want.answer = slices.Sorted(slices.Values(slices.Concat(f.want.answer, direct.answer)))
	want.authority, want.header.Rcode = direct.authority, direct.header.Rcode
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

// aliasesIn returns the aliases of an answer section.
func aliasesIn(answer []string) []string {
	return slices.DeleteFunc(slices.Clone(answer), func(text string) bool {
		return !strings.Contains(text, "\tCNAME\t") && !strings.Contains(text, "\tDNAME\t")
	})
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
		case *dns.DNAME, *dns.RRSIG:
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

// isNearSink reports whether name is a sink, or exists because of one or does not.
func (f *finding) isNearSink(name string) bool {
	if f.isSink(name) || f.isBelowSink(name) {
		return true
	}
	z := f.zone(name)
	for ok := z != nil; ok && within(z.origin, name); name, ok = parent(name) {
		if f.isThereForSink(name) {
			return true
		}
	}
	return false
}

// isBelowSink reports whether name lies below a sink, where no wildcard of the
// zone reaches it.
func (f *finding) isBelowSink(name string) bool {
	return slices.ContainsFunc(f.world.blocks, func(b *block) bool {
		return slices.ContainsFunc(b.freeSinks(), func(s sink) bool { return below(s.name, name) })
	})
}

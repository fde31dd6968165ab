package transfer

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/fakemx/fakemx/internal/answer"
	"github.com/fakemx/fakemx/internal/dnsname"
	"github.com/miekg/dns"
)

// bounds are what becomes of wildcards where other rules hold for a part of the
// names that they match: in the zone
//
//	@ MX 10 mail
//	* MX 10 mail
//
// with except news, the fakes that join the set of the wildcard must not come to
// news, nor to a.news. So the zone gets the wildcard's records, without fakes,
// under names of their own there: news and *.news (RFC 4592 section 2.2.1).
type bounds struct {
	apex string
	// names are the bounds themselves.
	names map[string]bool
	// exists has the bounds, and the names between them and the apex, and whether
	// the zone has them.
	exists map[string]bool
	// wild are the records of the wildcards right below these names and the apex.
	wild map[string][]dns.RR
	// brought are those of the names that sinks bring into being.
	brought map[string]bool
}

func newBounds(apex string, names []string) bounds {
	b := bounds{
		apex: apex, names: make(map[string]bool),
		exists: make(map[string]bool), wild: make(map[string][]dns.RR), brought: make(map[string]bool),
	}
	for _, name := range names {
		b.names[name] = true
		for ; dnsname.Below(name, apex); name = dnsname.Parent(name) {
			b.exists[name] = false
		}
	}
	return b
}

// look takes note of a record.
func (b *bounds) look(rr dns.RR) {
	if len(b.exists) == 0 {
		return
	}
	owner := dnsname.Canonical(rr.Header().Name)
	for name := owner; dnsname.Below(name, b.apex); name = dnsname.Parent(name) {
		if _, ok := b.exists[name]; ok {
			b.exists[name] = true
		}
	}
	if dnsname.FirstLabel(owner) != "*" {
		return
	}
	above := dnsname.Parent(owner)
	if _, ok := b.exists[above]; ok || above == b.apex {
		b.wild[above] = append(b.wild[above], rr)
	}
}

// bring notes the names that a sink brings into being: as far up as to the apex of
// the configured zone that it is of; there and above, a wildcard goes on.
func (b *bounds) bring(sink answer.Sink) {
	for name := sink.Name; dnsname.Below(name, sink.Zone); name = dnsname.Parent(name) {
		b.brought[name] = true
	}
}

// records returns the records of wildcards that the zone gets under names of
// their own.
func (b *bounds) records(whole *answer.Whole, sinks []answer.Sink, cutOff func(name string) bool) (all []dns.RR, err error) {
	if len(b.wild) == 0 {
		return nil, nil
	}
	for _, sink := range sinks {
		b.bring(sink)
	}
	names := slices.DeleteFunc(slices.SortedFunc(maps.Keys(b.exists), higherFirst), func(name string) bool {
		return len(b.wildOver(whole, name)) == 0 || cutOff(name) || b.elsewhere(whole, name)
	})
	// What a name gets brings those above into being, from which the wildcard goes then.
	cut, above := make(map[string]bool), make(map[string]bool)
	for _, name := range names {
		if cut[name], err = b.cuts(whole, sinks, name, cut); err != nil {
			return nil, err
		}
		for up := dnsname.Parent(name); cut[name] && dnsname.Below(up, b.apex); up = dnsname.Parent(up) {
			above[up] = true
		}
	}
	for _, name := range names {
		if wild := b.wildOver(whole, name); cut[name] || above[name] {
			all = append(all, b.wildAt(whole, name, wild)...)
			all = append(all, b.wildAt(whole, "*."+name, wild)...)
		}
	}
	return all, nil
}

// higherFirst orders names by their number of labels, then as text.
func higherFirst(a, b string) int {
	return cmp.Or(dns.CountLabel(a)-dns.CountLabel(b), strings.Compare(a, b))
}

// cuts reports whether the wildcard over name must not go on to it. cut says so of
// the names above: where one of them is cut, the wildcard over name is the copy there.
func (b *bounds) cuts(whole *answer.Whole, sinks []answer.Sink, name string, cut map[string]bool) (bool, error) {
	if b.isBrought(name) || slices.ContainsFunc(sinks, func(s answer.Sink) bool { return dnsname.Below(s.Name, name) }) {
		return true, nil
	}
	if !b.names[name] {
		return false, nil
	}
	wild := b.wildOver(whole, name)
	from := dnsname.Canonical(wild[0].Header().Name)
	for up := dnsname.Parent(name); dnsname.Below(up, b.apex); up = dnsname.Parent(up) {
		if cut[up] {
			from = "*." + up
			break
		}
	}
	return edits(whole, wild, from, name)
}

// edits reports whether the MX set of a wildcard changes at one of the owners.
func edits(whole *answer.Whole, wild []dns.RR, owners ...string) (bool, error) {
	set := slices.DeleteFunc(slices.Clone(wild), func(rr dns.RR) bool { return !isMX(rr) })
	if len(set) == 0 {
		return false, nil
	}
	for _, owner := range owners {
		if err := whole.Settle(owner); err != nil {
			return false, err
		}
	}
	return slices.ContainsFunc(owners, func(owner string) bool {
		return whole.Set(owner, set) != nil || whole.Real(owner, set) != ""
	}), nil
}

// isBrought reports whether a sink brings a name above name into being.
func (b *bounds) isBrought(name string) bool {
	for ; dnsname.Below(name, b.apex); name = dnsname.Parent(name) {
		if b.brought[name] {
			return true
		}
	}
	return false
}

// wildOver returns the records of the wildcard that answers at name: that right
// below its closest encloser (RFC 4592 section 3.3.1). What sinks bring into being
// is none for names of except, which are left alone.
func (b *bounds) wildOver(whole *answer.Whole, name string) []dns.RR {
	alone := whole.Excepted(name)
	for encloser := name; ; encloser = dnsname.Parent(encloser) {
		switch {
		case encloser == b.apex, b.exists[encloser]:
			if encloser == name {
				return nil
			}
			return b.wild[encloser]
		case !alone && b.brought[encloser]:
			return nil
		}
	}
}

// elsewhere reports whether name is of a zone of its own that the plugins behind
// have, though nothing here delegates it.
func (b *bounds) elsewhere(whole *answer.Whole, name string) bool {
	for ; dnsname.Below(name, b.apex); name = dnsname.Parent(name) {
		if whole.HasZone(name) {
			return true
		}
	}
	return false
}

// wildAt returns the records of a wildcard as they are at owner.
func (b *bounds) wildAt(whole *answer.Whole, owner string, wild []dns.RR) (all []dns.RR) {
	if !dnsname.Fits(owner) {
		return nil
	}
	var set []dns.RR
	for _, rr := range wild {
		at := dns.Copy(rr)
		at.Header().Name = owner
		if isMX(at) {
			set = append(set, at)
		} else {
			all = append(all, at)
		}
	}
	if len(set) > 0 {
		if edited := whole.Set(owner, set); edited != nil {
			set = edited
		}
	}
	return append(all, set...)
}

func isMX(rr dns.RR) bool {
	_, ok := rr.(*dns.MX)
	return ok
}

package transfer

import (
	"maps"
	"slices"

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
	// exists has the bounds, and the names between them and the apex, and whether
	// the zone has them.
	exists map[string]bool
	// wild are the records of the wildcards right below these names and the apex.
	wild map[string][]dns.RR
}

func newBounds(apex string, names []string) bounds {
	b := bounds{apex: apex, exists: make(map[string]bool), wild: make(map[string][]dns.RR)}
	for _, name := range names {
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
	b.bring(owner, b.apex)
	if dnsname.FirstLabel(owner) != "*" {
		return
	}
	above := dnsname.Parent(owner)
	if _, ok := b.exists[above]; ok || above == b.apex {
		b.wild[above] = append(b.wild[above], rr)
	}
}

// bring notes that name exists, and what is above it up to the apex.
func (b *bounds) bring(name, apex string) {
	for ; dnsname.Below(name, apex); name = dnsname.Parent(name) {
		if _, ok := b.exists[name]; ok {
			b.exists[name] = true
		}
	}
}

// records returns the records of wildcards that the zone gets under names of
// their own. A sink brings names into being as far up as to the apex of the
// configured zone that it is of; there and above, the wildcard goes on.
func (b *bounds) records(whole *answer.Whole, sinks []answer.Sink, cutOff func(name string) bool) (all []dns.RR, err error) {
	if len(b.wild) == 0 {
		return nil, nil
	}
	for _, sink := range sinks {
		b.bring(sink.Name, sink.Zone)
	}
	for _, name := range slices.Sorted(maps.Keys(b.exists)) {
		if b.exists[name] || cutOff(name) {
			continue
		}
		encloser := name
		for encloser != b.apex && !b.exists[encloser] {
			encloser = dnsname.Parent(encloser)
		}
		wild := b.wild[encloser]
		if !slices.ContainsFunc(wild, isMX) || b.elsewhere(whole, name) {
			continue
		}
		if err := whole.Settle(name); err != nil {
			return nil, err
		}
		all = append(all, b.wildAt(whole, name, wild)...)
		all = append(all, b.wildAt(whole, "*."+name, wild)...)
	}
	return all, nil
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
	if edited := whole.Set(owner, set); edited != nil {
		set = edited
	}
	return append(all, set...)
}

func isMX(rr dns.RR) bool {
	_, ok := rr.(*dns.MX)
	return ok
}

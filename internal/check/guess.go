package check

import (
	"net/netip"
	"slices"

	"github.com/miekg/dns"
)

// guess takes hosts for fakes where no configuration names them: those at either
// end of the set that refuse, while another one takes connections.
func (e *examination) guess() {
	if e.Stanza != nil {
		return
	}
	set := slices.SortedStableFunc(slices.Values(e.served), byPreference)
	up := func(mx *dns.MX) bool { return e.all(mx, accepts) }
	first, last := slices.IndexFunc(set, up), -1
	for i, mx := range set {
		if up(mx) {
			last = i
		}
	}
	if first < 0 {
		return
	}
	for i, mx := range set {
		if i >= first && i <= last || !e.all(mx, refuses) {
			continue
		}
		k := lowest
		if i > last {
			k = highest
		}
		e.takeForFake(mx, k)
	}
}

// all reports whether every address of a host was seen in the state.
func (e *examination) all(mx *dns.MX, state port25) bool {
	r := e.realOf(mx)
	if r == nil || len(r.addresses) == 0 {
		return false
	}
	return !slices.ContainsFunc(r.addresses, func(a netip.Addr) bool {
		v, called := r.visits[a]
		return !called || v.state != state
	})
}

// takeForFake moves a host from the real ones to the sinks.
func (e *examination) takeForFake(mx *dns.MX, k kind) {
	r := e.realOf(mx)
	e.sinks = append(e.sinks, &sink{host: r.host, name: r.name, kind: k, visits: r.visits, tlsa: r.tlsa})
	e.reals = slices.DeleteFunc(e.reals, func(other *realHost) bool { return other == r })
	e.before = e.withoutFakes()
}

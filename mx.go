package fakemx

import (
	"slices"

	"github.com/fakemx/fakemx/internal/dnsname"
	"github.com/miekg/dns"
)

// maxSPF is the number of MX records beyond which the mx mechanism of SPF fails
// (RFC 7208 section 4.6.4).
const maxSPF = 10

// inject adds the fakes to each MX set of m that they belong to. m, and what
// its sections hold, is not changed. below is what the plugins below answered.
func (q *query) inject(m *dns.Msg, below *reply) *dns.Msg {
	if q.qtype != dns.TypeMX && q.qtype != dns.TypeANY {
		return m
	}
	first := -1
	if m.Rcode == dns.RcodeSuccess {
		first = slices.IndexFunc(m.Answer, isMX)
	}
	if first < 0 {
		q.countWithout(m)
		return m
	}
	if out := q.madeAgain(m, m.Answer[first], below); out != nil {
		q.count(injected)
		return out
	}
	var few [2]string
	for _, owner := range owners(few[:0], m.Answer[first:]) {
		at, ok := q.f.zones.find(dnsname.Canonical(owner))
		if !ok {
			continue
		}
		direct := below
		if !dnsname.Same(owner, q.name) {
			if direct = q.direct(owner); direct == nil {
				continue
			}
		}
		set := setOf(m.Answer, owner)
		z, lasting := q.f.servable(at.zone(), direct.msg.Ns)
		result := q.f.decide(z, owner, set, direct.signs)
		q.count(result)
		switch {
		case result == injected:
			out := q.replace(m, set, z)
			if lasting && owner == z.apex && direct == below {
				z.made.keep(m, out, set, z.apex)
			}
			q.fit(out, z.apex)
			m = out
		case result == present && !z.DryRun && !direct.signed():
			m = q.completeGlue(m, z)
		}
	}
	return m
}

// countWithout counts an answer without an MX set, if the name is of a zone.
func (q *query) countWithout(m *dns.Msg) {
	if q.qtype != dns.TypeMX {
		return
	}
	_, target := q.f.zones.follow(m.Answer, q.name)
	if _, ok := q.f.zones.find(target); ok {
		q.count(noMX)
	}
}

// owners appends to names the different owners of the MX records in rrs, nearly
// always one.
func owners(names []string, rrs []dns.RR) []string {
	for _, rr := range rrs {
		owner := rr.Header().Name
		if isMX(rr) && !slices.ContainsFunc(names, func(name string) bool { return dnsname.Same(name, owner) }) {
			names = append(names, owner)
		}
	}
	return names
}

// setOf returns the MX set of owner, as a part of rrs if it stands in one piece.
func setOf(rrs []dns.RR, owner string) []dns.RR {
	belongs := func(rr dns.RR) bool {
		return isMX(rr) && dnsname.Same(rr.Header().Name, owner)
	}
	start := slices.IndexFunc(rrs, belongs)
	if start < 0 {
		return nil
	}
	end := start + 1
	for end < len(rrs) && belongs(rrs[end]) {
		end++
	}
	set := rrs[start:end:end]
	for _, rr := range rrs[end:] {
		if belongs(rr) {
			set = append(set, rr)
		}
	}
	return set
}

// decide says what becomes of an MX set. signs reports whether the set of an
// owner is signed.
func (f *FakeMX) decide(z *zone, owner string, set []dns.RR, signs func(owner string) bool) result {
	switch {
	case z.leaves(dnsname.Canonical(owner)):
		return excepted
	case slices.ContainsFunc(set, isNull):
		return nullMX
	}
	added := z.fakes.Missing(set)
	switch {
	case len(z.hosts) == 0:
		return signed
	case added == 0:
		return present
	case signs(owner):
		f.notices.signed(z.apex)
		return signed
	}
	if len(set)+added > maxSPF {
		f.notices.manyMX(z.apex, len(set)+added)
	}
	if z.DryRun {
		return dryRun
	}
	return injected
}

// leaves reports whether the MX set of owner stays as it is whatever it holds:
// because of except, or because it is an untouched set itself, as in a zone that
// was transferred from a server with fakemx.
func (z *zone) leaves(owner string) bool {
	return z.Except.Cover(owner, z.apex) || z.Real != "" && dnsname.FirstLabel(owner) == z.Real
}

// isMX goes by the Go type: a record of the MX type may be a [dns.RFC3597] too,
// with data that nobody has looked at.
func isMX(rr dns.RR) bool {
	_, ok := rr.(*dns.MX)
	return ok
}

// isNull reports whether rr says that the domain takes no mail (RFC 7505).
func isNull(rr dns.RR) bool { return rr.(*dns.MX).Mx == "." }

// replace returns m with the fakes of z in place round set, and with the
// addresses of the sinks, whether or not they fit.
func (q *query) replace(m *dns.Msg, set []dns.RR, z *zone) *dns.Msg {
	owner := set[0].Header().Name
	// One array for both sections that change, with room for the OPT record that
	// the server adds.
	rrs := make([]dns.RR, 0, len(m.Answer)+len(z.hosts)+len(m.Extra)+z.glue+1)

	done := false
	for _, rr := range m.Answer {
		switch {
		case !isMX(rr) || !dnsname.Same(rr.Header().Name, owner):
			rrs = append(rrs, rr)
		case !done:
			rrs = z.fakes.AppendSet(rrs, set)
			done = true
		}
	}
	out := *m
	out.Answer = slices.Clip(rrs)
	out.Extra = z.appendGlue(rrs[len(rrs):], m.Extra)
	return &out
}

// completeGlue adds the addresses of the sinks to an answer that has all fakes
// already, as when a backend resolved an alias through the server.
func (q *query) completeGlue(m *dns.Msg, z *zone) *dns.Msg {
	there := 0
	for _, rr := range m.Extra {
		if z.serves(rr) {
			there++
		}
	}
	if there == z.glue {
		return m
	}
	out := *m
	out.Extra = z.appendGlue(nil, m.Extra)
	q.fit(&out, z.apex)
	return &out
}

// appendGlue appends the additional section extra to dst, and the addresses of
// the sinks in place of any that the zone has for these names itself.
func (z *zone) appendGlue(dst, extra []dns.RR) []dns.RR {
	for _, rr := range extra {
		if !z.serves(rr) {
			dst = append(dst, rr)
		}
	}
	for i := range z.hosts {
		dst = append(dst, z.hosts[i].a...)
		dst = append(dst, z.hosts[i].aaaa...)
	}
	return dst
}

// serves reports whether rr is an address at the name of a sink. It is the
// zone's own then, hidden by the sink.
func (z *zone) serves(rr dns.RR) bool {
	if t := rr.Header().Rrtype; t != dns.TypeA && t != dns.TypeAAAA {
		return false
	}
	return slices.ContainsFunc(z.hosts, func(h host) bool {
		return len(h.a)+len(h.aaaa) > 0 && dnsname.Same(h.name, rr.Header().Name)
	})
}

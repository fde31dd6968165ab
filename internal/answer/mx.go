package answer

import (
	"slices"

	"github.com/fakemx/fakemx/internal/dnsname"
	"github.com/fakemx/fakemx/internal/tell"
	"github.com/fakemx/fakemx/internal/zones"
	"github.com/miekg/dns"
)

const (
	// maxSet is how many records a set with fakes holds at most: Postfix and
	// sendmail read the first 100 of an answer, and a real one may come later.
	maxSet = 100
	// shortTTL is the most that a set has in seconds while it is not known which of
	// its fakes may join.
	shortTTL = 60
)

// inject adds the fakes to each MX set of m that they belong to. m, and what
// its sections hold, is not changed. r is what the plugins behind answered.
func (q *Query) inject(m *dns.Msg, r *Reply) *dns.Msg {
	first := -1
	if m.Rcode == dns.RcodeSuccess {
		first = slices.IndexFunc(m.Answer, isMX)
	}
	if first < 0 {
		q.countWithout(m)
		return m
	}
	var few [2]string
	for _, owner := range owners(few[:0], m.Answer[first:]) {
		at, ok := q.e.zones.Find(dnsname.Canonical(owner))
		if !ok {
			continue
		}
		direct := r
		if !dnsname.Same(owner, q.name) {
			if direct = q.direct(owner); direct == nil || q.isUntouched(owner) {
				continue
			}
		}
		z := q.e.memory.of(at)
		set, before := setOf(m.Answer, owner), z.joining.Load()
		d := q.decide(z, owner, set, direct)
		q.e.counters.Answer(q.ctx, d.result)
		switch {
		case d.result == tell.Injected:
			out := q.replace(m, set, d)
			if q.fit(out, at.Apex) {
				q.keep(z, before, m, out, direct, d)
			}
			m = out
		case d.result == tell.Present && !at.DryRun && !direct.signed(owner):
			m = q.completeGlue(m, d.zone)
		case d.incomplete && !at.DryRun:
			m = q.shorten(m, owner)
		}
	}
	return m
}

// countWithout counts an answer without an MX set, if the name is of a zone.
func (q *Query) countWithout(m *dns.Msg) {
	if q.qtype != dns.TypeMX {
		return
	}
	_, target := q.follow(m.Answer, q.name)
	if _, ok := q.e.zones.Find(target); ok {
		q.e.counters.Answer(q.ctx, tell.NoMX)
	}
}

// decision is what becomes of an MX set.
type decision struct {
	result tell.Result
	// zone has the fakes that join.
	zone *zones.Zone
	// incomplete says that it is not known of all fakes whether they may.
	incomplete bool
}

// decide says what becomes of an MX set, which r is the answer to a question for.
func (q *Query) decide(z *zoneMemory, owner string, set []dns.RR, r *Reply) decision {
	if d := q.setAside(z, dnsname.Canonical(owner), set, r); d != nil {
		return *d
	}
	j := q.joining(z, set, r)
	return q.e.decideJoining(j.zone, set, j.missing)
}

// setAside decides about a set that stays as it is whichever fakes may join. It
// returns nil for any other.
func (q *Query) setAside(z *zoneMemory, owner string, set []dns.RR, r *Reply) *decision {
	all := z.zone
	switch {
	case q.leaves(all, owner, r):
		return &decision{result: tell.Excepted}
	case slices.ContainsFunc(set, isNull):
		return &decision{result: tell.NullMX}
	case q.foreign(z, set, r):
		return &decision{result: tell.Foreign}
	case all.Fakes.Missing(set) == 0:
		return &decision{result: tell.Present, zone: q.joining(z, set, r).zone}
	case r.proof == nil:
		q.e.notices.Unknown(all.Apex)
		return &decision{result: tell.Unknown}
	case r.signs(owner):
		q.e.notices.Signed(all.Apex)
		return &decision{result: tell.Signed}
	}
	return nil
}

// foreign reports whether exchanges leaves the set out: a real exchange of it is
// not below one of these names. A fake that is in the set already is not real, if
// its sink is free.
func (q *Query) foreign(z *zoneMemory, set []dns.RR, r *Reply) bool {
	if z.zone.Exchanges.Empty() {
		return false
	}
	return slices.ContainsFunc(set, func(rr dns.RR) bool {
		exchange := dnsname.Canonical(rr.(*dns.MX).Mx)
		if z.zone.Exchanges.Cover(exchange, z.zone.Apex) {
			return false
		}
		return !z.zone.Fakes.Has(exchange) || !q.joining(z, set, r).zone.Fakes.Has(exchange)
	})
}

// decideJoining says what becomes of a set that the fakes of join may join.
func (e *Editor) decideJoining(join *zones.Zone, set []dns.RR, missing state) decision {
	d := decision{zone: join, incomplete: missing == pending}
	added := join.Fakes.Missing(set)
	if len(set)+added > maxSet {
		e.notices.NoRoom(join.Apex, len(set)+added, maxSet)
		if d.zone = fitting(join, set); d.zone == nil {
			d.result = tell.Excepted
			return d
		}
		added = d.zone.Fakes.Missing(set)
	}
	switch {
	case added == 0 && missing == pending:
		d.result = tell.Unknown
		return d
	case added == 0 && missing == withdrawn:
		d.result = tell.Withdrawn
		return d
	case added == 0:
		d.result = tell.NotFree
		return d
	}
	e.notices.ManyMX(join.Apex, len(set)+added)
	d.result = tell.Injected
	if join.DryRun {
		d.result = tell.DryRun
	}
	return d
}

// fitting returns join without the last of its highest fakes, so that the set has
// maxSet records with the others, or nil if there is no room for the lowest alone.
func fitting(join *zones.Zone, set []dns.RR) *zones.Zone {
	room := maxSet - len(set)
	fits := join.Only(func(i int) bool {
		if !missesExchange(set, join.Hosts[i].Name) {
			return true
		}
		room--
		return room >= 0
	})
	if len(fits.Fakes.Lowest) < len(join.Fakes.Lowest) || fits.Fakes.Missing(set) == 0 {
		return nil
	}
	return fits
}

func missesExchange(set []dns.RR, exchange string) bool {
	return !slices.ContainsFunc(set, func(rr dns.RR) bool { return dnsname.Same(rr.(*dns.MX).Mx, exchange) })
}

// leaves reports whether the MX set of owner stays as it is whatever it holds:
// because of except, or because it is an untouched set itself, as in a zone that
// was transferred from a server with fakemx.
func (q *Query) leaves(z *zones.Zone, owner string, r *Reply) bool {
	return z.Except.Cover(owner, z.Apex) ||
		z.Real != "" && dnsname.FirstLabel(owner) == z.Real && (r.Msg == nil || q.exists(owner, r.Msg))
}

// replace returns m with the fakes of the decision in place round set, and with
// the addresses of the sinks, whether or not they fit.
func (q *Query) replace(m *dns.Msg, set []dns.RR, d decision) *dns.Msg {
	z, owner := d.zone, set[0].Header().Name
	// One array for both sections that change, with room for the OPT record that
	// the server adds.
	rrs := make([]dns.RR, 0, len(m.Answer)+len(z.Hosts)+len(m.Extra)+z.Glue+1)

	done := false
	for _, rr := range m.Answer {
		switch {
		case !isMX(rr) || !dnsname.Same(rr.Header().Name, owner):
			rrs = append(rrs, rr)
		case !done:
			if d.incomplete {
				set = shortened(set)
			}
			rrs = z.Fakes.AppendSet(rrs, set)
			done = true
		}
	}
	out := *m
	out.Answer = slices.Clip(rrs)
	out.Extra = appendGlue(rrs[len(rrs):], m.Extra, z)
	return &out
}

// shorten returns m with a TTL of the set of owner that is short.
func (q *Query) shorten(m *dns.Msg, owner string) *dns.Msg {
	out := *m
	out.Answer = slices.Clone(m.Answer)
	for i, rr := range out.Answer {
		if isMX(rr) && dnsname.Same(rr.Header().Name, owner) {
			out.Answer[i] = shortened([]dns.RR{rr})[0]
		}
	}
	return &out
}

// shortened returns copies of the records of an MX set, with a short TTL.
func shortened(set []dns.RR) []dns.RR {
	out := make([]dns.RR, len(set))
	for i, rr := range set {
		mx := *rr.(*dns.MX)
		mx.Hdr.Ttl = min(mx.Hdr.Ttl, shortTTL)
		out[i] = &mx
	}
	return out
}

// completeGlue adds the addresses of the sinks to an answer that has all fakes
// already, as when a backend resolved an alias through the server.
func (q *Query) completeGlue(m *dns.Msg, z *zones.Zone) *dns.Msg {
	there := 0
	for _, rr := range m.Extra {
		if isGlueOf(rr, z) {
			there++
		}
	}
	if there == z.Glue {
		return m
	}
	out := *m
	out.Extra = appendGlue(nil, m.Extra, z)
	q.fit(&out, z.Apex)
	return &out
}

// appendGlue appends the additional section extra to dst, and the addresses of
// the sinks in place of any that the zone has for these names itself.
func appendGlue(dst, extra []dns.RR, z *zones.Zone) []dns.RR {
	for _, rr := range extra {
		if !isGlueOf(rr, z) {
			dst = append(dst, rr)
		}
	}
	for i := range z.Hosts {
		dst = append(dst, z.Hosts[i].A...)
		dst = append(dst, z.Hosts[i].AAAA...)
	}
	return dst
}

// isGlueOf reports whether rr is an address at the name of a sink of z.
func isGlueOf(rr dns.RR, z *zones.Zone) bool {
	if t := rr.Header().Rrtype; t != dns.TypeA && t != dns.TypeAAAA {
		return false
	}
	return slices.ContainsFunc(z.Hosts, func(h zones.Host) bool {
		return h.Served() && dnsname.Same(h.Name, rr.Header().Name)
	})
}

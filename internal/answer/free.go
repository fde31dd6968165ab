package answer

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/coredns/coredns/plugin/metadata"
	"github.com/fakemx/fakemx/internal/dnsname"
	"github.com/fakemx/fakemx/internal/zones"
	"github.com/miekg/dns"
)

// A sink is free while the plugins behind have no A, AAAA, CNAME, MX or NS record
// of their own at its name and no zone begins there, nothing between its name and
// the apex of its zone cuts it off, and that zone is unsigned and gives a SOA
// record. What a wildcard makes up does not count, nor do exactly the addresses
// that are configured. Only then does fakemx serve it, and does a fake point to it.
type state uint8

const (
	// pending: not known, or no longer.
	pending state = iota
	// free as above.
	free
	// taken: not free, and the zone answers.
	taken
	// failing: the plugins behind do not answer, or give no SOA record.
	failing
	// withdrawn: free, and its guard keeps the fake out for now. No verdict is this.
	withdrawn
)

// verdict says whether a sink is free.
type verdict struct {
	state state
	// reason says why not.
	reason string
	// apex and serial are those of the backend's zone, "" where it was not learned.
	apex   string
	serial uint32
	// learned is when that was so, and tried when it was asked for last.
	learned, tried time.Time
	// served says that the sink has been free before.
	served bool
}

// follows returns v as what was learned after old. That nothing could be learned
// does not end at once what was known before.
func (v verdict) follows(old verdict, now time.Time) verdict {
	if v.state == failing && old.state == free {
		old.tried = now
		return old
	}
	v.learned, v.tried = now, now
	v.served = v.state == free || old.served
	return v
}

// publishAfter is how long what is learned of one sink waits for the others.
const publishAfter = 50 * time.Millisecond

// learner asks the plugins behind about the sinks of a zone, one after the other,
// and about what cuts off several only once.
type learner struct {
	e    *Editor
	ctx  *asking
	w    dns.ResponseWriter
	z    *zoneMemory
	know []verdict
	// shared are the verdicts that hold for all sinks right below a name.
	shared map[string]verdict
	// published is when what is learned was put in force last: clients do not wait
	// for one sink because another's zone is slow.
	published time.Time
	// plain says that the backend refuses EDNS, and spent that no question is left.
	plain, spent bool
}

func newLearner(q *Query, z *zoneMemory) *learner {
	return &learner{
		e:      q.e,
		ctx:    q.inside().detached(),
		w:      detach(q.w),
		z:      z,
		know:   slices.Clone(z.current(time.Now())),
		shared: make(map[string]verdict),
	}
}

// run asks about all sinks whose verdict is pending or old, as far as there are
// questions left, and puts what it learns in force.
func (l *learner) run() {
	now := time.Now()
	l.published = now
	for _, i := range l.z.sinks {
		h := &l.z.zone.Hosts[i]
		if now.Before(l.know[i].renewAt()) {
			continue
		}
		above := dnsname.Parent(h.Name)
		v, known := l.shared[above]
		if !known {
			var forAll bool
			if v, forAll = l.verdict(h); l.spent {
				break
			}
			if forAll {
				l.shared[above] = v
			}
		}
		l.know[i] = v.follows(l.know[i], time.Now())
		if time.Since(l.published) > publishAfter {
			l.publish()
		}
		if v.state != free {
			l.e.notices.NotFree(h.Name, v.reason)
		}
	}
	l.publish()
}

// publish puts what is learned so far in force.
func (l *learner) publish() {
	l.z.known.Store(newKnowledge(slices.Clone(l.know)))
	l.published = time.Now()
}

// askFor puts a question with the DO bit, or without EDNS where the backend
// refuses that. The result is nil without an answer.
func (l *learner) askFor(name string, qtype uint16) *dns.Msg {
	r := new(dns.Msg).SetQuestion(name, qtype)
	if !l.plain {
		r.SetEdns0(ednsSize, true)
	}
	m := l.put(l.w, r)
	if m != nil && m.Truncated {
		m = l.put(overTCP{l.w}, r)
	}
	if m != nil && !l.plain && refusesEDNS(m) {
		l.plain = true // and so it does not sign
		return l.askFor(name, qtype)
	}
	return m
}

func (l *learner) put(w dns.ResponseWriter, r *dns.Msg) *dns.Msg {
	if l.ctx.left.Load() <= reserved || !l.ctx.spend() {
		l.spent = true
		return nil
	}
	var ctx context.Context = l.ctx
	if l.e.metadata {
		ctx = metadata.ContextWithMetadata(ctx)
	}
	return l.e.Pass(ctx, w, r).Msg
}

// verdict learns whether a host is free. forAll says that the verdict is the same
// for all names right below its parent. Where no question is left, it is void.
func (l *learner) verdict(h *zones.Host) (v verdict, forAll bool) {
	m := l.askFor(h.Name, dns.TypeA)
	if !answers(m) {
		// The zone may be well, and only an alias in the sink's place lead nowhere.
		m = l.askFor(h.Name, dns.TypeCNAME)
	}
	switch {
	case !answers(m):
		if owner := dnameOver(l.askFor, h.Name, l.z.zone.Apex); owner != "" {
			return verdict{state: taken, reason: fmt.Sprintf("%q has a DNAME record", owner)}, true
		}
		return verdict{state: failing, reason: "the plugins behind fakemx do not answer for its zone"}, true
	case signedAt(m, h.Name):
		v = l.taken(m, h.Name, "its zone is signed behind fakemx")
		return v, v.apex != h.Name // one that begins there says nothing of the others
	case isReferral(m):
		cut := dnsname.Canonical(only(m.Ns, dns.TypeNS)[0].Header().Name)
		return l.taken(nil, dnsname.Parent(cut), fmt.Sprintf("%q is delegated", cut)), cut != h.Name
	}
	if owner := dnameAbove(m, h.Name); owner != "" {
		return l.taken(nil, owner, fmt.Sprintf("%q has a DNAME record", owner)), true
	}
	if own := l.own(h, m); len(own) > 0 {
		return l.taken(nil, h.Name, fmt.Sprintf("the zone has records of its own there (%s)", strings.Join(own, ", "))), false
	}
	soa := soaBy(l.askFor, m, h.Name)
	if soa == nil {
		return verdict{state: failing, reason: "the plugins behind fakemx do not give the SOA record of its zone"}, true
	}
	v = verdict{state: free, apex: dnsname.Canonical(soa.Hdr.Name), serial: soa.Serial}
	if v.apex == h.Name {
		v.state, v.reason = taken, "a zone begins there"
	}
	return v, false
}

// taken returns the verdict about a sink that is not free, with the version of the
// zone that name is in; m is the answer for it, if there is one.
func (l *learner) taken(m *dns.Msg, name, reason string) verdict {
	v := verdict{state: taken, reason: reason}
	if soa := soaBy(l.askFor, m, name); soa != nil {
		v.apex, v.serial = dnsname.Canonical(soa.Hdr.Name), soa.Serial
	}
	return v
}

// answers reports whether m says something of the zone.
func answers(m *dns.Msg) bool {
	return m != nil && (m.Rcode == dns.RcodeSuccess || m.Rcode == dns.RcodeNameError)
}

// own returns the types of the records that the zone has at the name of the host
// and that make it a host in use. m is the answer for its A records.
func (l *learner) own(h *zones.Host, m *dns.Msg) (found []string) {
	if noSuchName(m) {
		return nil
	}
	if !existsBy(l.askFor, h.Name, m) {
		l.warnOfWildcard(h)
		return nil
	}
	found = typesAt(m, h.Name)
	configured := sameAddresses(m, h.Name, dns.TypeA, h.A)
	if len(found) > 0 && !configured {
		return found
	}
	aaaa, mx := l.askFor(h.Name, dns.TypeAAAA), l.askFor(h.Name, dns.TypeMX)
	if aaaa == nil || mx == nil {
		return found
	}
	if configured && sameAddresses(aaaa, h.Name, dns.TypeAAAA, h.AAAA) && !ownsAny(mx.Answer, h.Name) {
		return nil
	}
	return slices.Concat(found, typesAt(aaaa, h.Name), typesAt(mx, h.Name))
}

// warnOfWildcard tells of a wildcard that answers for the host, if the host brings
// a name into being at which it would answer too.
func (l *learner) warnOfWildcard(h *zones.Host) {
	above := dnsname.Parent(h.Name)
	if above != l.z.zone.Apex && !existsBy(l.askFor, above, new(dns.Msg)) {
		l.e.notices.Wildcard(above, h.Name)
	}
}

// typesAt returns the types of the records that m has at name.
func typesAt(m *dns.Msg, name string) (types []string) {
	for _, rr := range m.Answer {
		if t := dns.TypeToString[rr.Header().Rrtype]; dnsname.Same(rr.Header().Name, name) && !slices.Contains(types, t) {
			types = append(types, t)
		}
	}
	return types
}

// sameAddresses reports whether m has at name just the addresses of records.
func sameAddresses(m *dns.Msg, name string, qtype uint16, records []dns.RR) bool {
	return slices.Equal(addresses(m.Answer, name, qtype), addresses(records, name, qtype)) && !hasAlias(m)
}

// addresses returns those of the type at name, sorted.
func addresses(rrs []dns.RR, name string, qtype uint16) (all []netip.Addr) {
	for _, rr := range rrs {
		if rr.Header().Rrtype != qtype || !dnsname.Same(rr.Header().Name, name) {
			continue
		}
		var addr netip.Addr
		switch rr := rr.(type) {
		case *dns.A:
			addr, _ = netip.AddrFromSlice(rr.A)
		case *dns.AAAA:
			addr, _ = netip.AddrFromSlice(rr.AAAA)
		}
		all = append(all, addr.Unmap())
	}
	slices.SortFunc(all, netip.Addr.Compare)
	return slices.Compact(all)
}

package fakemx

import (
	"context"
	"net"
	"slices"

	"github.com/fakemx/fakemx/internal/dnsname"
	"github.com/miekg/dns"
)

// ednsSize is the buffer size in queries that fakemx gives an OPT record: the
// size that avoids fragmentation.
const ednsSize = 1232

// reply is what the plugins below answer.
type reply struct {
	// msg is the answer that the client would get without fakemx, nil if none was
	// written: then rcode says what became of the query.
	msg   *dns.Msg
	rcode int
	err   error
	// proof is the answer for a client that wants signatures (RFC 3225), nil if it
	// cannot be had whole.
	proof *dns.Msg
}

// signed reports whether the plugins below sign. What cannot be known is taken
// to be signed.
func (r *reply) signed() bool { return r.proof == nil || hasDNSSEC(r.proof) }

// signs reports whether the plugins below sign the MX set of owner.
func (r *reply) signs(owner string) bool {
	return r.proof == nil || slices.ContainsFunc(r.proof.Answer, func(rr dns.RR) bool {
		sig, ok := rr.(*dns.RRSIG)
		return ok && sig.TypeCovered == dns.TypeMX && dnsname.Same(sig.Hdr.Name, owner)
	})
}

// ask passes the query on. It asks for signatures whether or not the client
// does, and as long as it takes to have them all: what becomes of a set must not
// depend on who asks for it, nor how.
func (q *query) ask() reply {
	ctx := q.asking()
	opt := q.r.IsEdns0()
	do := opt != nil && opt.Do()
	r := q.r
	if !do {
		r = withDO(q.r, opt)
	}
	m, rcode, err := q.f.next(ctx, q.w, r)
	if m == nil {
		return reply{rcode: rcode, err: err}
	}
	whole := m
	if m.Truncated {
		whole, _, _ = q.f.next(ctx, overTCP{q.w}, r)
	}
	known := whole != nil && !whole.Truncated
	switch {
	case do && known && !hasDNSSEC(whole):
		return reply{msg: whole, rcode: rcode, err: err, proof: whole}
	case do && known:
		return reply{msg: m, rcode: rcode, err: err, proof: whole}
	case do:
		return reply{msg: m, rcode: rcode, err: err}
	case !known, refusesEDNS(whole), hasDNSSEC(whole), slices.ContainsFunc(whole.Ns, isType(dns.TypeDS)):
		plain, rcode, err := q.f.next(ctx, q.w, q.r)
		switch {
		case known && refusesEDNS(whole):
			whole = plain
		case !known:
			whole = nil
		}
		return reply{msg: plain, rcode: rcode, err: err, proof: whole}
	}
	takeDO(whole, opt != nil)
	return reply{msg: whole, rcode: rcode, err: err, proof: whole}
}

// overTCP makes plugins below answer as to a client that asks over TCP, and
// forward ask so too.
type overTCP struct{ dns.ResponseWriter }

// RemoteAddr implements dns.ResponseWriter.
func (w overTCP) RemoteAddr() net.Addr {
	if udp, ok := w.ResponseWriter.RemoteAddr().(*net.UDPAddr); ok {
		return &net.TCPAddr{IP: udp.IP, Port: udp.Port, Zone: udp.Zone}
	}
	return w.ResponseWriter.RemoteAddr()
}

// askFor asks the plugins below a question of fakemx's own, in the terms of the
// client's query. The result is nil if they wrote nothing.
func (q *query) askFor(name string, qtype uint16) *dns.Msg {
	asked := &struct {
		msg      dns.Msg
		question [1]dns.Question
		extra    [1]dns.RR
	}{}
	asked.question[0] = dns.Question{Name: name, Qtype: qtype, Qclass: dns.ClassINET}
	asked.msg.MsgHdr, asked.msg.Question = q.r.MsgHdr, asked.question[:]
	if opt := q.r.IsEdns0(); opt != nil {
		asked.extra[0] = opt
		asked.msg.Extra = asked.extra[:]
	}
	m, _, _ := q.f.next(q.asking(), q.w, &asked.msg)
	return m
}

// asking returns the context for questions to the plugins below.
func (q *query) asking() context.Context { return context.WithValue(q.ctx, asking{}, q.f) }

// withDO returns r with the DO bit set. A TSIG covers what the client sent, not
// this, and stays behind.
func withDO(r *dns.Msg, opt *dns.OPT) *dns.Msg {
	asked := &struct {
		msg   dns.Msg
		opt   dns.OPT
		extra [1]dns.RR
	}{msg: *r}
	if opt != nil {
		asked.opt = *opt
	} else {
		asked.opt.Hdr = dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT}
		asked.opt.SetUDPSize(ednsSize)
	}
	asked.opt.SetDo()
	asked.extra[0] = &asked.opt
	asked.msg.Extra = asked.extra[:]
	return &asked.msg
}

// refusesEDNS reports whether m is how a server that does not know EDNS answers
// an OPT record, RFC 6891 section 7.
func refusesEDNS(m *dns.Msg) bool {
	return m.Rcode == dns.RcodeFormatError || m.Rcode == dns.RcodeNotImplemented
}

// takeDO makes m an answer for a client that sent no DO bit: without it, or
// without an OPT record if the client had none (RFC 6891 section 6.1.1).
func takeDO(m *dns.Msg, edns bool) {
	i := slices.IndexFunc(m.Extra, isType(dns.TypeOPT))
	if i < 0 {
		return
	}
	extra := slices.Concat(m.Extra[:i], m.Extra[i+1:])
	if edns {
		opt := *m.Extra[i].(*dns.OPT)
		opt.SetDo(false)
		extra = append(extra, &opt)
	}
	m.Extra = extra
}

func isType(rrtype uint16) func(dns.RR) bool {
	return func(rr dns.RR) bool { return rr.Header().Rrtype == rrtype }
}

func hasDNSSEC(m *dns.Msg) bool {
	return slices.ContainsFunc(m.Answer, isDNSSEC) ||
		slices.ContainsFunc(m.Ns, isDNSSEC) ||
		slices.ContainsFunc(m.Extra, isDNSSEC)
}

func isDNSSEC(rr dns.RR) bool {
	switch rr.Header().Rrtype {
	case dns.TypeRRSIG, dns.TypeNSEC, dns.TypeNSEC3:
		return true
	}
	return false
}

// noSuchName reports whether m says that the name asked for does not exist,
// rather than that a CNAME of it leads nowhere (RFC 6604 section 3).
func noSuchName(m *dns.Msg) bool {
	return m.Rcode == dns.RcodeNameError && len(m.Answer) == 0
}

// soaOf returns the SOA record of a negative answer (RFC 2308 section 2).
func soaOf(m *dns.Msg) *dns.SOA {
	if i := slices.IndexFunc(m.Ns, isType(dns.TypeSOA)); i >= 0 {
		return m.Ns[i].(*dns.SOA)
	}
	return nil
}

// soa returns the SOA record that a denial of name carries, or nil if the
// plugins below give none. m is their answer for the name, if there is one.
func (q *query) soa(m *dns.Msg, at *spot) *dns.SOA {
	if m != nil {
		if soa := soaOf(m); soa != nil && !hasAlias(m) {
			return soa
		}
	}
	// The answer was positive, or led astray by a CNAME. No zone has NULL records
	// (RFC 1035 section 3.3.10), so a query for one is denied; only at a name that
	// a CNAME wildcard covers it may not be, and then at one above.
	for name := at.name; ; name = dnsname.Parent(name) {
		if m := q.askFor(name, dns.TypeNULL); m != nil && !hasAlias(m) {
			if soa := soaOf(m); soa != nil {
				return soa
			}
		}
		if name == "." {
			return nil
		}
	}
}

func hasAlias(m *dns.Msg) bool { return slices.ContainsFunc(m.Answer, isType(dns.TypeCNAME)) }

// authority returns what the plugins below put into the authority section of a
// positive answer: the NS set of the zone, or nothing. It fails where they
// cannot give the zone's SOA.
func (q *query) authority(m *dns.Msg, at *spot) ([]dns.RR, bool) {
	if m != nil && m.Rcode == dns.RcodeSuccess && len(m.Answer) > 0 && len(m.Ns) > 0 && soaOf(m) == nil && !hasAlias(m) {
		return only(m.Ns, dns.TypeNS), true
	}
	soa := q.soa(m, at)
	if soa == nil {
		return nil, false
	}
	apex := q.askFor(soa.Hdr.Name, dns.TypeSOA)
	if apex == nil || !slices.ContainsFunc(apex.Answer, isType(dns.TypeSOA)) {
		return nil, false
	}
	return only(apex.Ns, dns.TypeNS), true
}

// only returns the records of one type. It does not copy where there are no others.
func only(rrs []dns.RR, rrtype uint16) []dns.RR {
	if !slices.ContainsFunc(rrs, func(rr dns.RR) bool { return rr.Header().Rrtype != rrtype }) {
		return rrs
	}
	var kept []dns.RR
	for _, rr := range rrs {
		if rr.Header().Rrtype == rrtype {
			kept = append(kept, rr)
		}
	}
	return kept
}

// exists reports whether the zone has the name of a node without fakemx. m is
// the answer for the node or a name below it, and not a name error: either the
// zone has the node, or a wildcard above it has answered.
func (q *query) exists(at *spot, m *dns.Msg) bool {
	for _, rr := range m.Ns {
		if h := rr.Header(); h.Rrtype == dns.TypeSOA || h.Rrtype == dns.TypeNS {
			if dnsname.Inside(dnsname.Canonical(h.Name), at.name) {
				return true // the node is at or above the apex of the zone
			}
		}
	}
	// Where the node is, this name has it or a literal *.NODE as its closest
	// encloser (RFC 4592 section 3.3.1), from which no wildcard reaches it, and does
	// not exist; where the node is not, the wildcard above answers. One literal *
	// is enough unless the zone has names like *.*.NODE; of eight, none is left.
	probe := "_fakemx.*.*.*.*.*.*.*.*." + at.name
	if !dnsname.Fits(probe) {
		return true
	}
	m = q.askFor(probe, dns.TypeCNAME)
	return m == nil || noSuchName(m) || isReferral(m) || m.Rcode != dns.RcodeSuccess && m.Rcode != dns.RcodeNameError ||
		slices.ContainsFunc(m.Answer, isType(dns.TypeDNAME))
}

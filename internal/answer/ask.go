package answer

import (
	"context"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"github.com/coredns/coredns/plugin/metadata"
	"github.com/fakemx/fakemx/internal/dnsname"
	"github.com/miekg/dns"
)

const (
	// maxQuestions is how many questions to the plugins behind one client query may
	// cause, in all server blocks that it comes by.
	maxQuestions = 64
	// reserved are those of them that learning which sinks are free leaves to what
	// the client has asked for.
	reserved = 8
	// patience is for how long a client waits in all for what fakemx asks beside
	// the client's own question.
	patience = time.Second
	// ednsSize is the buffer size in queries that fakemx gives an OPT record: the
	// size that avoids fragmentation.
	ednsSize = 1232
)

// asking is the context of what is asked for the sake of a client query. Some
// plugins follow aliases through the server, and what they ask has it too.
type asking struct {
	context.Context
	e    *Editor
	left *atomic.Int32
	// own is what left points to in the first such context of a client query.
	own atomic.Int32
}

// newAsking returns the context in which an editor asks for the sake of a query
// that came with ctx.
func newAsking(ctx context.Context, e *Editor) *asking {
	a := &asking{Context: ctx, e: e}
	left, ok := ctx.Value(leftKey{}).(*atomic.Int32)
	if !ok {
		a.own.Store(maxQuestions)
		left = &a.own
	}
	a.left = left
	return a
}

// askingKey finds the context of an editor, leftKey the number of questions that
// are left.
type (
	askingKey struct{ e *Editor }
	leftKey   struct{}
)

// Value implements context.Context.
func (a *asking) Value(key any) any {
	switch key := key.(type) {
	case askingKey:
		if key.e == a.e {
			return a
		}
	case leftKey:
		return a.left
	}
	return a.Context.Value(key)
}

// inside returns the context for questions to the plugins behind.
func (q *Query) inside() *asking {
	if q.asking == nil {
		q.asking = newAsking(q.ctx, q.e)
	}
	return q.asking
}

// detached returns the context for questions that may go on when the client has
// its answer.
func (a *asking) detached() *asking {
	return &asking{Context: context.WithoutCancel(a.Context), e: a.e, left: a.left}
}

// spend takes one question from those that are left.
func (a *asking) spend() bool { return a.left.Add(-1) >= 0 }

// pass puts the client's own question.
func (q *Query) pass() Reply { return q.e.Pass(q.ctx, q.w, q.r) }

// askFor asks the plugins behind a question of fakemx's own, in the terms of the
// client's query. The result is nil if they wrote nothing, or none is left.
func (q *Query) askFor(name string, qtype uint16) *dns.Msg {
	if !q.inside().spend() {
		return nil
	}
	return q.e.Pass(q.apart(), q.w, withQuestion(q.r, name, qtype)).Msg
}

// apart is inside for questions of fakemx's own: what they leave in the metadata
// is not the client's.
func (q *Query) apart() context.Context {
	if q.e.metadata {
		return metadata.ContextWithMetadata(q.inside())
	}
	return q.inside()
}

// withQuestion returns the query r with another question, as little else as a
// server reads: what covers the client's message, as a TSIG does, stays behind.
func withQuestion(r *dns.Msg, name string, qtype uint16) *dns.Msg {
	asked := &struct {
		msg      dns.Msg
		question [1]dns.Question
		extra    [1]dns.RR
	}{}
	asked.question[0] = dns.Question{Name: name, Qtype: qtype, Qclass: dns.ClassINET}
	asked.msg.MsgHdr, asked.msg.Question = r.MsgHdr, asked.question[:]
	if opt := r.IsEdns0(); opt != nil {
		asked.extra[0] = opt
		asked.msg.Extra = asked.extra[:]
	}
	return &asked.msg
}

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

// signed reports whether the plugins behind sign the zone of name, to a question
// for which r is the answer. What cannot be known is taken to be signed.
func (r *Reply) signed(name string) bool { return r.proof == nil || signedAt(r.proof, name) }

// signs reports whether the plugins behind sign the MX set of owner.
func (r *Reply) signs(owner string) bool {
	return slices.ContainsFunc(r.proof.Answer, func(rr dns.RR) bool {
		sig, ok := rr.(*dns.RRSIG)
		return ok && sig.TypeCovered == dns.TypeMX && dnsname.Same(sig.Hdr.Name, owner)
	})
}

// askWhole puts the query so that the answer has all signatures, whether or not
// the client asks for them: what becomes of a set must not depend on who asks for
// it, nor how. Where that gets no answer, the client's own question does.
func (q *Query) askWhole() Reply {
	q.inside().spend()
	opt := q.r.IsEdns0()
	if opt != nil && opt.Do() {
		r := q.e.Pass(q.inside(), q.w, q.r)
		if r.Msg != nil {
			r.proof = q.whole(r.Msg, q.r)
		}
		if r.proof != nil && !hasDNSSEC(r.proof) {
			r.Msg = r.proof
		}
		return r
	}
	if r, ok := q.askAgain(); ok {
		return r
	}
	r, proof := q.askWithDO(opt)
	if proof != nil && !fails(proof) && !hasDNSSEC(proof) && !slices.ContainsFunc(proof.Ns, isType(dns.TypeDS)) {
		takeDO(proof, opt != nil)
		return Reply{Msg: proof, Rcode: r.Rcode, Err: r.Err, proof: proof}
	}
	refused := r.Msg != nil && refusesEDNS(r.Msg)
	plain := q.e.Pass(q.inside(), q.w, q.r)
	plain.proof = proof
	if fails(r.Msg) && answers(plain.Msg) {
		q.home().noDO.start()
		plain.proof = nil
	}
	if refused && plain.Msg != nil && !plain.Msg.Truncated {
		plain.proof = plain.Msg // who has never heard of EDNS does not sign
	}
	return plain
}

// askWithDO puts the query with the DO bit. The proof is the whole answer, nil if
// that cannot be had.
func (q *Query) askWithDO(opt *dns.OPT) (r Reply, proof *dns.Msg) {
	home := q.home()
	if home.noDO.holds() {
		return r, nil
	}
	asked := withDO(q.r, opt)
	if home.prompt.Load() {
		r = q.e.Pass(q.inside(), q.w, asked)
	} else {
		r = q.within(detach(q.w), asked)
	}
	home.prompt.Store(r.Msg != nil)
	if r.Msg == nil {
		return r, nil
	}
	proof = q.whole(r.Msg, asked)
	if proof != nil && refusesEDNS(proof) {
		proof = nil
	}
	return r, proof
}

// fails reports whether m is no answer at all, or a failure.
func fails(m *dns.Msg) bool {
	return m == nil || m.Rcode == dns.RcodeServerFailure || m.Rcode == dns.RcodeRefused
}

// whole returns m, or where that is truncated the answer to the same query over
// TCP. It is nil if there is none.
func (q *Query) whole(m, asked *dns.Msg) *dns.Msg {
	if !m.Truncated {
		return m
	}
	home := q.home()
	if home.noTCP.holds() || !q.inside().spend() {
		return nil
	}
	if r := q.within(overTCP{detach(q.w)}, asked); r.Msg != nil && !r.Msg.Truncated {
		return r.Msg
	}
	home.noTCP.start()
	return nil
}

// home returns what is remembered of the zone of the name.
func (q *Query) home() *zoneMemory {
	if q.at.Stanza != nil {
		return q.e.memory.of(q.at.Match)
	}
	return &q.e.memory.elsewhere
}

// wait is the time that a client has for what fakemx asks.
type wait struct {
	until time.Time
	// most is patience where it is 0.
	most time.Duration
}

func (w *wait) patience() time.Duration {
	if w.most > 0 {
		return w.most
	}
	return patience
}

// left returns how much longer the client may wait, from the first time on.
func (w *wait) left() time.Duration {
	if w.until.IsZero() {
		w.until = time.Now().Add(w.patience())
	}
	return time.Until(w.until)
}

// within puts the query asked for a client w that may be gone before there is an
// answer. The reply is empty if the client has waited long enough.
func (q *Query) within(w dns.ResponseWriter, asked *dns.Msg) Reply {
	e, name, ctx := q.e, q.name, q.inside().detached()
	reply := make(chan Reply, 1)
	go func() {
		defer close(reply)
		defer e.recovered(name)
		reply <- e.Pass(ctx, w, asked)
	}()
	timer := time.NewTimer(q.wait.left())
	defer timer.Stop()
	select {
	case r := <-reply:
		return r
	case <-timer.C:
		return Reply{}
	}
}

// recovered keeps a plugin that fails in a goroutine of fakemx from ending the
// process; in one of the server's own the server does that.
func (e *Editor) recovered(about string) {
	if cause := recover(); cause != nil {
		e.notices.Panic(about, cause)
	}
}

// detached is a client whose connection may be closed.
type detached struct {
	dns.ResponseWriter
	local, remote net.Addr
}

func detach(w dns.ResponseWriter) dns.ResponseWriter {
	return &detached{local: w.LocalAddr(), remote: w.RemoteAddr()}
}

// The methods implement dns.ResponseWriter.
func (d *detached) LocalAddr() net.Addr         { return d.local }
func (d *detached) RemoteAddr() net.Addr        { return d.remote }
func (d *detached) WriteMsg(*dns.Msg) error     { return nil }
func (d *detached) Write(b []byte) (int, error) { return len(b), nil }
func (d *detached) Close() error                { return nil }
func (d *detached) TsigStatus() error           { return nil }
func (d *detached) TsigTimersOnly(bool)         {}
func (d *detached) Hijack()                     {}

// overTCP makes plugins behind answer as to a client that asks over TCP, and
// forward ask so too.
type overTCP struct{ dns.ResponseWriter }

// RemoteAddr implements dns.ResponseWriter.
func (w overTCP) RemoteAddr() net.Addr {
	addr := w.ResponseWriter.RemoteAddr()
	if wrapped, ok := addr.(interface{ Unwrap() net.Addr }); ok { // as by proxyproto
		addr = wrapped.Unwrap()
	}
	if udp, ok := addr.(*net.UDPAddr); ok {
		return &net.TCPAddr{IP: udp.IP, Port: udp.Port, Zone: udp.Zone}
	}
	return addr
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

// soa is soaBy for the client's query.
func (q *Query) soa(m *dns.Msg, name string) *dns.SOA { return soaBy(q.askFor, m, name) }

// exists is existsBy for the client's query.
func (q *Query) exists(name string, m *dns.Msg) bool { return existsBy(q.askFor, name, m) }

// soaBy returns the SOA record that a denial of name carries, or nil if the
// plugins behind give none. m is their answer for the name, if there is one.
func soaBy(ask func(name string, qtype uint16) *dns.Msg, m *dns.Msg, name string) *dns.SOA {
	if m != nil && denies(m) {
		return soaOf(m)
	}
	// The answer was positive, or led astray by a CNAME. Hardly a name has a DNAME
	// record, so a query for one is denied; only at a name that a CNAME wildcard
	// covers it may not be, and then at one above.
	for ; ; name = dnsname.Parent(name) {
		if m := ask(name, dns.TypeDNAME); m != nil && denies(m) {
			return soaOf(m)
		}
		if name == "." {
			return nil
		}
	}
}

// existsBy reports whether the zone has name without fakemx. m is the answer for
// the name or one below it, and not a name error: either the zone has the name,
// or a wildcard above it has answered.
//
// Where the name is, _fakemx.*.NAME has it or a literal *.NAME as its closest
// encloser (RFC 4592 section 3.3.1), from which no wildcard reaches it, and does
// not exist; where the name is not, the wildcard above answers. In the zone
//
//	*.example.org.       MX 10 mail.example.org.
//	www.example.org.     A  192.0.2.80
//	*.www.example.org.   TXT "a wildcard below www"
//
// _fakemx.*.www is a name error, so www exists, and _fakemx.*.nothing is not. A
// zone may have *.*.www, too, from which a wildcard would reach _fakemx.*.www: of
// eight stars, none is left.
func existsBy(ask func(name string, qtype uint16) *dns.Msg, name string, m *dns.Msg) bool {
	for _, rr := range m.Ns {
		if h := rr.Header(); h.Rrtype == dns.TypeSOA || h.Rrtype == dns.TypeNS {
			if dnsname.Inside(dnsname.Canonical(h.Name), name) {
				return true // the name is at or above the apex of the zone
			}
		}
	}
	probe := "_fakemx.*.*.*.*.*.*.*.*." + name
	if !dnsname.Fits(probe) {
		return true
	}
	m = ask(probe, dns.TypeCNAME)
	return !answers(m) || noSuchName(m) || isReferral(m) || slices.ContainsFunc(m.Answer, isType(dns.TypeDNAME))
}

// dnameOver returns the owner of a DNAME record between name and the apex, "" if
// there is none. One that leads in circles shows in no answer for name.
func dnameOver(ask func(name string, qtype uint16) *dns.Msg, name, apex string) string {
	for dnsname.Below(name, apex) {
		name = dnsname.Parent(name)
		if m := ask(name, dns.TypeDNAME); m != nil && owns(m.Answer, name, dns.TypeDNAME) {
			return name
		}
	}
	return ""
}

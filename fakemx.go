// Package fakemx is a CoreDNS plugin for no-listing: it puts synthetic MX
// records round the real ones of a domain and answers for the hosts they point
// to, without a change to the zone.
//
// A sender tries the MX records of a domain in the order of their preference
// numbers (RFC 5321 section 5.1). A lowest fake is tried first by honest
// senders, who are refused at once and move on, and by spam bots that try only
// the first. A highest fake is tried last by honest senders, which is never
// while a real host is up, and first by the many bots that take the last MX for
// the one with the weakest filter. Bots that do not move on are gone.
//
// The plugin works on answers on their way up: [Inject], a pure function, makes
// the new MX set, and everything else is about where it may be used and about
// what a zone would say in which somebody had typed the fakes and their sink
// hosts. That hand-edited zone is what every answer is measured by.
package fakemx

import (
	"context"
	"slices"
	"sync/atomic"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/transfer"
	"github.com/fakemx/fakemx/internal/dnsname"
	"github.com/miekg/dns"
	ot "github.com/opentracing/opentracing-go"
)

const name = "fakemx"

// FakeMX is the plugin's handler, one for each server block.
type FakeMX struct {
	Next plugin.Handler

	zones   *zones
	signer  signer
	notices notices
	seen    seen
	// verdicts are those of the last moments, by the name of the sink.
	verdicts bounded[string, verdict]
	// counters are those of the last query.
	counters atomic.Pointer[counters]
	// transferers are the plugins below that can transfer a zone.
	transferers []transfer.Transferer
}

// Name implements plugin.Handler.
func (f *FakeMX) Name() string { return name }

// ServeDNS implements plugin.Handler.
func (f *FakeMX) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	growStack(0)
	if !answerable(r) {
		return plugin.NextOrFailure(name, f.Next, ctx, w, r)
	}
	m, rcode, err := f.answer(ctx, w, r)
	if m == nil {
		return rcode, err
	}
	if failed := w.WriteMsg(m); failed != nil && err == nil {
		err = plugin.Error(name, failed)
	}
	return rcode, err
}

// answer returns the message to write, or none: then the rcode and the error
// are those of a handler that wrote nothing.
func (f *FakeMX) answer(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (*dns.Msg, int, error) {
	if ctx.Value(asking{}) == f {
		return f.next(ctx, w, r)
	}
	q := query{f: f, ctx: ctx, w: w, r: r}
	q.name, q.qtype = dnsname.Canonical(r.Question[0].Name), r.Question[0].Qtype
	m, rcode, err := q.edited()
	if m != nil {
		m = q.shortenDenial(m)
	}
	return m, rcode, err
}

// asking is the key, and a handler the value, in the context of what the handler
// asks the plugins below. Some of them follow aliases through the server: what
// then comes by the handler again passes as it is, or each step of an alias that
// leads in circles would multiply the questions.
type asking struct{}

// answerable reports whether r is a query whose answer fakemx may have a part
// in. Transfers are not: they go through Transfer.
func answerable(r *dns.Msg) bool {
	if r.Opcode != dns.OpcodeQuery || len(r.Question) != 1 {
		return false
	}
	q := &r.Question[0]
	return q.Qclass == dns.ClassINET && q.Qtype != dns.TypeAXFR && q.Qtype != dns.TypeIXFR
}

// next passes r on, and returns what the plugins below write instead of writing
// it. Without a message the rcode says what became of r, as for a handler.
func (f *FakeMX) next(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (*dns.Msg, int, error) {
	c := &capture{ResponseWriter: w}
	var rcode int
	var err error
	if f.Next == nil || ot.SpanFromContext(ctx) != nil {
		rcode, err = plugin.NextOrFailure(name, f.Next, ctx, c, r)
	} else {
		// All else that NextOrFailure does is to wrap the writer, for a plugin
		// directly above that asks who wrote. Here that is capture, which does not.
		rcode, err = f.Next.ServeDNS(ctx, c, r)
	}
	if c.msg == nil && c.wrote {
		return nil, dns.RcodeServerFailure, err
	}
	if c.msg != nil {
		clip(c.msg)
	}
	return c.msg, rcode, err
}

// capture keeps the message that is written to it.
type capture struct {
	dns.ResponseWriter
	msg   *dns.Msg
	wrote bool
}

// WriteMsg implements dns.ResponseWriter.
func (c *capture) WriteMsg(m *dns.Msg) error {
	c.msg, c.wrote = m, true
	return nil
}

// clip takes the spare capacity from the sections of m. A backend may answer
// with slices of its own zone data; a plugin above that appends to one, as
// dnssec does, would write into the zone that all queries share.
func clip(m *dns.Msg) {
	for _, section := range [3]*[]dns.RR{&m.Answer, &m.Ns, &m.Extra} {
		if cap(*section) > len(*section) {
			*section = slices.Clip(*section)
		}
	}
}

package fakemx

import (
	"context"
	"net"
	"slices"
	"time"

	"github.com/fakemx/fakemx/internal/dnsname"
	"github.com/fakemx/fakemx/internal/inject"
	"github.com/miekg/dns"
)

// recheck is for how long it is remembered whether a sink can be served.
const recheck = 5 * time.Second

// verdict says whether a sink can be served.
type verdict struct {
	servable bool
	expires  time.Time
}

// servable returns z without the fakes whose sinks would have no address: sinks
// in another zone than the MX set, which is signed below fakemx, or is down.
// Some senders bounce mail when an MX host has no address. authority is from
// the answer with the set. It is lasting that nothing was taken away if no sink
// is in another zone.
func (f *FakeMX) servable(z *zone, authority []dns.RR) (reduced *zone, lasting bool) {
	apex := z.apex
	if i := slices.IndexFunc(authority, isType(dns.TypeNS)); i >= 0 {
		apex = dnsname.Canonical(authority[i].Header().Name)
	}
	lasting = true
	for i := range z.hosts {
		switch h := &z.hosts[i]; {
		case h.in(apex):
		case f.hostServable(h):
			lasting = false
		default:
			return f.reduced(z, apex), false
		}
	}
	return z, lasting
}

// in reports whether the host is in the zone apex, which has just answered and is
// not signed, or has its addresses from others.
func (h *host) in(apex string) bool {
	return len(h.a)+len(h.aaaa) == 0 || dnsname.Inside(h.name, apex)
}

// reduced does what servable does once it is known that a fake has to go.
func (f *FakeMX) reduced(z *zone, apex string) *zone {
	out := &zone{stanza: z.stanza, apex: z.apex, fakes: inject.Fakes{Step: z.fakes.Step}}
	for i := range z.hosts {
		h := &z.hosts[i]
		if !h.in(apex) && !f.hostServable(h) {
			f.notices.unservable(z.apex, h.name)
			continue
		}
		out.hosts = append(out.hosts, *h)
		out.glue += len(h.a) + len(h.aaaa)
		if i < len(z.fakes.Lowest) {
			out.fakes.Lowest = append(out.fakes.Lowest, h.name)
		} else {
			out.fakes.Highest = append(out.fakes.Highest, h.name)
		}
	}
	return out
}

// hostServable reports whether fakemx can answer for the host.
func (f *FakeMX) hostServable(h *host) bool {
	if v, ok := f.verdicts.load(h.name); ok && time.Now().Before(v.expires) {
		return v.servable
	}
	ok := f.answersFor(h)
	f.verdicts.store(h.name, verdict{ok, time.Now().Add(recheck)})
	return ok
}

// answersFor asks fakemx itself for an address of the host.
func (f *FakeMX) answersFor(h *host) bool {
	qtype := dns.TypeA
	if len(h.a) == 0 {
		qtype = dns.TypeAAAA
	}
	r := new(dns.Msg).SetQuestion(h.name, qtype)
	q := query{f: f, ctx: context.Background(), w: nobody{}, r: r, name: h.name, qtype: qtype}
	var at spot
	if !f.zones.node(h.name, &at) {
		return false
	}
	below := q.ask()
	m, ok := q.answerAt(&at, &below)
	return ok && m.Rcode == dns.RcodeSuccess && len(m.Answer) > 0
}

// nobody is the client of questions that fakemx has itself.
type nobody struct{ dns.ResponseWriter }

func (nobody) LocalAddr() net.Addr         { return &net.UDPAddr{} }
func (nobody) RemoteAddr() net.Addr        { return &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)} }
func (nobody) WriteMsg(*dns.Msg) error     { return nil }
func (nobody) Write(b []byte) (int, error) { return len(b), nil }

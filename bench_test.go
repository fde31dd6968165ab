package fakemx

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/plugin"
	clog "github.com/coredns/coredns/plugin/pkg/log"
	"github.com/fakemx/fakemx/internal/config"
	"github.com/fakemx/fakemx/internal/zones"
	"github.com/miekg/dns"
)

// discard is a response writer that costs nothing.
type discard struct {
	dns.ResponseWriter
	remote net.Addr
}

func (d *discard) WriteMsg(*dns.Msg) error { return nil }
func (d *discard) RemoteAddr() net.Addr    { return d.remote }
func (d *discard) LocalAddr() net.Addr     { return d.remote }

func newDiscard() *discard { return &discard{remote: &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}} }

// backend answers like file: a new message with slices of the zone's own data.
type backend struct {
	answers map[dns.Question]dns.Msg
	denial  dns.Msg
}

func (b *backend) Name() string { return "backend" }

func (b *backend) ServeDNS(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	m := new(dns.Msg)
	*m = b.denial
	if answer, ok := b.answers[r.Question[0]]; ok {
		*m = answer
	}
	m.Id, m.Question = r.Id, r.Question
	return dns.RcodeSuccess, w.WriteMsg(m)
}

func question(name string, qtype uint16) dns.Question {
	return dns.Question{Name: name, Qtype: qtype, Qclass: dns.ClassINET}
}

func records(tb testing.TB, text string) []dns.RR {
	tb.Helper()
	var rrs []dns.RR
	zp := dns.NewZoneParser(strings.NewReader(text), "example.org.", "")
	zp.SetDefaultTTL(3600)
	for rr, ok := zp.Next(); ok; rr, ok = zp.Next() {
		rrs = append(rrs, rr)
	}
	if err := zp.Err(); err != nil {
		tb.Fatal(err)
	}
	return rrs
}

// zoneWith is a backend for example.org with so many MX records.
func zoneWith(tb testing.TB, sets int) *backend {
	tb.Helper()
	header := dns.MsgHdr{Response: true, Authoritative: true}
	soa := records(tb, "@ SOA ns1 hostmaster 1 7200 900 1209600 300\n")
	ns := records(tb, "@ NS ns1\n@ NS ns2\n")
	var mx, glue strings.Builder
	for i := range sets {
		fmt.Fprintf(&mx, "@ MX %d mail%d\n", 10+i, i)
		fmt.Fprintf(&glue, "mail%d A 192.0.2.10\nmail%d AAAA 2001:db8::10\n", i, i)
	}
	denial := dns.Msg{MsgHdr: header, Ns: soa}
	denial.Rcode = dns.RcodeNameError
	return &backend{
		answers: map[dns.Question]dns.Msg{
			question("example.org.", dns.TypeMX):    {MsgHdr: header, Answer: records(tb, mx.String()), Ns: ns, Extra: records(tb, glue.String())},
			question("example.org.", dns.TypeSOA):   {MsgHdr: header, Answer: soa, Ns: ns},
			question("www.example.org.", dns.TypeA): {MsgHdr: header, Answer: records(tb, "www A 192.0.2.80\n"), Ns: ns},
		},
		denial: denial,
	}
}

func newHandlerOf(tb testing.TB, corefile string, next plugin.Handler) *FakeMX {
	tb.Helper()
	f := newHandler(zones.New(stanzasOf(tb, corefile)))
	f.answers.Next = next
	return f
}

func stanzasOf(tb testing.TB, corefile string) []*config.Stanza {
	tb.Helper()
	stanzas, err := config.Parse(caddy.NewTestController("dns", corefile))
	if err != nil {
		tb.Fatal(err)
	}
	return stanzas
}

// fakesOf is a stanza with so many fakes: one lowest, the others highest.
func fakesOf(count int) string {
	stanza := "fakemx example.org {\nlowest fake0.mx 192.0.2.1 2001:db8::1\n"
	if count > 1 {
		stanza += fmt.Sprintf("highest decoy[1-%d].mx 192.0.2.2\n", count-1)
	}
	return stanza + "}"
}

// resolver is a query as resolvers ask it.
func resolver(name string, qtype uint16) *dns.Msg {
	return new(dns.Msg).SetQuestion(name, qtype).SetEdns0(1232, true)
}

func serve(b *testing.B, h plugin.Handler, r *dns.Msg) {
	b.Helper()
	// A warning, as about 20 MX records, would go into the line that benchstat reads.
	clog.Discard()
	ctx, w := context.Background(), newDiscard()
	b.ReportAllocs()
	for b.Loop() {
		if rcode, err := h.ServeDNS(ctx, w, r); rcode != dns.RcodeSuccess || err != nil {
			b.Fatal(rcode, err)
		}
	}
}

// bare is the plugin that does nothing, to measure against.
type bare struct{ next plugin.Handler }

func (p *bare) Name() string { return "bare" }

func (p *bare) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	return plugin.NextOrFailure("bare", p.next, ctx, w, r)
}

// What fakemx costs is the difference to /none: the same answer without it.
func BenchmarkInjection(b *testing.B) {
	for _, real := range []int{1, 2, 5, 20} {
		next := zoneWith(b, real)
		b.Run(fmt.Sprintf("real=%d/none", real), func(b *testing.B) {
			serve(b, &bare{next}, resolver("example.org.", dns.TypeMX))
		})
		for _, fakes := range []int{1, 2, 3, 6} {
			b.Run(fmt.Sprintf("real=%d/fakes=%d", real, fakes), func(b *testing.B) {
				serve(b, newHandlerOf(b, fakesOf(fakes), next), resolver("example.org.", dns.TypeMX))
			})
		}
	}
}

// Without EDNS there are 512 octets, and whether the glue fits is a closer call.
func BenchmarkInjectionWithoutEDNS(b *testing.B) {
	next := zoneWith(b, 2)
	r := new(dns.Msg).SetQuestion("example.org.", dns.TypeMX)
	b.Run("none", func(b *testing.B) { serve(b, &bare{next}, r) })
	b.Run("fakes=3", func(b *testing.B) { serve(b, newHandlerOf(b, fakesOf(3), next), r) })
}

// anew is a backend that makes its MX records for each answer, as forward does.
type anew struct{ *backend }

func (a *anew) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	return a.backend.ServeDNS(ctx, &copying{w}, r)
}

type copying struct{ dns.ResponseWriter }

func (c *copying) WriteMsg(m *dns.Msg) error {
	set := make([]dns.RR, len(m.Answer))
	for i, rr := range m.Answer {
		set[i] = dns.Copy(rr)
	}
	m.Answer = set
	return c.ResponseWriter.WriteMsg(m)
}

func BenchmarkInjectionIntoRecordsMadeAnew(b *testing.B) {
	next := &anew{zoneWith(b, 2)}
	r := resolver("example.org.", dns.TypeMX)
	b.Run("none", func(b *testing.B) { serve(b, &bare{next}, r) })
	b.Run("fakes=3", func(b *testing.B) { serve(b, newHandlerOf(b, fakesOf(3), next), r) })
}

func BenchmarkInjectionInAListedZone(b *testing.B) {
	stanzas := stanzasOf(b, fakesOf(3))
	listed := *stanzas[0]
	listed.Zones = nil
	z := zones.New([]*config.Stanza{&listed})
	z.SetLists([]*config.List{config.NewList(&listed, []string{"example.org."})})
	h := newHandler(z)
	h.answers.Next = zoneWith(b, 2)
	serve(b, h, resolver("example.org.", dns.TypeMX))
}

func BenchmarkPassThrough(b *testing.B) {
	next := zoneWith(b, 2)
	b.Run("none", func(b *testing.B) { serve(b, &bare{next}, resolver("www.example.org.", dns.TypeA)) })
	b.Run("fakemx", func(b *testing.B) {
		serve(b, newHandlerOf(b, fakesOf(3), next), resolver("www.example.org.", dns.TypeA))
	})
}

func BenchmarkSink(b *testing.B) {
	next := zoneWith(b, 2)
	for _, fakes := range []int{3, 50} {
		h := newHandlerOf(b, fakesOf(fakes), next)
		b.Run(fmt.Sprintf("fakes=%d/A", fakes), func(b *testing.B) { serve(b, h, resolver("fake0.mx.example.org.", dns.TypeA)) })
		b.Run(fmt.Sprintf("fakes=%d/NODATA", fakes), func(b *testing.B) { serve(b, h, resolver("fake0.mx.example.org.", dns.TypeTXT)) })
	}
}

package answer

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/plugin/pkg/nonwriter"
	"github.com/fakemx/fakemx/internal/config"
	"github.com/fakemx/fakemx/internal/dnsname"
	"github.com/fakemx/fakemx/internal/zones"
	"github.com/miekg/dns"
)

// backend is a plugin behind: a zone for each apex, and what it was asked.
type backend struct {
	// server is asked for the target of an alias, as file asks the server.
	server func(ctx context.Context, w dns.ResponseWriter, r *dns.Msg)
	// before, if not nil, may answer in place of the zones.
	before func(w dns.ResponseWriter, r *dns.Msg) (int, bool)

	mu     sync.Mutex
	zones  map[string][]dns.RR
	asked  []string
	serial uint32
}

func newBackend(t testing.TB, texts map[string]string) *backend {
	t.Helper()
	b := &backend{zones: make(map[string][]dns.RR), serial: 1}
	for apex, text := range texts {
		b.load(t, apex, text)
	}
	return b
}

// load puts a zone in force, in another version.
func (b *backend) load(t testing.TB, apex, text string) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.serial++
	head := fmt.Sprintf("$ORIGIN %s\n$TTL 3600\n@ IN SOA ns hostmaster %d 1 1 1 300\n@ IN NS ns.provider.invalid.\n", apex, b.serial)
	var rrs []dns.RR
	p := dns.NewZoneParser(strings.NewReader(head+strings.ReplaceAll(text, "\t", " ")), "", "")
	for rr, ok := p.Next(); ok; rr, ok = p.Next() {
		rrs = append(rrs, rr)
	}
	if err := p.Err(); err != nil {
		t.Fatal(err)
	}
	b.zones[apex] = rrs
}

// questions returns what was asked since the last call.
func (b *backend) questions() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	asked := b.asked
	b.asked = nil
	return asked
}

func (b *backend) Name() string { return "backend" }

func (b *backend) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	q := r.Question[0]
	b.mu.Lock()
	b.asked = append(b.asked, q.Name+" "+dns.TypeToString[q.Qtype])
	before := b.before
	b.mu.Unlock()
	if before != nil {
		if rcode, ok := before(w, r); ok {
			return rcode, nil
		}
	}
	m, target := b.answer(r)
	if m == nil {
		return dns.RcodeServerFailure, nil
	}
	if target != "" && b.server != nil {
		c := nonwriter.New(w)
		b.server(ctx, c, retarget(r, target, q.Qtype))
		if c.Msg != nil {
			m.Answer = append(m.Answer, c.Msg.Answer...)
		}
	}
	return dns.RcodeSuccess, w.WriteMsg(m)
}

// answer answers from the most specific zone, without wildcards and cuts.
func (b *backend) answer(r *dns.Msg) (m *dns.Msg, target string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	q, name := r.Question[0], dnsname.Canonical(r.Question[0].Name)
	apex := ""
	for zone := range b.zones {
		if dnsname.Inside(name, zone) && len(zone) > len(apex) {
			apex = zone
		}
	}
	if apex == "" {
		return nil, ""
	}
	m = new(dns.Msg).SetReply(r)
	m.Authoritative, m.Rcode = true, dns.RcodeNameError
	zone := b.zones[apex]
	for _, rr := range zone {
		if dnsname.Inside(dnsname.Canonical(rr.Header().Name), name) {
			m.Rcode = dns.RcodeSuccess
		}
		if !dnsname.Same(rr.Header().Name, name) {
			continue
		}
		cname, alias := rr.(*dns.CNAME)
		if rr.Header().Rrtype == q.Qtype || alias {
			m.Answer = append(m.Answer, rr)
		}
		if alias && q.Qtype != dns.TypeCNAME {
			target = cname.Target
		}
	}
	if len(m.Answer) > 0 {
		m.Ns = zone[1:2]
	} else {
		m.Ns = zone[:1]
	}
	if opt := r.IsEdns0(); opt != nil {
		m.SetEdns0(4096, opt.Do())
	}
	return m, target
}

// client is a client over UDP.
type client struct{ dns.ResponseWriter }

func (client) LocalAddr() net.Addr  { return &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 53} }
func (client) RemoteAddr() net.Addr { return &net.UDPAddr{IP: net.IPv4(192, 0, 2, 200), Port: 4000} }

// editor returns the editor of a stanza over a backend.
func editor(t testing.TB, corefile string, b *backend) *Editor {
	t.Helper()
	stanzas, err := config.Parse(caddy.NewTestController("dns", corefile))
	if err != nil {
		t.Fatal(err)
	}
	e := New(zones.New(stanzas))
	e.SetFront(nil, false)
	e.Next = b
	return e
}

// serve answers a query as the plugin does.
func (e *Editor) serve(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) Reply {
	if q, ok := e.Query(ctx, w, r); ok {
		return q.Edit(q.Ask())
	}
	return e.Pass(ctx, w, r)
}

func ask(t testing.TB, e *Editor, name string, qtype uint16) *dns.Msg {
	t.Helper()
	reply := e.serve(t.Context(), client{}, new(dns.Msg).SetQuestion(dns.Fqdn(name), qtype))
	if reply.Msg == nil {
		t.Fatalf("%s %s: got no answer and rcode %d", name, dns.TypeToString[qtype], reply.Rcode)
	}
	return reply.Msg
}

// exchanges returns those of an answer, in the order of their preferences as
// answered.
func exchanges(m *dns.Msg) string {
	var names []string
	for _, rr := range m.Answer {
		if mx, ok := rr.(*dns.MX); ok {
			names = append(names, strings.TrimSuffix(mx.Mx, ".example.org."))
		}
	}
	return strings.Join(names, " ")
}

func want(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

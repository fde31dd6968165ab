package oracle

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"

	"github.com/miekg/dns"
)

// A server is a running CoreDNS. It is asked over its sockets, or, to ask
// hundreds of thousands of questions in little time, behind them: there a
// question goes into the running dnsserver.Server as its sockets would hand it
// over, and the answer comes out as the octets that they would send.
type server struct {
	udp, tcp string
	inside   *dnsserver.Server
}

// patience is how long an answer may take: loopback, but a machine that is busy.
const patience = 10 * time.Second

// serve starts a CoreDNS with all zones of all worlds.
func serve(t testing.TB, worlds []*world, withFakemx bool) *server {
	t.Helper()
	dir := t.TempDir()
	var corefile strings.Builder
	for _, w := range worlds {
		path := func(b, z int) string {
			return filepath.Join(dir, fmt.Sprintf("%d-%d-%d", w.seed, b, z))
		}
		for i, b := range w.blocks {
			for j, z := range b.zones {
				if err := os.WriteFile(path(i, j), []byte(z.text()), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
		corefile.WriteString(w.corefile(path, withFakemx))
	}
	s, err := start(t, corefile.String())
	if err != nil {
		for _, w := range worlds {
			if strings.Contains(err.Error(), fmt.Sprintf("%s%c%d-", dir, filepath.Separator, w.seed)) {
				t.Logf("seed %d\n%s", w.seed, w)
			}
		}
		t.Fatal(err)
	}
	return s
}

// introduction is a zone of its own on the same listener. Its only plugin sends
// the server that asks it down the channel introduced.
const introduction = "introduction.invalid."

var introduced = make(chan *dnsserver.Server, 1)

func start(t testing.TB, corefile string) (*server, error) {
	t.Helper()
	instance, err := caddy.Start(caddy.CaddyfileInput{
		Filepath:       "Corefile",
		Contents:       fmt.Appendf(nil, "%s:0 {\n\tbind 127.0.0.1\n\t%s\n}\n%s", introduction, introducer{}.Name(), corefile),
		ServerTypeName: "dns",
	})
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() {
		instance.ShutdownCallbacks()
		if err := instance.Stop(); err != nil {
			t.Errorf("stopping CoreDNS: %v", err)
		}
	})
	listener := instance.Servers()[0]
	s := &server{udp: listener.LocalAddr().String(), tcp: listener.Addr().String()}
	client := &dns.Client{Timeout: patience}
	if _, _, err := client.Exchange(new(dns.Msg).SetQuestion(introduction, dns.TypeNULL), s.udp); err != nil {
		return nil, err
	}
	select {
	case s.inside = <-introduced:
		return s, nil
	case <-time.After(patience): // another process has the port, too
		return nil, fmt.Errorf("server %s does not answer what it is asked", s.udp)
	}
}

type introducer struct{}

func (introducer) Name() string { return "introduce" }

func (introducer) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	introduced <- ctx.Value(dnsserver.Key{}).(*dnsserver.Server)
	return dns.RcodeSuccess, w.WriteMsg(new(dns.Msg).SetReply(r))
}

func init() {
	plugin.Register(introducer{}.Name(), func(c *caddy.Controller) error {
		for c.Next() {
		}
		dnsserver.GetConfig(c).AddPlugin(func(plugin.Handler) plugin.Handler { return introducer{} })
		return nil
	})
}

// ask returns the octets of the answer to q, got behind the sockets. There are
// none if the server does not answer.
func (s *server) ask(q question) ([]byte, error) {
	query, err := q.pack()
	if err != nil {
		return nil, err
	}
	r := new(dns.Msg)
	if err := r.Unpack(query); err != nil {
		return nil, err
	}
	w := &client{tcp: q.tcp}
	ctx := context.WithValue(context.Background(), dnsserver.Key{}, s.inside)
	ctx = context.WithValue(ctx, dnsserver.LoopKey{}, 0)
	s.inside.ServeDNS(ctx, w, r)
	if w.err != nil {
		return nil, w.err
	}
	switch len(w.sent) {
	case 0:
		return nil, nil
	case 1:
		return w.sent[0], nil
	}
	return nil, fmt.Errorf("%d answers sent, want one at most", len(w.sent))
}

// askSocket returns the octets of the answer to q, got over the network.
func (s *server) askSocket(q question) ([]byte, error) {
	query, err := q.pack()
	if err != nil {
		return nil, err
	}
	network, address := "udp", s.udp
	if q.tcp {
		network, address = "tcp", s.tcp
	}
	conn, err := dns.DialTimeout(network, address, patience)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	conn.UDPSize = dns.MaxMsgSize - 1
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	if _, err := conn.Write(query); err != nil {
		return nil, err
	}
	return conn.ReadMsgHeader(nil)
}

// A client is the far end of one question asked behind the sockets.
type client struct {
	tcp  bool
	sent [][]byte
	err  error
}

func (c *client) LocalAddr() net.Addr  { return c.addr(53) }
func (c *client) RemoteAddr() net.Addr { return c.addr(40000) }

func (c *client) addr(port int) net.Addr {
	ip := net.IPv4(127, 0, 0, 1)
	if c.tcp {
		return &net.TCPAddr{IP: ip, Port: port}
	}
	return &net.UDPAddr{IP: ip, Port: port}
}

func (c *client) WriteMsg(m *dns.Msg) error {
	wire, err := m.Pack()
	if err != nil {
		c.err = err
		return err
	}
	_, err = c.Write(wire)
	return err
}

func (c *client) Write(wire []byte) (int, error) {
	c.sent = append(c.sent, wire)
	return len(wire), nil
}

func (c *client) Close() error        { return nil }
func (c *client) TsigStatus() error   { return nil }
func (c *client) TsigTimersOnly(bool) {}
func (c *client) Hijack()             {}

package fakemx_test

import (
	"context"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fakemx/fakemx"
	"github.com/fakemx/fakemx/internal/servertest"
	"github.com/fakemx/fakemx/internal/watch"
	"github.com/miekg/dns"
)

// port25 is what port 25 of each address does: "refuse", "accept", "greet", and
// nothing at all for others.
type port25 struct {
	mu sync.Mutex
	by map[string]string
}

func newPort25(t *testing.T) *port25 {
	t.Helper()
	p := &port25{by: map[string]string{"203.0.113.1": "refuse", "203.0.113.25": "greet"}}
	fakemx.WatchBy(t, p.dial)
	return p
}

func (p *port25) set(addr, behaviour string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.by[addr] = behaviour
}

func (p *port25) dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	p.mu.Lock()
	behaviour := p.by[to.Addr().String()]
	p.mu.Unlock()
	switch behaviour {
	case "refuse":
		return nil, watch.ErrRefused
	case "accept", "greet":
		here, there := net.Pipe()
		go func() {
			defer there.Close()
			if behaviour == "greet" {
				_, _ = io.WriteString(there, "220 mx.example.org ESMTP\r\n")
			}
			_, _ = io.ReadAll(there)
		}()
		return here, nil
	}
	<-ctx.Done()
	return nil, watch.ErrSilent
}

const guarded = `$ORIGIN example.org.
$TTL 300
@    SOA  ns hostmaster 2026112401 7200 3600 1209600 300
@    NS   ns
@    MX   10 mail
ns   A    198.51.100.53
mail A    198.51.100.25
`

// watched is a Corefile with a watched sink at 203.0.113.1.
func watched(t *testing.T, properties ...string) string {
	t.Helper()
	return "example.org:0 {\nfakemx {\nlowest fake0 203.0.113.1\nwatch 10s\ncontrol 203.0.113.25\n" + strings.Join(properties, "\n") +
		"\n}\nfile " + servertest.File(t, "db.example.org", guarded) + "\n}\n"
}

func exchanges(m *dns.Msg) (names []string) {
	for _, rr := range m.Answer {
		if mx, ok := rr.(*dns.MX); ok {
			names = append(names, mx.Mx)
		}
	}
	return names
}

// joins waits until the fake is in the answers, or out of them.
func joins(t *testing.T, s *servertest.Server, want bool, within time.Duration) {
	t.Helper()
	servertest.Eventually(t, within, "change of the MX set", func() bool {
		return (len(exchanges(s.Ask(servertest.Query("example.org.", dns.TypeMX)))) == 2) == want
	})
}

func TestWatch(t *testing.T) {
	t.Run("a sink that accepts is out of the MX answer, also after a reload that failed, and its address stays", func(t *testing.T) {
		ports := newPort25(t)
		s := servertest.Start(t, watched(t, "real _realmx"))
		joins(t, s, true, 10*time.Second)
		if s.Reload(watched(t, "nonsense")) == nil {
			t.Fatal("no error")
		}
		ports.set("203.0.113.1", "accept")
		joins(t, s, false, 40*time.Second)
		m := s.Ask(servertest.Query("example.org.", dns.TypeMX))
		if names := exchanges(m); len(names) != 1 || names[0] != "mail.example.org." {
			t.Errorf("MX %q", names)
		}
		if a := s.Ask(servertest.Query("fake0.example.org.", dns.TypeA)); len(a.Answer) != 1 {
			t.Errorf("the sink has %d addresses:\n%s", len(a.Answer), servertest.Text(a))
		}
		if r := s.Ask(servertest.Query("_realmx.example.org.", dns.TypeMX)); len(exchanges(r)) != 1 {
			t.Errorf("the untouched set is gone:\n%s", servertest.Text(r))
		}
	})
	t.Run("a process that starts blind withholds the fake", func(t *testing.T) {
		ports := newPort25(t)
		ports.set("203.0.113.25", "refuse")
		log := servertest.CaptureLog(t)
		s := servertest.Start(t, watched(t))
		log.Wait(t, "watch: blind")
		joins(t, s, false, time.Second)
		ports.set("203.0.113.25", "greet")
		joins(t, s, true, 40*time.Second)
	})
	t.Run("a reload changes nothing that is known", func(t *testing.T) {
		ports := newPort25(t)
		corefile := watched(t)
		s := servertest.Start(t, corefile)
		joins(t, s, true, 10*time.Second)
		// Who had to look again would see nothing.
		ports.set("203.0.113.25", "refuse")
		for range 5 {
			if err := s.Reload(corefile); err != nil {
				t.Fatal(err)
			}
			if names := exchanges(s.Ask(servertest.Query("example.org.", dns.TypeMX))); len(names) != 2 {
				t.Fatalf("after a reload MX %q", names)
			}
		}
	})
	t.Run("highest fakes are not watched", func(t *testing.T) {
		newPort25(t)
		s := servertest.Start(t, watched(t, "highest fake9 203.0.113.9"))
		servertest.Eventually(t, 10*time.Second, "three MX", func() bool {
			return len(exchanges(s.Ask(servertest.Query("example.org.", dns.TypeMX)))) == 3
		})
	})
}

func TestWatchWarnings(t *testing.T) {
	newPort25(t)
	for _, tc := range []struct{ name, plugins, want string }{
		{"a cache in front", "cache", "cache in front of fakemx holds up the changes of watch"},
		{"transfer without serial", "transfer {\nto *\n}", "without serial, transfers keep the fakes that watch withdraws"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			log := servertest.CaptureLog(t)
			servertest.Start(t, strings.Replace(watched(t), "fakemx {", tc.plugins+"\nfakemx {", 1))
			log.Wait(t, tc.want)
		})
	}
}

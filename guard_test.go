package fakemx_test

import (
	"context"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fakemx/fakemx/internal/servertest"
	"github.com/fakemx/fakemx/internal/watch"
	"github.com/miekg/dns"
)

// port25 is a directory whose files are named by addresses and say what port 25
// there does: "refuse", "accept" or "greet". Others are silent.
type port25 string

const control = "203.0.113.25"

// newPort25 has a control host that greets.
func newPort25(dir string) (port25, error) {
	p := port25(dir)
	return p, p.set(control, "greet")
}

// sharedPort25 is what all servers in this process see; each test has a sink of its
// own.
var sharedPort25 port25

func (p port25) set(addr, behaviour string) error {
	path := filepath.Join(string(p), addr)
	if err := os.WriteFile(path+".new", []byte(behaviour), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func (p port25) mustSet(t *testing.T, addr, behaviour string) {
	t.Helper()
	if err := p.set(addr, behaviour); err != nil {
		t.Fatal(err)
	}
}

func (p port25) dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	behaviour, _ := os.ReadFile(filepath.Join(string(p), to.Addr().String()))
	switch string(behaviour) {
	case "refuse":
		return nil, watch.ErrRefused
	case "accept", "greet":
		here, there := net.Pipe()
		go func() {
			defer there.Close()
			if string(behaviour) == "greet" {
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

// watched is a Corefile with a sink that is watched.
func watched(t *testing.T, sink string, properties ...string) string {
	t.Helper()
	return "example.org:0 {\nfakemx {\nlowest fake0 " + sink + "\nwatch 10s\ncontrol " + control + "\n" + strings.Join(properties, "\n") +
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

func TestASinkThatAcceptsHasNoFake(t *testing.T) {
	t.Parallel()
	const sink = "203.0.113.1"
	sharedPort25.mustSet(t, sink, "refuse")
	s := servertest.Start(t, watched(t, sink, "real _realmx"))
	joins(t, s, true, 10*time.Second)
	if s.Reload(watched(t, sink, "nonsense")) == nil {
		t.Fatal("no error")
	}
	// The reload that failed has not ended what is watched.
	sharedPort25.mustSet(t, sink, "accept")
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
}

func TestAProcessThatStartsBlindWithholdsTheFake(t *testing.T) {
	t.Parallel()
	const sink = "203.0.113.1"
	ports, err := newPort25(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	ports.mustSet(t, sink, "refuse")
	ports.mustSet(t, control, "refuse")
	p := run(t, strings.Replace(watched(t, sink), ":0", ":PORT", 1), asPort25+"="+string(ports))
	hasFake := p.hasFake("fake0.example.org.")
	p.wait("watch: blind")
	if hasFake() {
		t.Error("the fake is out")
	}
	ports.mustSet(t, control, "greet")
	servertest.Eventually(t, 40*time.Second, "the fake", hasFake)
	t.Run("a reload changes nothing that is known", func(t *testing.T) {
		// Who had to look again would see nothing.
		ports.mustSet(t, control, "refuse")
		for n := range 5 {
			p.reload()
			servertest.Eventually(t, 20*time.Second, "the end of the reload", func() bool {
				return strings.Count(p.read(), "Reloading complete") > n
			})
			if !hasFake() {
				t.Fatal("no fake after a reload")
			}
		}
	})
}

func TestHighestFakesAreNotWatched(t *testing.T) {
	t.Parallel()
	const sink = "203.0.113.2"
	sharedPort25.mustSet(t, sink, "refuse")
	s := servertest.Start(t, watched(t, sink, "highest fake9 203.0.113.9"))
	servertest.Eventually(t, 10*time.Second, "three MX", func() bool {
		return len(exchanges(s.Ask(servertest.Query("example.org.", dns.TypeMX)))) == 3
	})
}

func TestWatchWarnings(t *testing.T) {
	for _, tc := range []struct{ name, plugins, want string }{
		{"a cache in front", "cache", "cache in front of fakemx holds up the changes of watch"},
		{"transfer without serial", "transfer {\nto *\n}", "without serial, transfers keep the fakes that watch withdraws"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			log := servertest.CaptureLog(t)
			servertest.Start(t, strings.Replace(watched(t, "203.0.113.3"), "fakemx {", tc.plugins+"\nfakemx {", 1))
			log.Wait(t, tc.want)
		})
	}
}

package sink

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fakemx/fakemx/internal/sink/dnsl"
	"github.com/fakemx/fakemx/internal/sink/seen"
	"github.com/fakemx/fakemx/internal/sink/server"
	"github.com/fakemx/fakemx/internal/sink/store"
)

const (
	probeEvery = 30 * time.Minute
	patience   = time.Minute // of the test, with a machine that is busy
)

// clock is the time that the server sees.
type clock struct{ at atomic.Int64 }

func (c *clock) now() time.Time          { return time.Unix(0, c.at.Load()).UTC() }
func (c *clock) advance(d time.Duration) { c.at.Add(int64(d)) }

// dnsOf is a DNS in which our domain has one mail host and nobody has SPF.
type dnsOf struct{}

func (dnsOf) LookupMX(_ context.Context, name string) ([]*net.MX, error) {
	if name != "example.org." {
		return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	}
	return []*net.MX{{Host: "mx1.example.org.", Pref: 10}, {Host: "fake.example.org.", Pref: 90}}, nil
}

func (dnsOf) LookupIPAddr(context.Context, string) ([]net.IPAddr, error) {
	return []net.IPAddr{{IP: net.IPv4(11, 0, 1, 25)}}, nil
}

func (dnsOf) LookupTXT(_ context.Context, name string) ([]string, error) {
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

func (dnsOf) LookupAddr(_ context.Context, name string) ([]string, error) {
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

// askPolicy asks the policy service about a client as Postfix does at RCPT.
func askPolicy(address, client, from, to string) error {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	fmt.Fprintf(conn, "request=smtpd_access_policy\nprotocol_state=RCPT\nclient_address=%s\nsender=%s\nrecipient=%s\n\n", client, from, to)
	_, err = bufio.NewReader(conn).ReadString('\n')
	return err
}

// realHost answers mail, logs who connects, and asks the policy service at RCPT.
func realHost(l net.Listener, policy, logs string) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			if lines, err := net.Dial("unixgram", logs); err == nil {
				fmt.Fprint(lines, "Nov 25 02:08:06 mx1 postfix/smtpd[190]: connect from localhost[127.0.0.1]")
				lines.Close()
			}
			fmt.Fprint(conn, "220 mx1\r\n")
			for in := bufio.NewScanner(conn); in.Scan(); {
				if to, ok := strings.CutPrefix(in.Text(), "RCPT TO:"); ok {
					_ = askPolicy(policy, "127.0.0.1", "", strings.Trim(to, "<>")) // the proof fails if it does
				}
				fmt.Fprint(conn, "250 ok\r\n")
			}
		}()
	}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func freePort(t *testing.T) string {
	t.Helper()
	l := listen(t)
	defer l.Close()
	return l.Addr().String()
}

// eventually waits for something that takes a moment.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if is() {
			return
		}
	}
	t.Fatalf("%s: not within %v", what, patience)
}

// harvesting is a running server that lists, whose feed was proven for a week.
type harvesting struct {
	*testing.T
	Config

	clock  clock
	policy string
	proofs atomic.Int64 // that came back
}

func startHarvesting(t *testing.T) *harvesting {
	t.Helper()
	h := &harvesting{T: t, policy: freePort(t)}
	h.clock.at.Store(time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC).UnixNano())
	real := listen(t)
	t.Cleanup(func() { real.Close() })
	logs := filepath.Join(t.TempDir(), "log")
	go realHost(real, h.policy, logs)
	h.Config = Config{
		Listen: []string{freePort(t)},
		Server: server.Config{
			Host: "sink.example.org", MaxLine: 2048, Idle: time.Minute, Session: time.Minute,
			Limits: server.Limits{All: 100, Address: 20, Prefix: 20}, Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
		},
		State: t.TempDir(), Visits: io.Discard, Log: log.New(io.Discard, "", 0),
		Receive:  []string{"unixgram:" + logs},
		Policies: []Policy{{"mx1", h.policy}}, Real: []seen.Real{{Name: "mx1", Address: real.Addr().String()}}, ProbeEvery: probeEvery,
		Prober: &seen.Prover{Helo: "sink.example.org", Recipient: "postmaster@example.org", Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			h.proofs.Add(1)
			return new(net.Dialer).DialContext(ctx, network, address)
		}},
		Harvest: &Harvest{
			Lists: dnsl.Config{Dir: t.TempDir(), Zone: "bl.example.org"}, After: 24 * time.Hour, Resolver: dnsOf{},
			Ours:      func(domain string) ([]string, bool) { return []string{"fake.example.org."}, domain == "example.org" },
			Exchanges: map[string]string{"mx1.example.org": "mx1"},
		},
		Now: h.clock.now,
	}
	h.aWeekBefore()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, h.Config) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return h
}

// aWeekBefore writes down that the feed was proven until now.
func (h *harvesting) aWeekBefore() {
	h.Helper()
	s, err := store.Open(filepath.Join(h.State, storeName))
	if err != nil {
		h.Fatal(err)
	}
	for at := h.clock.now().Add(-8 * 24 * time.Hour); at.Before(h.clock.now()); at = at.Add(probeEvery) {
		s.Watch("mx1", at, true, true, probeEvery)
	}
	if err := s.Close(); err != nil {
		h.Fatal(err)
	}
}

// pass lets time pass, from one probe to the next.
func (h *harvesting) pass(d time.Duration) {
	h.Helper()
	for range d / probeEvery {
		before := h.proofs.Load()
		h.clock.advance(probeEvery)
		eventually(h.T, "a probe", func() bool { return h.proofs.Load() > before })
	}
}

// visit calls the sink from an address, through a proxy.
func (h *harvesting) visit(client, from string) {
	h.Helper()
	conn, err := net.Dial("tcp", h.Listen[0])
	if err != nil {
		h.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "PROXY TCP4 %s 11.0.9.25 1234 25\r\nEHLO bot.example\r\nMAIL FROM:<%s>\r\nRCPT TO:<bob@example.org>\r\nQUIT\r\n", client, from)
	if _, err := io.ReadAll(conn); err != nil {
		h.Fatal(err)
	}
}

// listed is the list that rspamd reads, without its comment.
func (h *harvesting) listed() string {
	text, err := os.ReadFile(filepath.Join(h.Harvest.Lists.Dir, dnsl.Rspamd))
	if err != nil {
		return err.Error()
	}
	_, list, _ := strings.Cut(string(text), "\n")
	return strings.ReplaceAll(list, "\n", " ")
}

// TestFromAVisitToTheListAndOffIt goes the whole way, with a real host that asks the
// policy service, over the network.
func TestFromAVisitToTheListAndOffIt(t *testing.T) {
	h := startHarvesting(t)
	eventually(t, "the first probe", func() bool { return h.proofs.Load() > 0 })
	h.pass(2 * time.Hour)
	h.visit("13.0.0.66", "a@forged.example")
	h.visit("13.0.1.66", "b@forged.example")
	h.visit("13.0.2.66", "c@forged.example")
	h.visit("13.0.3.66", "d@forged.example")
	if err := askPolicy(h.policy, "13.0.2.1", "eve@from.example", "bob@example.org"); err != nil {
		t.Fatal(err)
	}
	if err := askPolicy(h.policy, "14.0.0.1", "d@forged.example", "bob@example.org"); err != nil {
		t.Fatal(err)
	}
	h.pass(25 * time.Hour)
	eventually(t, "the verdicts", func() bool {
		all, err := AskList(t.Context(), h.State)
		return err == nil && len(all.Entries) == 2
	})
	h.clock.advance(5 * time.Second) // lists are not written more often than that
	eventually(t, "the first two are listed, the third was seen, and the envelope of the fourth", func() bool { return h.listed() == "13.0.0.66 13.0.1.66 " })
	all, err := AskList(t.Context(), h.State)
	if err != nil || len(all.Entries) != 2 || all.Status.Stopped != "" {
		t.Errorf("listed are %+v, %v", all, err)
	}
	shown, err := AskShow(t.Context(), h.State, netip.MustParseAddr("13.0.3.66"))
	if err != nil || len(shown.Visits) != 1 || shown.Visits[0].Reason != "offered" {
		t.Errorf("shown is %+v, %v", shown, err)
	}
	if err := askPolicy(h.policy, "13.0.0.9", "eve@from.example", "bob@example.org"); err != nil {
		t.Fatal(err)
	}
	h.clock.advance(5 * time.Second)
	eventually(t, "a sight beside the first takes it off", func() bool { return h.listed() == "13.0.1.66 " })
	if err := Tell(t.Context(), h.State, "acquit", netip.MustParsePrefix("13.0.1.66/32")); err != nil {
		t.Fatal(err)
	}
	h.clock.advance(5 * time.Second)
	eventually(t, "the second is acquitted", func() bool { return h.listed() == "" })
}

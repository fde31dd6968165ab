package fakemx_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fakemx/fakemx/internal/serial"
	"github.com/fakemx/fakemx/internal/servertest"
	"github.com/miekg/dns"
)

// soaNumber is the number of the only SOA record of the answer and authority
// sections of an answer.
func soaNumber(t *testing.T, m *dns.Msg) uint32 {
	t.Helper()
	for _, rr := range append(m.Answer, m.Ns...) {
		if soa, ok := rr.(*dns.SOA); ok {
			return soa.Serial
		}
	}
	t.Fatalf("no SOA record:\n%s", servertest.Text(m))
	return 0
}

func askedNumber(t *testing.T, s *servertest.Server) uint32 {
	t.Helper()
	return soaNumber(t, s.Ask(servertest.Query("example.org.", dns.TypeSOA)))
}

// transferred are the records of a transfer, for the changes since a number if
// that is not 0.
func transferred(t *testing.T, s *servertest.Server, since uint32) (rrs []dns.RR) {
	t.Helper()
	m := new(dns.Msg).SetAxfr("example.org.")
	if since != 0 {
		m.SetIxfr("example.org.", since, "ns.example.org.", "hostmaster.example.org.")
	}
	envelopes, err := new(dns.Transfer).In(m, s.TCP)
	if err != nil {
		t.Fatal(err)
	}
	for envelope := range envelopes {
		if envelope.Error != nil {
			t.Fatal(envelope.Error)
		}
		rrs = append(rrs, envelope.RR...)
	}
	return rrs
}

// secondary counts the NOTIFY messages that it gets.
func secondary(t *testing.T) (addr string, notified <-chan string) {
	t.Helper()
	got := make(chan string, 100)
	addr = servertest.Serve(t, func(w dns.ResponseWriter, r *dns.Msg) {
		if r.Opcode == dns.OpcodeNotify {
			got <- r.Question[0].Name
		}
		_ = w.WriteMsg(new(dns.Msg).SetReply(r))
	})
	return addr, got
}

func expectNotify(t *testing.T, notified <-chan string) {
	t.Helper()
	select {
	case zone := <-notified:
		if zone != "example.org." {
			t.Errorf("NOTIFY for %q", zone)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("no NOTIFY")
	}
}

func TestSerial(t *testing.T) {
	t.Parallel()
	zone := servertest.File(t, "db.example.org", guarded)
	addr, notified := secondary(t)
	file := filepath.Join(t.TempDir(), "serials")
	corefile := func(properties ...string) string {
		return "example.org:0 {\ntransfer {\nto * " + addr + "\n}\nfakemx {\nserial " + file + "\n" + strings.Join(properties, "\n") +
			"\n}\nfile " + zone + " {\nreload 1s\n}\n}\n"
	}
	s := servertest.Start(t, corefile("highest fake9 203.0.113.9"))
	const first = 2026112402
	servertest.Eventually(t, 20*time.Second, "number of its own", func() bool { return askedNumber(t, s) == first })
	expectNotify(t, notified)

	t.Run("every SOA record that leaves carries the number", func(t *testing.T) {
		for _, q := range []struct {
			name  string
			qtype uint16
		}{{"example.org.", dns.TypeSOA}, {"example.org.", dns.TypeANY}, {"nothing.example.org.", dns.TypeA}, {"mail.example.org.", dns.TypeTXT}, {"fake9.example.org.", dns.TypeTXT}} {
			if got := soaNumber(t, s.Ask(servertest.Query(q.name, q.qtype))); got != first {
				t.Errorf("%s %s has %d", q.name, dns.TypeToString[q.qtype], got)
			}
		}
		rrs := transferred(t, s, 0)
		soas := 0
		for _, rr := range rrs {
			if soa, ok := rr.(*dns.SOA); ok {
				if soas++; soa.Serial != first {
					t.Errorf("the transfer has %d", soa.Serial)
				}
			}
		}
		if soas != 2 {
			t.Errorf("%d SOA records in the transfer", soas)
		}
	})
	t.Run("who has the number, or a newer one, gets the SOA record alone", func(t *testing.T) {
		for since, want := range map[uint32]bool{first: true, first + 5: true, first - 1: false, first + 1<<31: false} {
			if rrs := transferred(t, s, since); (len(rrs) == 1) != want {
				t.Errorf("since %d: %d records", since, len(rrs))
			}
		}
	})
	t.Run("another configuration is another number, and NOTIFY is sent", func(t *testing.T) {
		for len(notified) > 0 {
			<-notified
		}
		if err := s.Reload(corefile("highest fake9 203.0.113.9", "highest fake8 203.0.113.8")); err != nil {
			t.Fatal(err)
		}
		servertest.Eventually(t, 20*time.Second, "another number", func() bool { return askedNumber(t, s) == first+1 })
		expectNotify(t, notified) // of file, when it starts
		expectNotify(t, notified)
		if rrs := transferred(t, s, first); len(exchanges(&dns.Msg{Answer: rrs})) != 3 {
			t.Errorf("transferred %v", rrs)
		}
	})
	t.Run("a reload of the same is the same number", func(t *testing.T) {
		if err := s.Reload(corefile("highest fake9 203.0.113.9", "highest fake8 203.0.113.8")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if got := askedNumber(t, s); got != first+1 {
			t.Errorf("serves %d", got)
		}
	})
	t.Run("a newer zone behind is followed, an older one is one more", func(t *testing.T) {
		for _, tc := range []struct{ backend, want string }{{"2026112410", "2026112410"}, {"2026112409", "2026112411"}} {
			if err := os.WriteFile(zone, []byte(strings.Replace(guarded, "2026112401", tc.backend, 1)), 0o600); err != nil {
				t.Fatal(err)
			}
			servertest.Eventually(t, 90*time.Second, "number "+tc.want, func() bool {
				s.Ask(servertest.Query("nothing.example.org.", dns.TypeA))
				return strings.Contains(servertest.Text(s.Ask(servertest.Query("example.org.", dns.TypeSOA))), tc.want)
			})
			if got := transferred(t, s, 0)[0].(*dns.SOA); !strings.Contains(got.String(), tc.want) {
				t.Errorf("transferred %s", got)
			}
		}
	})
	t.Run("where the file cannot be written the last number stays, until it can", func(t *testing.T) {
		before := askedNumber(t, s)
		log := servertest.CaptureLog(t)
		if err := os.Rename(file, file+".gone"); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(zone, []byte(strings.Replace(guarded, "2026112401", "2026112420", 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		servertest.Eventually(t, 30*time.Second, "line about the file", func() bool {
			s.Ask(servertest.Query("example.org.", dns.TypeSOA))
			return len(log.Lines("cannot be written")) == 1
		})
		if got := askedNumber(t, s); got != before {
			t.Errorf("answers with %d, before %d", got, before)
		}
		if got := transferred(t, s, 0)[0].(*dns.SOA).Serial; got != before {
			t.Errorf("transfers with %d, before %d", got, before)
		}
		if err := os.Rename(file+".gone", file); err != nil {
			t.Fatal(err)
		}
		servertest.Eventually(t, 30*time.Second, "number of the zone", func() bool { return askedNumber(t, s) == 2026112420 })
	})
	t.Run("the number is the same after a restart, and where the file has an owner nobody else starts", func(t *testing.T) {
		before := askedNumber(t, s)
		_, err := serial.NewFiles(nil).Open(file)
		if err == nil || !strings.Contains(err.Error(), "is locked") {
			t.Errorf("a second owner: %v", err)
		}
		s.Stop()
		again := servertest.Start(t, corefile("highest fake9 203.0.113.9", "highest fake8 203.0.113.8"))
		if got := askedNumber(t, again); got != before {
			t.Errorf("serves %d, before %d", got, before)
		}
	})
}

func TestSerialFollowsWatch(t *testing.T) {
	t.Parallel()
	const sink = "203.0.113.4"
	sharedPort25.mustSet(t, sink, "refuse")
	addr, notified := secondary(t)
	s := servertest.Start(t, strings.Replace(watched(t, sink, "serial "+filepath.Join(t.TempDir(), "serials")), "fakemx {", "transfer {\nto * "+addr+"\n}\nfakemx {", 1))
	joins(t, s, true, 20*time.Second)
	servertest.Eventually(t, 20*time.Second, "fake in the transfer", func() bool {
		return len(exchanges(&dns.Msg{Answer: transferred(t, s, 0)})) == 2
	})
	before := askedNumber(t, s)
	for len(notified) > 0 {
		<-notified
	}
	sharedPort25.mustSet(t, sink, "accept")
	joins(t, s, false, 40*time.Second)
	servertest.Eventually(t, 20*time.Second, "number after the one before", func() bool { return serial.After(askedNumber(t, s), before) })
	expectNotify(t, notified)
	if rrs := transferred(t, s, before); len(exchanges(&dns.Msg{Answer: rrs})) != 1 {
		t.Errorf("transferred %v", rrs)
	}
	if rrs := transferred(t, s, askedNumber(t, s)); len(rrs) != 1 {
		t.Errorf("who is up to date gets %d records", len(rrs))
	}
}

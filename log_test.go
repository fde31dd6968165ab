package fakemx_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/fakemx/fakemx/internal/servertest"
	"github.com/miekg/dns"
)

// logged runs a Corefile and returns what fakemx says at start.
func logged(t *testing.T, corefile string) []string {
	t.Helper()
	log := servertest.CaptureLog(t)
	servertest.Start(t, corefile)
	return log.Lines("plugin/fakemx: ")
}

func wantLines(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got the lines\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestWhatIsSaidAtStart(t *testing.T) {
	listFile := servertest.File(t, "zones", "# none yet\n")
	wantLines(
		t, logged(t, `example.org:0 {
			bind 127.0.0.1
			fakemx {
				lowest fake0 9.9.9.1 2620:fe::9
				highest decoy 10.1.2.3
				exchanges mail
			}
			fakemx sub.example.org {
				highest sink.example.net.
				zones_from `+listFile+`
				dry_run
			}
		}`),
		`[WARNING] plugin/fakemx: Corefile:5 - sink "decoy": 10.1.2.3 is a private address: receivers that check for bogus MX may reject mail from the domain`,
		"[INFO] plugin/fakemx: example.org.: lowest fake0 9.9.9.1 2620:fe::9, highest decoy 10.1.2.3, step 10, ttl 3600, only sets at mail",
		`[WARNING] plugin/fakemx: Corefile:10 - zones_from: no zone in `+listFile,
		"[INFO] plugin/fakemx: sub.example.org. and the zones in "+listFile+": dry run, nothing changes: lowest none, highest sink.example.net., step 10, ttl 3600",
	)
}

func TestASetBeyondTheLimitOfSPFIsWarnedAboutOnce(t *testing.T) {
	log := servertest.CaptureLog(t)
	s := start(t, "highest decoy[1-9].mx 9.9.9.1", mail+"\nsub MX 10 mail\nsub MX 20 backup\nten MX 10 mail")
	t.Run("not for 10", func(t *testing.T) {
		s.Ask(servertest.Query("ten.example.org", dns.TypeMX))
		wantLines(t, log.Lines("SPF"))
	})
	t.Run("for 11", func(t *testing.T) {
		for _, name := range []string{"example.org", "example.org", "sub.example.org"} {
			s.AskTCP(servertest.Query(name, dns.TypeMX))
		}
		wantLines(t, log.Lines("SPF"), `[WARNING] plugin/fakemx: zone "example.org.": an MX set grows to 11 records: `+
			`the mx mechanism of SPF fails with more than 10, see the real property`)
	})
}

func TestQueriesAreNotLogged(t *testing.T) {
	log := servertest.CaptureLog(t)
	s := start(t, bothFakes, mail)
	before := len(log.Lines("plugin/fakemx"))
	for _, name := range []string{"example.org", "fake0.mx.example.org", "mx.example.org", "nothing.example.org"} {
		for _, qtype := range []uint16{dns.TypeMX, dns.TypeA, dns.TypeANY} {
			s.Ask(servertest.Query(name, qtype))
		}
	}
	if got := log.Lines("plugin/fakemx"); len(got) != before {
		t.Errorf("got the lines %q, want none", got[before:])
	}
}

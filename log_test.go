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

func TestALineForEachStanzaSaysWhatIsInjectedForWhom(t *testing.T) {
	got := logged(t, `example.org:0 {
		bind 127.0.0.1
		fakemx {
			lowest fake0.mx 9.9.9.1 2620:fe::9
			highest decoy[1-7].mx 9.9.9.2
			real _realmx
		}
		fakemx sub.example.org other.example.org {
			highest sink.example.net.
			step 5
			ttl 60
			dry_run
		}
	}`)
	wantLines(
		t, got,
		"[INFO] plugin/fakemx: example.org.: lowest fake0.mx 9.9.9.1 2620:fe::9, "+
			"highest decoy1.mx 9.9.9.2, decoy2.mx 9.9.9.2, decoy3.mx 9.9.9.2, decoy4.mx 9.9.9.2, decoy5.mx 9.9.9.2 and 2 more, "+
			"step 10, ttl 3600, untouched sets at _realmx",
		"[INFO] plugin/fakemx: sub.example.org., other.example.org.: dry run, nothing changes: lowest none, highest sink.example.net., step 5, ttl 60",
	)
}

func TestWarningsAtStart(t *testing.T) {
	const warning = "[WARNING] plugin/fakemx: Corefile:3 - "
	for _, tc := range []struct {
		about, property string
		want            string
	}{
		{"a private address", "highest a 10.1.2.3", `sink "a": 10.1.2.3 is a private address`},
		{"the end of a private block", "highest a 172.31.255.255", `sink "a": 172.31.255.255 is a private address`},
		{"a private address of the third block", "highest a 192.168.0.1", `sink "a": 192.168.0.1 is a private address`},
		{"a unique local IPv6 address", "highest a fd00::1", `sink "a": fd00::1 is a private address`},
		{"a link-local address", "highest a 169.254.1.1", `sink "a": 169.254.1.1 is a link-local address`},
		{"a link-local IPv6 address", "highest a fe80::1", `sink "a": fe80::1 is a link-local address`},
		{"TEST-NET-1", "highest a 192.0.2.1", `sink "a": 192.0.2.1 is a documentation address`},
		{"TEST-NET-2", "highest a 198.51.100.1", `sink "a": 198.51.100.1 is a documentation address`},
		{"TEST-NET-3", "highest a 203.0.113.1", `sink "a": 203.0.113.1 is a documentation address`},
		{"the IPv6 block for documentation", "highest a 2001:db8::1", `sink "a": 2001:db8::1 is a documentation address`},
		{"the later IPv6 block for documentation", "highest a 3fff::1", `sink "a": 3fff::1 is a documentation address`},
		{"carrier-grade NAT", "highest a 100.64.0.1", `sink "a": 100.64.0.1 is a shared address`},
		{"benchmarking", "highest a 198.19.255.255", `sink "a": 198.19.255.255 is a benchmarking address`},
		{"IPv6 benchmarking", "highest a 2001:2::1", `sink "a": 2001:2::1 is a benchmarking address`},
		{"this network", "highest a 0.1.2.3", `sink "a": 0.1.2.3 is a reserved address`},
		{"IETF protocol assignments", "highest a 192.0.0.8", `sink "a": 192.0.0.8 is a reserved address`},
		{"class E", "highest a 240.0.0.1", `sink "a": 240.0.0.1 is a reserved address`},
		{"the discard block", "highest a 100::1", `sink "a": 100::1 is a reserved address`},
	} {
		t.Run(tc.about, func(t *testing.T) {
			got := logged(t, "example.org:0 {\nfakemx {\n"+tc.property+"\n}\nbind 127.0.0.1\n}")
			want := warning + tc.want + ": receivers that check for bogus MX may reject mail from the domain"
			if len(got) != 2 || got[0] != want {
				t.Errorf("got the lines %q, want a first one %q and the one about the stanza", got, want)
			}
		})
	}
	t.Run("an address for all names of a range is warned about once", func(t *testing.T) {
		got := logged(t, "example.org:0 {\nfakemx {\nhighest a[1-5] 10.1.2.3 9.9.9.1 10.1.2.4\n}\nbind 127.0.0.1\n}")
		const why = ": receivers that check for bogus MX may reject mail from the domain"
		wantLines(t, got[:len(got)-1],
			warning+`sink "a1": 10.1.2.3 is a private address`+why,
			warning+`sink "a1": 10.1.2.4 is a private address`+why)
	})
	t.Run("a second lowest fake", func(t *testing.T) {
		got := logged(t, "example.org:0 {\nfakemx {\nlowest a[1-2] 9.9.9.1\n}\nbind 127.0.0.1\n}")
		wantLines(t, got[:len(got)-1], warning+"2 lowest fakes: with more than 1 some senders do not reach the real MX while one of them is down")
	})
	t.Run("a third address of the lowest fake", func(t *testing.T) {
		got := logged(t, "example.org:0 {\nfakemx {\nlowest a 9.9.9.1 9.9.9.2 2620:fe::9\n}\nbind 127.0.0.1\n}")
		wantLines(t, got[:len(got)-1], warning+"3 addresses of lowest fakes: with more than 2 some senders do not reach the real MX while one of them is down")
	})
	t.Run("nothing about the safe shape", func(t *testing.T) {
		got := logged(t, "example.org:0 {\nfakemx {\nlowest a 9.9.9.1 2620:fe::9\nhighest b[1-30] 9.9.9.2\n}\nbind 127.0.0.1\n}")
		if len(got) != 1 {
			t.Errorf("got the lines %q, want only the one about the stanza", got)
		}
	})
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

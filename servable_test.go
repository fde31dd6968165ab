package fakemx_test

import (
	"testing"

	"github.com/fakemx/fakemx/internal/servertest"
	"github.com/miekg/dns"
)

// TestSinkInAnotherZone has domains that share a sink in a zone of its own.
func TestSinkInAnotherZone(t *testing.T) {
	domain := servertest.Zone(t, "example.net", "@ MX 10 mail\nmail A 192.0.2.10\n")
	corefile := func(sinks string) string {
		return `.:0 {
			bind 127.0.0.1
			fakemx example.net example.org {
				lowest sink.example.org. 192.0.2.1
				highest other.example.com.
			}
			file ` + domain + ` example.net
			` + sinks + `
		}`
	}
	sinks := servertest.Zone(t, "example.org", "")
	signed := servertest.Zone(t, "example.org", "@ RRSIG SOA 13 2 3600 20350101000000 20250101000000 1 example.org. aaaa\n")
	for _, test := range []struct {
		name, sinks string
		want        int
	}{
		{"the sink's zone answers: all fakes", "file " + sinks + " example.org", 3},
		{"the sink's zone is signed behind: the sink has no address, and no fake points to it", "file " + signed + " example.org", 2},
		{"nobody has the sink's zone: the same", "", 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := servertest.Start(t, corefile(test.sinks))
			if m := s.Ask(servertest.Query("example.net", dns.TypeMX)); len(m.Answer) != test.want {
				t.Errorf("got %v, want %d MX records", m, test.want)
			}
			addresses := len(s.Ask(servertest.Query("sink.example.org", dns.TypeA)).Answer)
			if (addresses > 0) != (test.want == 3) {
				t.Errorf("the sink has %d addresses", addresses)
			}
		})
	}
}

// A zone of its own that begins at a sink's name says nothing of the names beside it.
func TestASignedZoneAtASinksNameKeepsNoOtherOut(t *testing.T) {
	signed := servertest.Zone(t, "child.example.org", "@ RRSIG SOA 13 3 3600 20350101000000 20250101000000 1 example.org. aaaa\n")
	s := servertest.Start(t, `.:0 {
		bind 127.0.0.1
		fakemx example.org {
			highest child 198.51.100.1
			highest decoy 198.51.100.2
		}
		file `+servertest.Zone(t, "example.org", "@ MX 10 mail\n")+` example.org
		file `+signed+` child.example.org
	}`)
	wantSet(t, s, "example.org", dns.TypeMX, "@ MX 10 mail\n@ MX 20 decoy")
	wantSet(t, s, "decoy.example.org", dns.TypeA, "decoy A 198.51.100.2")
}

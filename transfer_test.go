package fakemx_test

import (
	"slices"
	"testing"

	"github.com/fakemx/fakemx/internal/servertest"
	"github.com/miekg/dns"
)

// TestTransferLeavesSinksToTheZoneTheyAreIn has a sink in a zone that the one of
// the MX set does not delegate, and that is not of fakemx.
func TestTransferLeavesSinksToTheZoneTheyAreIn(t *testing.T) {
	own := servertest.Zone(t, "own.example.org", "mail A 192.0.2.10\n")
	zone := servertest.Zone(t, "example.org", "@ MX 10 mail\nmail A 192.0.2.10\n")
	s := servertest.Start(t, `example.org:0 own.example.org:0 {
		bind 127.0.0.1
		transfer {
			to *
		}
		fakemx example.org {
			highest fake.own 192.0.2.1
			highest fake.part 192.0.2.2
		}
		file `+own+` own.example.org
		file `+zone+` example.org
	}`)
	envelopes, err := new(dns.Transfer).In(new(dns.Msg).SetAxfr("example.org."), s.TCP)
	if err != nil {
		t.Fatal(err)
	}
	var owners []string
	for envelope := range envelopes {
		if envelope.Error != nil {
			t.Fatal(envelope.Error)
		}
		for _, rr := range envelope.RR {
			owners = append(owners, rr.Header().Name)
		}
	}
	if slices.Contains(owners, "fake.own.example.org.") {
		t.Errorf("got %q, want no records of another zone", owners)
	}
	if !slices.Contains(owners, "fake.part.example.org.") {
		t.Errorf("got %q, want the sink in the zone itself", owners)
	}
}

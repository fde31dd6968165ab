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
	owners := transferredOwners(t, s)
	if slices.Contains(owners, "fake.own.example.org.") {
		t.Errorf("got %q, want no records of another zone", owners)
	}
	if !slices.Contains(owners, "fake.part.example.org.") {
		t.Errorf("got %q, want the sink in the zone itself", owners)
	}
}

// TestTransferCutsNoWildcardForAZoneOfItsOwn has a zone two labels down that the
// larger one does not delegate: nothing of the wildcard goes below the name between.
func TestTransferCutsNoWildcardForAZoneOfItsOwn(t *testing.T) {
	own := servertest.Zone(t, "x.sub.example.org", "mail A 192.0.2.10\n")
	zone := servertest.Zone(t, "example.org", "@ MX 10 mail\n* MX 10 mail\nmail A 192.0.2.10\n")
	s := servertest.Start(t, `example.org:0 x.sub.example.org:0 {
		bind 127.0.0.1
		transfer {
			to *
		}
		fakemx example.org {
			highest fake1 192.0.2.1
		}
		fakemx x.sub.example.org part.example.org {
			highest fake2 192.0.2.2
		}
		file `+own+` x.sub.example.org
		file `+zone+` example.org
	}`)
	owners := transferredOwners(t, s)
	for name, want := range map[string]bool{
		"sub.example.org.": false, "*.sub.example.org.": false, "x.sub.example.org.": false,
		"part.example.org.": true, "*.part.example.org.": true,
	} {
		if slices.Contains(owners, name) != want {
			t.Errorf("%s in the transfer: %t, want %t", name, !want, want)
		}
	}
}

// transferredOwners are the owners in a transfer of example.org.
func transferredOwners(t *testing.T, s *servertest.Server) (owners []string) {
	t.Helper()
	envelopes, err := new(dns.Transfer).In(new(dns.Msg).SetAxfr("example.org."), s.TCP)
	if err != nil {
		t.Fatal(err)
	}
	for envelope := range envelopes {
		if envelope.Error != nil {
			t.Fatal(envelope.Error)
		}
		for _, rr := range envelope.RR {
			owners = append(owners, rr.Header().Name)
		}
	}
	return owners
}

// TestTransferCutsAPartOfAPart has a part of a zone with fakes, and of that a part
// without: a copy of the wildcard with them must not reach there.
func TestTransferCutsAPartOfAPart(t *testing.T) {
	zone := servertest.Zone(t, "example.org", "* MX 10 mail\nmail A 192.0.2.10\n")
	s := servertest.Start(t, `example.org:0 {
		bind 127.0.0.1
		transfer {
			to *
		}
		fakemx part.example.org {
			highest fake 192.0.2.1
			except news
		}
		file `+zone+`
	}`)
	owners := transferredOwners(t, s)
	for name, records := range map[string]int{"part.example.org.": 2, "*.part.example.org.": 2, "news.part.example.org.": 1, "*.news.part.example.org.": 1} {
		got := 0
		for _, owner := range owners {
			if owner == name {
				got++
			}
		}
		if got != records {
			t.Errorf("%s: %d records, want %d: the fakes are for part, not for news below it", name, got, records)
		}
	}
}

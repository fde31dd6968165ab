package fakemx_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/fakemx/fakemx/internal/servertest"
	"github.com/miekg/dns"
)

// Buffers of clients: without EDNS (RFC 1035 section 4.2.1), the size that
// avoids fragments, and one that holds everything here.
const (
	plainSize = 512
	usualSize = 1232
	ampleSize = 4096
)

func TestGlueNeverCausesTruncation(t *testing.T) {
	for real := 1; real <= 12; real++ {
		for _, fakes := range []int{1, 3, 6, 12} {
			t.Run(fmt.Sprintf("%d real and %d fakes", real, fakes), func(t *testing.T) {
				var zone strings.Builder
				for i := range real {
					fmt.Fprintf(&zone, "@ MX %d mail%d\nmail%d A 192.0.2.%d\nmail%d AAAA 2001:db8::%d\n", 10+i, i, i, 10+i, i, 10+i)
				}
				s := start(t, fmt.Sprintf("highest decoy[1-%d].mx 198.51.100.1 2001:db8:9::1", fakes), zone.String())
				whole := s.AskTCP(servertest.Query("example.org", dns.TypeMX))
				if len(whole.Answer) != real+fakes {
					t.Fatalf("over TCP: got %d MX records, want %d", len(whole.Answer), real+fakes)
				}
				for _, size := range []int{plainSize, 600, 700, 800, 900, 1000, usualSize, ampleSize} {
					query := servertest.Query("example.org", dns.TypeMX)
					if size > plainSize {
						servertest.EDNS(query, uint16(size), false)
					}
					checkFitted(t, s.Ask(query), whole, size)
				}
			})
		}
	}
}

// checkFitted compares an answer over UDP with the whole one over TCP.
func checkFitted(t *testing.T, m, whole *dns.Msg, size int) {
	t.Helper()
	m.Compress = true
	if got := m.Len(); got > size {
		t.Errorf("buffer of %d: got %d octets", size, got)
	}
	bare := *whole
	bare.Ns, bare.Extra, bare.Compress = nil, nil, true
	if size > plainSize {
		bare.Extra = []dns.RR{&dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT}}}
	}
	switch fits := bare.Len() <= size; {
	case fits && m.Truncated:
		t.Errorf("buffer of %d: got TC, want none: the answer itself has %d octets", size, bare.Len())
	case fits && len(m.Answer) != len(whole.Answer):
		t.Errorf("buffer of %d: got %d MX records, want all %d", size, len(m.Answer), len(whole.Answer))
	case !fits && !m.Truncated:
		t.Errorf("buffer of %d: got no TC, want it: the answer itself has %d octets", size, bare.Len())
	}
	for _, rr := range m.Extra {
		if rr.Header().Rrtype == dns.TypeOPT {
			continue
		}
		if !containsRecord(whole.Extra, rr) {
			t.Errorf("buffer of %d: got the glue %v, which the whole answer has not", size, rr)
		}
	}
	for i, rr := range m.Extra {
		if containsRecord(m.Extra[i+1:], rr) {
			t.Errorf("buffer of %d: got the glue %v twice", size, rr)
		}
	}
}

func containsRecord(rrs []dns.RR, rr dns.RR) bool {
	for _, other := range rrs {
		if dns.IsDuplicate(rr, other) {
			return true
		}
	}
	return false
}

// A set of addresses is whole or not there: half of one would be cached as all
// (RFC 2181 section 5).
func TestGlueIsWholeSets(t *testing.T) {
	s := start(t, "highest decoy[1-9].mx 198.51.100.1 198.51.100.2 198.51.100.3", "@ MX 10 mail\nmail A 192.0.2.10\nmail A 192.0.2.11")
	for size := plainSize; size < 900; size += 7 {
		m := s.Ask(servertest.EDNS(servertest.Query("example.org", dns.TypeMX), uint16(size), false))
		count := make(map[string]int)
		for _, rr := range m.Extra {
			if rr.Header().Rrtype == dns.TypeA {
				count[rr.Header().Name]++
			}
		}
		for name, n := range count {
			if want := 3; n != want && (name != "mail.example.org." || n != 2) {
				t.Errorf("buffer of %d: got %d addresses of %s, want all %d or none", size, n, name, want)
			}
		}
	}
}

func TestASetThatDoesNotFitIsWholeOverTCP(t *testing.T) {
	s := start(t, "highest decoy[1-200].a-rather-long-label-for-a-host.mx 198.51.100.1", mail)
	for _, query := range []*dns.Msg{
		servertest.Query("example.org", dns.TypeMX),
		servertest.EDNS(servertest.Query("example.org", dns.TypeMX), usualSize, false),
	} {
		if m := s.Ask(query.Copy()); !m.Truncated {
			t.Errorf("over UDP: got no TC with %d of 202 MX records", len(m.Answer))
		}
		if m := s.AskTCP(query); m.Truncated || len(m.Answer) != 202 {
			t.Errorf("over TCP: got TC %v and %d MX records, want all 202", m.Truncated, len(m.Answer))
		}
	}
}

// The largest configuration that is taken: its set still fits a DNS message.
func TestAThousandFakes(t *testing.T) {
	s := start(t, "highest decoy[1-1000].mx 198.51.100.1", mail)
	m := s.AskTCP(servertest.Query("example.org", dns.TypeMX))
	if m.Truncated || len(m.Answer) != 1002 {
		t.Errorf("got TC %v and %d MX records, want all 1002", m.Truncated, len(m.Answer))
	}
	if glue := len(m.Extra); glue != 1003 {
		t.Errorf("got %d addresses, want those of all hosts, 1003", glue)
	}
}

func TestASinkWithManyAddressesIsTruncatedAndWholeOverTCP(t *testing.T) {
	var addresses strings.Builder
	for i := range 60 {
		fmt.Fprintf(&addresses, " 198.51.100.%d", i+1)
	}
	s := start(t, "highest fake.mx"+addresses.String(), mail)
	if m := s.Ask(servertest.Query("fake.mx.example.org", dns.TypeA)); !m.Truncated {
		t.Errorf("over UDP: got no TC with %d of 60 addresses", len(m.Answer))
	}
	if m := s.AskTCP(servertest.Query("fake.mx.example.org", dns.TypeA)); m.Truncated || len(m.Answer) != 60 {
		t.Errorf("over TCP: got TC %v and %d addresses, want all 60", m.Truncated, len(m.Answer))
	}
}

// The glue of a fake is what the sink answers, never what the zone has there.
func TestGlueIsNeverThereTwice(t *testing.T) {
	s := start(t, "highest own 198.51.100.1\nhighest mail 198.51.100.2", "@ MX 10 mail\n@ MX 20 other\nmail A 192.0.2.10\nother A 192.0.2.20\nown A 192.0.2.66")
	check(t, s, "example.org", "MX", servertest.Message{
		Answer:     "@ MX 10 mail\n@ MX 20 other\n@ MX 30 own",
		Authority:  ns,
		Additional: "mail A 198.51.100.2\nother A 192.0.2.20\nown A 198.51.100.1",
	})
}

package fakemx_test

import (
	"fmt"
	"slices"
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
	s := start(t, "highest decoy[1-50].a-rather-long-label-for-a-host.mx 198.51.100.1", mail)
	for _, query := range []*dns.Msg{
		servertest.Query("example.org", dns.TypeMX),
		servertest.EDNS(servertest.Query("example.org", dns.TypeMX), usualSize, false),
	} {
		if m := s.Ask(query.Copy()); !m.Truncated {
			t.Errorf("over UDP: got no TC with %d of 52 MX records", len(m.Answer))
		}
		if m := s.AskTCP(query); m.Truncated || len(m.Answer) != 52 {
			t.Errorf("over TCP: got TC %v and %d MX records, want all 52", m.Truncated, len(m.Answer))
		}
	}
}

// Postfix and sendmail read the first 100 records of an answer, and resolvers turn
// their order.
func TestASetWithFakesHasAtMost100Records(t *testing.T) {
	for _, tc := range []struct {
		sentence     string
		more         string // records of the zone
		real, most   int
		lowest, last string
	}{
		{"50 fakes beside 50 real ones all join", "", 50, 100, "fake0.example.org.", "decoy49.example.org."},
		{"beside 52, the last written highest stay out", "", 52, 100, "fake0.example.org.", "decoy47.example.org."},
		{"beside 52, none of them takes the place of a lowest that is not free", "fake0 A 192.0.2.10", 52, 100, "mail1.example.org.", "decoy48.example.org."},
		{"beside 99, the lowest joins alone", "", 99, 100, "fake0.example.org.", "mail99.example.org."},
		{"beside 100, none does", "", 100, 100, "mail1.example.org.", "mail100.example.org."},
		{"beside 130, none does", "", 130, 130, "mail1.example.org.", "mail130.example.org."},
	} {
		t.Run(tc.sentence, func(t *testing.T) {
			var zone strings.Builder
			for i := range tc.real {
				fmt.Fprintf(&zone, "@ MX %d mail%d\n", i+1, i+1)
			}
			s := start(t, "lowest fake0 198.51.100.1\nhighest decoy[1-49] 198.51.100.2", zone.String()+tc.more)
			m := s.AskTCP(servertest.Query("example.org", dns.TypeMX))
			slices.SortFunc(m.Answer, func(a, b dns.RR) int { return int(a.(*dns.MX).Preference) - int(b.(*dns.MX).Preference) })
			if n := len(m.Answer); n != tc.most {
				t.Fatalf("got %d records, want %d", n, tc.most)
			}
			if first, last := m.Answer[0].(*dns.MX).Mx, m.Answer[tc.most-1].(*dns.MX).Mx; first != tc.lowest || last != tc.last {
				t.Errorf("got %s first and %s last, want %s and %s", first, last, tc.lowest, tc.last)
			}
		})
	}
}

// The real host has the address that it has, also beside a set with fakes.
func TestGlueIsNeverThereTwice(t *testing.T) {
	s := start(t, "highest typed 198.51.100.1\nhighest mail 198.51.100.2", "@ MX 10 mail\n@ MX 20 other\nmail A 192.0.2.10\nother A 192.0.2.20\ntyped A 198.51.100.1")
	check(t, s, "example.org", "MX", servertest.Message{
		Answer:     "@ MX 10 mail\n@ MX 20 other\n@ MX 30 typed",
		Authority:  ns,
		Additional: "mail A 192.0.2.10\nother A 192.0.2.20\ntyped A 198.51.100.1",
	})
}

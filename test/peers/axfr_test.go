package peers

import (
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// axfr returns the records of a zone in the order in which they come.
func axfr(t *testing.T, address, zone string) []dns.RR {
	t.Helper()
	return transferred(t, address, new(dns.Msg).SetAxfr(zone))
}

func transferred(t *testing.T, address string, r *dns.Msg) []dns.RR {
	t.Helper()
	envelopes, err := new(dns.Transfer).In(r, address)
	if err != nil {
		t.Fatalf("transfer of %s from %s: %v", r.Question[0].Name, address, err)
	}
	var records []dns.RR
	for e := range envelopes {
		if e.Error != nil {
			t.Fatalf("transfer of %s from %s: %v", r.Question[0].Name, address, e.Error)
		}
		records = append(records, e.RR...)
	}
	return records
}

// sameZone fails the test where two transfers differ, whatever the order of what
// is between the SOA records.
func sameZone(t *testing.T, got, want []dns.RR) {
	t.Helper()
	for _, records := range [][]dns.RR{got, want} {
		last := len(records) - 1
		if last < 1 || records[0].Header().Rrtype != dns.TypeSOA || records[last].Header().Rrtype != dns.TypeSOA {
			t.Fatalf("got a transfer of %d records, want the SOA record first and last", len(records))
		}
	}
	g, w := sorted(got), sorted(want)
	for _, line := range g {
		if !slices.Contains(w, line) {
			t.Errorf("got %q too", line)
		}
	}
	for _, line := range w {
		if !slices.Contains(g, line) {
			t.Errorf("got no %q", line)
		}
	}
	if len(g) != len(w) {
		t.Errorf("got %d records, want %d", len(g), len(w))
	}
}

// zoneFile writes a transferred zone into a file.
func zoneFile(t *testing.T, records []dns.RR) string {
	t.Helper()
	var b strings.Builder
	for _, rr := range records[:len(records)-1] {
		b.WriteString(rr.String() + "\n")
	}
	path := filepath.Join(t.TempDir(), "transferred")
	writeFile(t, path, b.String())
	return path
}

func local(port string) string { return net.JoinHostPort("127.0.0.1", port) }

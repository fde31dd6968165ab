package peers

import (
	"fmt"
	"testing"
	"time"

	"github.com/fakemx/fakemx/internal/servertest"
	"github.com/miekg/dns"
)

// The NSEC record with which dnssec denies a type lists others that may be there,
// but at names other than the apex never MX. A resolver that reuses denials
// (RFC 8198), as Unbound does, concludes that there is no MX set.
func TestAggressiveUseOfDenials(t *testing.T) {
	t.Parallel()
	keys := newKeys(t, "example.org.", dns.ECDSAP256SHA256, secureFlag)
	// start runs dnssec over file, with the TTL for the zone's SOA record.
	start := func(t *testing.T, plugins string, ttl int) *process {
		t.Helper()
		port := servertest.FreePort(t)
		servertest.Start(t, fmt.Sprintf("%s:%s {\nbind 127.0.0.1\n%s\n%s\nfile %s\n}", keys.zone, port, keys.signing(), plugins,
			servertest.File(t, "db.example.org", fmt.Sprintf("$ORIGIN example.org.\n$TTL 3600\n"+
				"@ %d IN SOA ns1 hostmaster 1 7200 900 1209600 300\n@ IN NS ns1\nns1 IN A 192.0.2.53\n%s", ttl, zoneText))))
		return startUnbound(t, hosted{Zone: keys.zone, Primary: port, Anchors: keys.anchors()}).answers(keys.zone)
	}
	// afterDenial is the number of MX records that a resolver finds after it was
	// asked for an address at the same name.
	afterDenial := func(t *testing.T, resolver *process, owner string) int {
		t.Helper()
		denied := resolve(t, resolver, question{owner, dns.TypeAAAA})
		if len(denied.Answer) > 0 || !denied.AuthenticatedData {
			t.Fatalf("AAAA of %s: got %v, want a validated denial", owner, denied)
		}
		// A record with the TTL 0 may be used by whoever asks in the same second.
		time.Sleep(1100 * time.Millisecond)
		m := resolve(t, resolver, question{owner, dns.TypeMX})
		if m.Rcode != dns.RcodeSuccess || !m.AuthenticatedData {
			t.Fatalf("MX of %s: got %v, want a validated answer", owner, m)
		}
		n := 0
		for _, rr := range m.Answer {
			if rr.Header().Rrtype == dns.TypeMX {
				n++
			}
		}
		return n
	}

	t.Run("without fakemx the MX set of a name below the apex disappears", func(t *testing.T) {
		t.Parallel()
		resolver := start(t, "", 3600)
		if n := afterDenial(t, resolver, "list.example.org."); n != 0 {
			t.Errorf("MX at list.example.org: got %d: dnssec has been mended, and what works round it can go", n)
		}
		if n := afterDenial(t, resolver, "example.org."); n != 2 {
			t.Errorf("MX at the apex: got %d, want 2", n)
		}
	})
	t.Run("a SOA record with the TTL 0 prevents it", func(t *testing.T) {
		t.Parallel()
		if n := afterDenial(t, start(t, "", 0), "list.example.org."); n != 1 {
			t.Errorf("MX at list.example.org: got %d, want 1", n)
		}
	})
	t.Run("fakemx gives it that TTL where there is an MX set", func(t *testing.T) {
		t.Parallel()
		resolver := start(t, fakes, 3600)
		for owner, want := range map[string]int{
			"list.example.org.":         5,
			"x.wild.example.org.":       5,
			"_realmx.list.example.org.": 1,
			"example.org.":              6,
		} {
			if n := afterDenial(t, resolver, owner); n != want {
				t.Errorf("MX at %s: got %d, want %d", owner, n, want)
			}
		}
	})
	t.Run("and leaves it where there is none, at the apex and for clients without DO", func(t *testing.T) {
		t.Parallel()
		address := local(startSigner(t, keys, servertest.Zone(t, keys.zone, zoneText)))
		for _, test := range []struct {
			name string
			do   bool
			ttl  uint32
		}{
			{"list.example.org.", true, 0},
			{"list.example.org.", false, 3600},
			{"www.example.org.", true, 3600},
			{"nothing.example.org.", true, 3600},
			{"example.org.", true, 3600},
		} {
			m := mustAsk(t, address, servertest.EDNS(servertest.Query(test.name, dns.TypeAAAA), 1232, test.do))
			if len(m.Ns) == 0 || m.Ns[0].Header().Rrtype != dns.TypeSOA || m.Ns[0].Header().Ttl != test.ttl {
				t.Errorf("AAAA of %s with DO %v: got %v, want a SOA record with the TTL %d", test.name, test.do, m, test.ttl)
			}
		}
	})
}

package peers

import (
	"fmt"
	"net"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coredns/coredns/plugin/transfer"
	"github.com/fakemx/fakemx/internal/servertest"
	"github.com/miekg/dns"
)

// records reads records in the form of a zone file, SOA first and last.
func records(t *testing.T, origin, text string) []dns.RR {
	t.Helper()
	parser := dns.NewZoneParser(strings.NewReader("@ 3600 IN SOA ns1 hostmaster 1 7200 900 1209600 300\n@ 3600 IN NS ns1\n"+text), origin, "")
	var rrs []dns.RR
	for rr, ok := parser.Next(); ok; rr, ok = parser.Next() {
		rrs = append(rrs, rr)
	}
	if err := parser.Err(); err != nil {
		t.Fatal(err)
	}
	return append(rrs, rrs[0])
}

// startBackend runs CoreDNS over a backend of the test and, behind it, file.
func startBackend(t *testing.T, b transferer, more string) string {
	t.Helper()
	backends.add(t.Name(), b)
	port := servertest.FreePort(t)
	servertest.Start(t, fmt.Sprintf("example.org:%s example.net:%s {\nbind 127.0.0.1\n%s\ntransfer {\nto *\n}\n%s %q\n}",
		port, port, more, backendPlugin, t.Name()))
	return local(port)
}

const twoFakes = `fakemx {
	lowest  fake0.mx 192.0.2.1
	highest fake9.mx 192.0.2.9
}`

const manySets = `
@ 600 IN MX 10 mail
a 600 IN A 192.0.2.1
@ 600 IN MX 20 backup
b 600 IN MX 5 mail
b 600 IN TXT "between"
B 600 IN MX 5 backup
`

func TestSetsInSeveralBatches(t *testing.T) {
	zone := records(t, "example.org.", manySets)
	answering := twoFakes + "\nfile " + servertest.Zone(t, "example.org", "") + " example.org"
	whole := axfr(t, startBackend(t, inBatches("example.org.", zone, len(zone)), answering), "example.org.")
	if n := count(whole, dns.TypeMX, "example.org."); n != 4 {
		t.Fatalf("in one batch: got %d MX records at the apex, want 2 real ones and 2 fakes", n)
	}
	if n := count(whole, dns.TypeMX, "b.example.org."); n != 4 {
		t.Fatalf("in one batch: got %d MX records at b.example.org, want 2 real ones and 2 fakes", n)
	}
	for size := 1; size < len(zone); size++ {
		t.Run(fmt.Sprintf("of %d records", size), func(t *testing.T) {
			got := axfr(t, startBackend(t, inBatches("example.org.", zone, size), answering), "example.org.")
			sameZone(t, got, whole)
		})
	}
}

func count(rrs []dns.RR, rrtype uint16, name string) int {
	n := 0
	for _, rr := range rrs {
		if rr.Header().Rrtype == rrtype && dns.CanonicalName(rr.Header().Name) == name {
			n++
		}
	}
	return n
}

func TestSeveralTransferers(t *testing.T) {
	first := inBatches("example.net.", records(t, "example.net.", manySets), 3)
	address := startBackend(t, first, twoFakes+"\nfile "+servertest.Zone(t, "example.org", parentText)+" example.org\n"+
		"file "+servertest.Zone(t, "example.net", "")+" example.net")
	for _, test := range []struct{ zone, from string }{
		{"example.net.", "the first backend behind"},
		{"example.org.", "the second, if the first does not have it"},
	} {
		t.Run("a zone comes from "+test.from, func(t *testing.T) {
			zone := axfr(t, address, test.zone)
			if n := count(zone, dns.TypeMX, test.zone); n != 4 {
				t.Errorf("got %d MX records at %s, want 2 real ones and 2 fakes", n, test.zone)
			}
			if n := count(zone, dns.TypeA, "fake0.mx."+test.zone); n != 1 {
				t.Errorf("got %d addresses of the sink of %s, want 1", n, test.zone)
			}
		})
	}
}

func TestSeveralStanzas(t *testing.T) {
	const others = `fakemx example.org {
		highest one 192.0.2.1
	}
	fakemx sub.example.org example.net {
		highest two 192.0.2.2
	}`
	text := "@ IN MX 10 mail\nhost.sub IN MX 10 mail\n*.host IN MX 10 mail\n"
	org, net, com := servertest.Zone(t, "example.org", text), servertest.Zone(t, "example.net", text), servertest.Zone(t, "example.com", text)
	port, without := servertest.FreePort(t), servertest.FreePort(t)
	const block = "example.org:%[1]s example.net:%[1]s example.com:%[1]s {\nbind 127.0.0.1\n%[2]s\ntransfer {\nto *\n}\nfile %[3]s example.org\nfile %[4]s example.net\nfile %[5]s example.com\n}\n"
	servertest.Start(t, fmt.Sprintf(block, port, others, org, net, com)+fmt.Sprintf(block, without, "", org, net, com))

	t.Run("each has its zones, the most specific first", func(t *testing.T) {
		zone := axfr(t, local(port), "example.org.")
		for name, exchange := range map[string]string{
			"example.org.":          "one.example.org.",
			"*.host.example.org.":   "one.example.org.",
			"host.sub.example.org.": "two.sub.example.org.",
		} {
			if n := count(zone, dns.TypeMX, name); n != 2 {
				t.Errorf("got %d MX records at %s, want 2", n, name)
			}
			if !slices.ContainsFunc(zone, func(rr dns.RR) bool {
				mx, ok := rr.(*dns.MX)
				return ok && mx.Hdr.Name == name && mx.Mx == exchange
			}) {
				t.Errorf("no MX record at %s with %s", name, exchange)
			}
			if n := count(zone, dns.TypeA, exchange); n != 1 {
				t.Errorf("got %d addresses of %s, want 1", n, exchange)
			}
		}
		if n := count(axfr(t, local(port), "example.net."), dns.TypeA, "two.example.net."); n != 1 {
			t.Errorf("got %d addresses of two.example.net, want 1", n)
		}
	})
	t.Run("a zone of none passes as it is", func(t *testing.T) {
		sameZone(t, axfr(t, local(port), "example.com."), axfr(t, local(without), "example.com."))
	})
}

// A backend that loses its own primary, say, ends a transfer too early. Nobody
// may take what there is for the zone.
func TestTransferThatBreaksOff(t *testing.T) {
	zone := records(t, "example.org.", manySets)
	for n := 1; n < len(zone); n++ {
		t.Run(fmt.Sprintf("after %d records", n), func(t *testing.T) {
			address := startBackend(t, inBatches("example.org.", zone[:n], 2), twoFakes)
			client := &dns.Transfer{ReadTimeout: 300 * time.Millisecond}
			envelopes, err := client.In(new(dns.Msg).SetAxfr("example.org."), address)
			if err != nil {
				return
			}
			for e := range envelopes {
				err = e.Error
			}
			if err == nil {
				t.Error("got a transfer that seems to be complete")
			}
		})
	}
}

// large is a zone that does not fit the buffers of a connection.
func large(t *testing.T) []dns.RR {
	t.Helper()
	small := records(t, "example.org.", manySets)
	soa := small[0]
	rrs := small[:len(small)-1]
	text := strings.Repeat("x", 200)
	for i := range 50000 {
		rrs = append(rrs, &dns.TXT{
			Hdr: dns.RR_Header{Name: fmt.Sprintf("n%d.example.org.", i), Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: 3600},
			Txt: []string{text},
		})
	}
	return append(rrs, soa)
}

func TestNoGoroutineIsLeftBehind(t *testing.T) {
	zone := large(t)
	check := func(t *testing.T, before int) {
		t.Helper()
		eventually(t, fmt.Sprintf("more than the %d goroutines of before", before), func() bool { return runtime.NumGoroutine() <= before })
	}
	request := new(dns.Msg).SetAxfr("example.org.")

	t.Run("by a client that hangs up half-way", func(t *testing.T) {
		address := startBackend(t, inBatches("example.org.", zone, 100), twoFakes)
		hangUp(t, address, request) // what a server starts once is started now
		before := goroutines()
		for range 5 {
			hangUp(t, address, request)
		}
		check(t, before)
		if got := axfr(t, address, "example.org."); len(got) < len(zone) {
			t.Errorf("afterwards: got %d records, want at least %d", len(got), len(zone))
		}
	})
	t.Run("by a backend that breaks", func(t *testing.T) {
		address := startBackend(t, func(string, uint32) (<-chan []dns.RR, error) { return nil, errBroken }, twoFakes)
		refused(t, address, request)
		before := goroutines()
		for range 20 {
			refused(t, address, request)
		}
		check(t, before)
	})
	t.Run("by a zone that nobody has", func(t *testing.T) {
		nobody := func(string, uint32) (<-chan []dns.RR, error) { return nil, transfer.ErrNotAuthoritative }
		address := startBackend(t, nobody, twoFakes)
		refused(t, address, request)
		before := goroutines()
		for range 20 {
			refused(t, address, request)
		}
		check(t, before)
	})
}

// goroutines returns the number of goroutines once those of earlier tests are gone.
func goroutines() int {
	n := runtime.NumGoroutine()
	for {
		time.Sleep(200 * time.Millisecond)
		now := runtime.NumGoroutine()
		if now >= n {
			return n
		}
		n = now
	}
}

// hangUp asks for a transfer, reads the first message and closes the connection.
func hangUp(t *testing.T, address string, request *dns.Msg) {
	t.Helper()
	connection, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	c := &dns.Conn{Conn: connection}
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if err := c.WriteMsg(request); err != nil {
		t.Fatal(err)
	}
	if m, err := c.ReadMsg(); err != nil || len(m.Answer) == 0 {
		t.Fatalf("first message of a transfer: got %v, %v, want records", m, err)
	}
}

// refused expects an answer to a transfer that says no.
func refused(t *testing.T, address string, request *dns.Msg) {
	t.Helper()
	m, err := ask("tcp", address, request)
	if err != nil || m.Rcode == dns.RcodeSuccess || len(m.Answer) > 0 {
		t.Fatalf("got %v, %v, want an error", m, err)
	}
}

package oracle

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// TestNSDIsRightWhereFileIsNot shows for each rule that calls *file* wrong that
// it is: NSD, which knows nothing of CoreDNS, answers over the hand-edited zone
// otherwise than *file*, and as fakemx does.
func TestNSDIsRightWhereFileIsNot(t *testing.T) {
	for _, c := range []struct {
		say     string
		records []string
		other   []string // of another zone
		stanza  *stanza
		name    string
		kind    uint16
	}{
		{
			say:     "an alias to a sink, and a type that the sink has not: the SOA says NODATA (RFC 2308 section 2.2)",
			records: []string{"example.org. 60 IN MX 10 mail.example.org.", "www.example.org. 60 IN CNAME fake.example.org."},
			stanza:  &stanza{highest: []fake{{"fake", []string{"192.0.2.1"}}}},
			name:    "www.example.org.", kind: dns.TypeTXT,
		},
		{
			say:     "a wildcard, and the name between a sink and the apex: it exists, so NODATA (RFC 4592 section 2.2.2)",
			records: []string{"*.example.org. 60 IN A 192.0.2.9"},
			stanza:  &stanza{highest: []fake{{"fake.mx", []string{"192.0.2.1"}}}},
			name:    "mx.example.org.", kind: dns.TypeA,
		},
		{
			say:    "an alias to a sink in another zone, and a type that the sink has not: the SOA is of the sink's zone (RFC 2308 section 2.2)",
			other:  []string{"www.example.net. 60 IN CNAME fake.example.org."},
			stanza: &stanza{zones: []string{"example.org."}, highest: []fake{{"fake", []string{"192.0.2.1"}}}},
			name:   "www.example.net.", kind: dns.TypeTXT,
		},
		{
			say:    "an alias to the name above a sink in another zone: the SOA is of that zone",
			other:  []string{"www.example.net. 60 IN CNAME mx.example.org."},
			stanza: &stanza{zones: []string{"example.org."}, highest: []fake{{"fake.mx", []string{"192.0.2.1"}}}},
			name:   "www.example.net.", kind: dns.TypeA,
		},
		{
			say:     "an alias to a name below a sink in another zone: the SOA is of that zone (RFC 2308 section 2.1)",
			records: []string{"*.example.org. 60 IN A 192.0.2.9"},
			other:   []string{"www.example.net. 60 IN CNAME x.fake.example.org."},
			stanza:  &stanza{zones: []string{"example.org."}, highest: []fake{{"fake", []string{"192.0.2.1"}}}},
			name:    "www.example.net.", kind: dns.TypeA,
		},
	} {
		t.Run(c.say, func(t *testing.T) {
			b := &block{
				zones:   []*zone{zoneOf("example.org.", c.records), zoneOf("example.net.", c.other)},
				stanzas: []*stanza{c.stanza},
			}
			edited := &block{zones: b.handEdit()}
			q := question{name: c.name, kind: c.kind, class: dns.ClassINET}
			nsd := meaningOf(t, &server{udp: startNSD(t, edited.zones)}, q)
			file := meaningOf(t, serve(t, []*world{{blocks: []*block{edited}}}, false), q)
			fakemx := meaningOf(t, serve(t, []*world{{blocks: []*block{b}}}, true), q)
			if nsd == file {
				t.Errorf("*file* agrees with NSD on %s, the rule about it can go:\n%s", q, file)
			}
			if nsd != fakemx {
				t.Errorf("fakemx and NSD on %s:\n%s\n%s", q, fakemx, nsd)
			}
		})
	}
}

// zoneOf returns a zone of these records, with a SOA and an NS record.
func zoneOf(origin string, records []string) *zone {
	z := &zone{origin: origin}
	z.addText("%[1]s 60 IN SOA ns1.%[1]s hostmaster.%[1]s 1 7200 900 1209600 60", origin)
	z.addText("%s 60 IN NS ns1.provider.invalid.", origin)
	for _, rr := range records {
		z.addText("%s", rr)
	}
	return z
}

// meaningOf returns what s says to q, without what servers are free to add: the
// NS set beside an answer, and addresses.
func meaningOf(t *testing.T, s *server, q question) string {
	t.Helper()
	wire, err := s.askSocket(q)
	if err != nil {
		t.Fatal(err)
	}
	m := new(dns.Msg)
	if err := m.Unpack(wire); err != nil {
		t.Fatal(err)
	}
	m.Ns = slices.DeleteFunc(m.Ns, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeNS })
	return fmt.Sprint(dns.RcodeToString[m.Rcode], " ", m.Authoritative, " ", set(m.Answer), " ", set(m.Ns))
}

// startNSD serves zones with NSD, a second reading of the RFCs beside that of *file*.
func startNSD(t *testing.T, zones []*zone) string {
	t.Helper()
	program, err := exec.LookPath("nsd")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("nsd is missing, and CI needs it: apt-get install nsd")
		}
		t.Skip("skipped: nsd is missing (apt-get install nsd)")
	}
	dir := t.TempDir()
	address := freeAddress(t)
	host, port, _ := net.SplitHostPort(address)
	config := filepath.Join(dir, "nsd.conf")
	text := fmt.Sprintf(`server:
	ip-address: %[1]s
	port: %[2]s
	server-count: 1
	username: ""
	zonesdir: %[3]q
	database: ""
	pidfile: "%[3]s/pid"
	xfrdfile: "%[3]s/xfrd"
	zonelistfile: "%[3]s/zonelist"
	cookie-secret-file: "%[3]s/cookie"
remote-control:
	control-enable: no
`, host, port, dir)
	for _, z := range zones {
		if err := os.WriteFile(filepath.Join(dir, z.origin), []byte(z.text()), 0o600); err != nil {
			t.Fatal(err)
		}
		text += fmt.Sprintf("zone:\n\tname: %[1]q\n\tzonefile: %[1]q\n", z.origin)
	}
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	nsd := exec.Command(program, "-d", "-c", config)
	output, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	nsd.Stdout, nsd.Stderr = output, output
	if err := nsd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		nsd.Process.Signal(os.Interrupt)
		nsd.Wait()
		output.Close()
		if t.Failed() {
			log, _ := os.ReadFile(output.Name())
			t.Logf("nsd: %s", log)
		}
	})
	for _, z := range zones {
		waitFor(t, address, z.origin)
	}
	return address
}

// freeAddress returns a loopback address whose port is free on UDP and TCP.
func freeAddress(t *testing.T) string {
	t.Helper()
	for range 20 {
		tcp, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		address := tcp.Addr().String()
		udp, err := net.ListenPacket("udp", address)
		tcp.Close()
		if err == nil {
			udp.Close()
			return address
		}
	}
	t.Fatal("no port is free on both UDP and TCP")
	return ""
}

func waitFor(t *testing.T, address, zone string) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		m, err := dns.Exchange(new(dns.Msg).SetQuestion(zone, dns.TypeSOA), address)
		if err == nil && m.Rcode == dns.RcodeSuccess && len(m.Answer) == 1 {
			return
		}
	}
	t.Fatalf("no server of %s at %s within %v", zone, address, patience)
}

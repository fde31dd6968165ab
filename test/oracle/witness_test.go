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
	} {
		t.Run(c.say, func(t *testing.T) {
			z := &zone{origin: "example.org."}
			z.addText("example.org. 60 IN SOA ns1.example.org. hostmaster.example.org. 1 7200 900 1209600 60")
			z.addText("example.org. 60 IN NS ns1.provider.invalid.")
			for _, rr := range c.records {
				z.addText("%s", rr)
			}
			b := &block{zones: []*zone{z}, stanzas: []*stanza{c.stanza}}
			edited := &block{zones: b.handEdit()}
			q := question{name: c.name, kind: c.kind, class: dns.ClassINET}
			nsd := meaningOf(t, &server{udp: startNSD(t, edited.zones[0])}, q)
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

// startNSD serves z with NSD, a second reading of the RFCs beside that of *file*.
func startNSD(t *testing.T, z *zone) string {
	t.Helper()
	program, err := exec.LookPath("nsd")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("nsd is missing, and CI needs it: apt-get install nsd")
		}
		t.Skip("skipped: nsd is missing (apt-get install nsd)")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "zone"), []byte(z.text()), 0o600); err != nil {
		t.Fatal(err)
	}
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
zone:
	name: %[4]q
	zonefile: "zone"
`, host, port, dir, z.origin)
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
	waitFor(t, address, z.origin)
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

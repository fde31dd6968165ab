package fakemx_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coredns/coredns/plugin/file"
	"github.com/coredns/coredns/plugin/pkg/dnstest"
	"github.com/coredns/coredns/plugin/test"
	"github.com/fakemx/fakemx/internal/servertest"
	"github.com/miekg/dns"
)

// busy is a zone whose sets have spare capacity in the slices that hold them,
// as three records read one by one have.
const busy = mail + `
	@       MX 30 third
	third   A 192.0.2.30
	three   A 192.0.2.1
	three   A 192.0.2.2
	three   A 192.0.2.3
	*.wild  MX 10 mail
	*.wild  MX 20 backup
	*.wild  MX 30 third
	alias   CNAME three
	null    MX 0 .`

// busyQueries are queries that take every way through fakemx.
var busyQueries = []struct {
	name  string
	qtype uint16
}{
	{"example.org.", dns.TypeMX},
	{"example.org.", dns.TypeNS},
	{"example.org.", dns.TypeANY},
	{"a.wild.example.org.", dns.TypeMX},
	{"three.example.org.", dns.TypeA},
	{"alias.example.org.", dns.TypeA},
	{"null.example.org.", dns.TypeMX},
	{"nothing.example.org.", dns.TypeMX},
	{"fake0.mx.example.org.", dns.TypeA},
	{"fake0.mx.example.org.", dns.TypeTXT},
	{"mx.example.org.", dns.TypeA},
	{"x.fake0.mx.example.org.", dns.TypeA},
	{"_25._tcp.fake0.mx.example.org.", dns.TypeTLSA},
	{"_realmx.example.org.", dns.TypeMX},
}

// The records that a backend hands out are its zone, shared by all queries.
func TestTheZoneBelowIsNeverChanged(t *testing.T) {
	content, err := os.Open(zoneFile(t, "example.org", busy))
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	zone, err := file.Parse(content, "example.org.", "db.example.org", 0)
	if err != nil {
		t.Fatal(err)
	}
	backend := file.File{Zones: file.Zones{Z: map[string]*file.Zone{"example.org.": zone}, Names: []string{"example.org."}}}
	f := handler(t, backend.ServeDNS)

	before := zoneText(t, zone)
	var group sync.WaitGroup
	for i := range 200 {
		group.Go(func() {
			for j := range 50 {
				q := busyQueries[(i+j)%len(busyQueries)]
				w := dnstest.NewRecorder(&test.ResponseWriter{})
				query := servertest.Query(q.name, q.qtype)
				if i%2 == 0 {
					servertest.EDNS(query, 4096, i%4 == 0)
				}
				if _, err := f.ServeDNS(t.Context(), w, query); err != nil || w.Msg == nil {
					t.Errorf("%s %s: got %v, %v", q.name, dns.TypeToString[q.qtype], w.Msg, err)
					return
				}
				spoil(w.Msg)
			}
		})
	}
	group.Wait()
	if after := zoneText(t, zone); after != before {
		t.Errorf("the zone was\n%s\nand is now\n%s", before, after)
	}
}

// spoil does what plugins in front do with an answer that is theirs: put records
// into another order and append some.
func spoil(m *dns.Msg) {
	extra := &dns.TXT{Hdr: dns.RR_Header{Name: "spoilt.example.org.", Rrtype: dns.TypeTXT, Class: dns.ClassINET}}
	m.Answer = append(m.Answer, extra)
	m.Ns = append(m.Ns, extra)
	m.Extra = append(m.Extra, extra)
}

// zoneText returns all records, sorted: file keeps those of a name in a map.
func zoneText(t *testing.T, zone *file.Zone) string {
	t.Helper()
	batches, err := zone.Transfer(0)
	if err != nil {
		t.Fatal(err)
	}
	var rrs []dns.RR
	for batch := range batches {
		rrs = append(rrs, batch...)
	}
	return strings.Join(servertest.Sorted(rrs), "\n")
}

// Each answer is that of one Corefile or the other, and none is lost.
func TestQueriesWhileReloading(t *testing.T) {
	corefiles := []string{
		corefile(t, bothFakes+"\nreal _realmx", busy),
		corefile(t, "lowest fake0.mx 198.51.100.1\nlowest other 198.51.100.7\nhighest fake9.mx 198.51.100.9\nreal _realmx\nttl 60", busy),
	}
	answers := make([]map[string]bool, len(busyQueries))
	for i, q := range busyQueries {
		answers[i] = make(map[string]bool)
		for _, c := range corefiles {
			s := servertest.Start(t, c)
			answers[i][servertest.Text(s.Ask(servertest.EDNS(servertest.Query(q.name, q.qtype), 4096, false)))] = true
			s.Stop()
		}
	}

	s := servertest.Start(t, corefiles[0])
	udp, tcp := s.UDP, s.TCP // Reload would write them while they are read
	var stop atomic.Bool
	var asked atomic.Int64
	var group sync.WaitGroup
	for i := range 64 {
		group.Go(func() {
			for j := 0; !stop.Load(); j++ {
				n := (i + j) % len(busyQueries)
				q := busyQueries[n]
				client, address := &dns.Client{Net: "udp", UDPSize: 4096}, udp
				if i%8 == 0 {
					client.Net, address = "tcp", tcp
				}
				query := servertest.EDNS(servertest.Query(q.name, q.qtype), 4096, false)
				m, _, err := client.Exchange(query, address)
				// CoreDNS closes TCP connections that it has accepted and not yet
				// read from when it reloads; a client then connects anew (RFC 7766
				// section 6.2.4).
				for tries := 0; err != nil && client.Net == "tcp" && tries < 500; tries++ {
					time.Sleep(10 * time.Millisecond)
					m, _, err = client.Exchange(query, address)
				}
				if err != nil {
					t.Errorf("%s %s over %s: %v", q.name, dns.TypeToString[q.qtype], client.Net, err)
					return
				}
				if text := servertest.Text(m); !answers[n][text] {
					t.Errorf("%s %s: got\n%s\nwant the answer of one of the Corefiles", q.name, dns.TypeToString[q.qtype], text)
					return
				}
				asked.Add(1)
			}
		})
	}
	for i := range 20 {
		if err := s.Reload(corefiles[(i+1)%2]); err != nil {
			t.Error(err)
		}
	}
	stop.Store(true)
	group.Wait()
	t.Logf("%d queries during 20 reloads", asked.Load())
}

// The dnssec plugin appends signatures to the section that it is given. Over
// file alone that writes into the zone: with -race this test reports it when the
// fakemx block is taken from its Corefile. fakemx leaves no room to append to.
func TestDNSSECAboveDoesNotWriteIntoTheZone(t *testing.T) {
	s := servertest.Start(t, `example.org:0 {
		bind 127.0.0.1
		dnssec {
			key file `+signingKey(t, "example.org.")+`
		}
		fakemx {
			`+bothFakes+`
		}
		file `+zoneFile(t, "example.org", busy+"\n@ NS ns3\nns3 A 192.0.2.3")+`
	}`)
	var group sync.WaitGroup
	for i := range 32 {
		group.Go(func() {
			for j := range 30 {
				q := busyQueries[(i+j)%len(busyQueries)]
				m := s.Ask(servertest.EDNS(servertest.Query(q.name, q.qtype), 4096, true))
				for _, rr := range m.Answer {
					if sig, ok := rr.(*dns.RRSIG); ok && sig.TypeCovered != dns.TypeCNAME && q.qtype != dns.TypeANY && sig.TypeCovered != q.qtype {
						t.Errorf("%s %s: got a signature of %s", q.name, dns.TypeToString[q.qtype], dns.TypeToString[sig.TypeCovered])
					}
				}
			}
		})
	}
	group.Wait()
}

// signingKey makes a key pair for dnssec and returns the path without suffix.
func signingKey(t *testing.T, zone string) string {
	t.Helper()
	key := &dns.DNSKEY{
		Hdr:       dns.RR_Header{Name: zone, Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: 3600},
		Flags:     dns.ZONE | dns.SEP,
		Protocol:  3,
		Algorithm: dns.ECDSAP256SHA256,
	}
	private, err := key.Generate(256)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), fmt.Sprintf("K%s+%03d+%05d", zone, key.Algorithm, key.KeyTag()))
	write(t, path+".key", key.String()+"\n")
	write(t, path+".private", key.PrivateKeyString(private))
	return path
}

package transfer

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/transfer"
	"github.com/fakemx/fakemx/internal/answer"
	"github.com/fakemx/fakemx/internal/config"
	"github.com/fakemx/fakemx/internal/zones"
	"github.com/miekg/dns"
)

// backend has the zone example.org with so many MX sets, which it makes as it
// sends them, and answers that nothing else is there.
type backend struct {
	sets   int
	serial atomic.Uint32
	// apart sends the records of a set with others between them.
	apart bool
	// changes makes each transfer one of another version.
	changes bool
}

func (b *backend) soa() dns.RR {
	return record(fmt.Sprintf("@ SOA ns hostmaster %d 1 1 1 300", b.serial.Load()))
}

func record(text string) dns.RR {
	rr, err := dns.NewRR("$ORIGIN example.org.\n$TTL 3600\n" + text)
	if err != nil {
		panic(err)
	}
	return rr
}

func mx(owner string, preference uint16, exchange string) dns.RR {
	hdr := dns.RR_Header{Name: owner, Rrtype: dns.TypeMX, Class: dns.ClassINET, Ttl: 3600}
	return &dns.MX{Hdr: hdr, Preference: preference, Mx: exchange}
}

func (b *backend) Transfer(zone string, _ uint32) (<-chan []dns.RR, error) {
	if zone != "example.org." {
		return nil, transfer.ErrNotAuthoritative
	}
	if b.changes {
		b.serial.Add(1)
	}
	ch := make(chan []dns.RR)
	go func() {
		defer close(ch)
		ch <- []dns.RR{b.soa(), record("@ NS ns.provider.invalid.")}
		for i := range b.sets {
			owner := fmt.Sprintf("d%d.example.org.", i)
			first, second := mx(owner, 10, "mail.example.org."), mx(owner, 20, "backup.example.org.")
			if b.apart {
				ch <- []dns.RR{first, record(fmt.Sprintf("d%d TXT x", i))}
				ch <- []dns.RR{second}
			} else {
				ch <- []dns.RR{first, second}
			}
		}
		ch <- []dns.RR{b.soa()}
	}()
	return ch, nil
}

func (b *backend) ServeDNS(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	m := new(dns.Msg).SetRcode(r, dns.RcodeNameError)
	m.Ns = []dns.RR{b.soa()}
	return dns.RcodeSuccess, w.WriteMsg(m)
}

func (b *backend) Name() string { return "backend" }

func editorOver(t *testing.T, b *backend) *Editor {
	t.Helper()
	stanzas, err := config.Parse(caddy.NewTestController("dns", "fakemx example.org {\nlowest fake0 198.51.100.1\nhighest decoy[1-3] 198.51.100.2\n}"))
	if err != nil {
		t.Fatal(err)
	}
	answers := answer.New(zones.New(stanzas))
	answers.Next = plugin.Handler(b)
	answers.SetFront(nil, false)
	b.serial.Add(1)
	return &Editor{Behind: []transfer.Transferer{b}, Answers: answers}
}

func transferred(t *testing.T, e *Editor) []string {
	t.Helper()
	ch, err := e.Transfer("example.org.", 0)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for batch := range ch {
		for _, rr := range batch {
			all = append(all, strings.Join(strings.Fields(rr.String()), " "))
		}
	}
	return all
}

func TestTheZoneHasFakesAndSinks(t *testing.T) {
	want := `example.org. 3600 IN SOA ns.example.org. hostmaster.example.org. 1 1 1 1 300
example.org. 3600 IN NS ns.provider.invalid.
d0.example.org. 3600 IN MX 0 fake0.example.org.
d0.example.org. 3600 IN MX 10 mail.example.org.
d0.example.org. 3600 IN MX 20 backup.example.org.
d0.example.org. 3600 IN MX 30 decoy1.example.org.
d0.example.org. 3600 IN MX 40 decoy2.example.org.
d0.example.org. 3600 IN MX 50 decoy3.example.org.
fake0.example.org. 3600 IN A 198.51.100.1`
	got := strings.Join(transferred(t, editorOver(t, &backend{sets: 1})), "\n")
	if !strings.HasPrefix(got, want) {
		t.Errorf("got\n%s\nwant it to begin with\n%s", got, want)
	}
	if first, _, _ := strings.Cut(got, "\n"); !strings.HasSuffix(got, "\n"+first) {
		t.Errorf("got\n%s\nwant the SOA record last, too", got)
	}
}

func TestASetThatComesInPiecesIsPutTogether(t *testing.T) {
	records := transferred(t, editorOver(t, &backend{sets: 3, apart: true}))
	count := 0
	for _, text := range records {
		if strings.Contains(text, " MX ") {
			count++
		}
	}
	if count != 3*6 {
		t.Errorf("got %d MX records of 3 sets, want 6 each:\n%s", count, strings.Join(records, "\n"))
	}
}

func TestAZoneThatChangesAllTheTimeFails(t *testing.T) {
	_, err := editorOver(t, &backend{sets: 1, changes: true}).Transfer("example.org.", 0)
	if !errors.Is(err, errChanged) {
		t.Errorf("got %v, want %v", err, errChanged)
	}
}

// A client that is slow costs no copy of the zone: what is there of it is what the
// backend is about to send.
func TestStalledClientsCostNoCopy(t *testing.T) {
	const sets, clients = 5_000, 20
	e := editorOver(t, &backend{sets: sets})
	heap := func() uint64 {
		runtime.GC()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc
	}
	before := heap()
	stalled := make([]<-chan []dns.RR, clients)
	for i := range stalled {
		ch, err := e.Transfer("example.org.", 0)
		if err != nil {
			t.Fatal(err)
		}
		<-ch
		stalled[i] = ch
	}
	// One copy of the edited zone takes more than this.
	if grown := int64(heap() - before); grown > sets*6*64 {
		t.Errorf("%d stalled clients take %d octets", clients, grown)
	}
	for _, ch := range stalled {
		for range ch {
		}
	}
}

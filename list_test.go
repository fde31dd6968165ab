package fakemx_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fakemx/fakemx/internal/servertest"
	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"
)

// reloadTime is long enough for a changed list to be seen and taken.
const reloadTime = 20 * time.Second

// listed runs fakemx for the zones of a list, over a backend that has an MX set
// and a SOA record at every name.
func listed(t testing.TB, path, properties string) *servertest.Server {
	t.Helper()
	return servertest.Start(t, `.:0 {
		bind 127.0.0.1
		fakemx base.test {
			zones_from `+path+`
			`+properties+`
		}
		forward . `+everything(t)+`
	}`)
}

// everything is a backend that has an MX set at every name of every zone.
func everything(t testing.TB) string {
	t.Helper()
	return servertest.Serve(t, func(w dns.ResponseWriter, r *dns.Msg) {
		q := r.Question[0]
		labels := dns.SplitDomainName(q.Name)
		zone := strings.Join(labels[max(0, len(labels)-2):], ".")
		soa := servertest.Records(t, zone, "@ 60 SOA ns hostmaster 1 7200 900 1209600 300")
		m := new(dns.Msg).SetReply(r)
		switch {
		case q.Qtype == dns.TypeMX && !strings.HasPrefix(q.Name, "fake"):
			m.Answer = []dns.RR{&dns.MX{Hdr: dns.RR_Header{Name: q.Name, Rrtype: q.Qtype, Class: q.Qclass, Ttl: 60}, Preference: 10, Mx: "mail.example.org."}}
		case q.Qtype == dns.TypeSOA && q.Name == dns.Fqdn(zone):
			m.Answer = soa
		default:
			m.Rcode, m.Ns = dns.RcodeNameError, soa
		}
		_ = w.WriteMsg(m)
	})
}

// injected reports whether a name's set has the fake.
func injected(s *servertest.Server, name string) bool {
	return len(s.Ask(servertest.Query(name, dns.TypeMX)).Answer) == 2
}

func TestZonesFromAList(t *testing.T) {
	s := listed(t, servertest.File(t, "zones", `
# comment
example.org
Example.NET.   # another
	sub.example.com
`), "highest fake 198.51.100.1")
	for _, name := range []string{"example.org", "example.net", "sub.example.com", "x.sub.example.com", "base.test"} {
		t.Run(name+" has the fake", func(t *testing.T) {
			if !injected(s, name) {
				t.Error("got the real set alone")
			}
		})
	}
	for _, name := range []string{"example.com", "comment", "test"} {
		t.Run(name+" is in no zone", func(t *testing.T) {
			if injected(s, name) {
				t.Error("got the fake")
			}
		})
	}
}

func TestAZoneOfTheCorefileGoesBeforeTheList(t *testing.T) {
	s := servertest.Start(t, `.:0 {
		bind 127.0.0.1
		fakemx base.test {
			zones_from `+servertest.File(t, "zones", "example.org\nexample.net\n")+`
			highest list 198.51.100.1
		}
		fakemx example.org {
			highest corefile 198.51.100.2
		}
		forward . `+everything(t)+`
	}`)
	wantSet(t, s, "example.org", dns.TypeMX, "@ 60 MX 10 mail\n@ 60 MX 20 corefile")
	wantSet(t, s, "example.net", dns.TypeMX, "example.net. 60 MX 10 mail\nexample.net. 60 MX 20 list.example.net.")
}

// The path is relative to the root directory that the Corefile sets.
func TestAListRelativeToRoot(t *testing.T) {
	path := servertest.File(t, "zones", "example.org\n")
	s := servertest.Start(t, `.:0 {
		bind 127.0.0.1
		root `+filepath.Dir(path)+`
		fakemx base.test {
			zones_from zones
			highest fake 198.51.100.1
		}
		forward . `+everything(t)+`
	}`)
	if !injected(s, "example.org") {
		t.Error("got the real set alone, want the fake")
	}
}

// Two lists take turns that share one zone: it must have its fake at all times.
// Lists are looked at every other second.
func TestAListIsSwappedUnderQueries(t *testing.T) {
	lists := []string{"shared.test\nodd.test\n", "shared.test\neven.test\n"}
	path := servertest.File(t, "zones", lists[0])
	s := listed(t, path, "highest fake 198.51.100.1")
	var stop atomic.Bool
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for !stop.Load() {
				if !injected(s, "shared.test") {
					t.Error("shared.test: got the real set alone while the list changed")
					return
				}
				time.Sleep(time.Millisecond)
			}
		})
	}
	for i := range 2 {
		write(t, path+".new", lists[(i+1)%2])
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
		name := []string{"even.test", "odd.test"}[i]
		servertest.Eventually(t, reloadTime, "the other list", func() bool { return injected(s, name) })
	}
	stop.Store(true)
	group.Wait()
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// What became of a list is logged once and can be alerted on.
func TestAFailingListIsLoggedOnceAndCounted(t *testing.T) {
	t.Parallel() // and the only such test with a list in this process
	log := servertest.CaptureLog(t)
	address := "127.0.0.1:" + servertest.FreePort(t)
	path := servertest.File(t, "zones", "example.org\n")
	s := servertest.Start(t, `.:0 {
		bind 127.0.0.1
		prometheus `+address+`
		fakemx base.test {
			zones_from `+path+`
			highest fake.invalid.
		}
		forward . `+everything(t)+`
	}`)
	const (
		failure = "[ERROR] plugin/fakemx: zones_from: "
		failed  = `coredns_fakemx_zones_from_loads_total{result="failed"}`
		loaded  = `coredns_fakemx_zones_from_loads_total{result="loaded"}`
		failing = `coredns_fakemx_zones_from_failing`
		zones   = `coredns_fakemx_zones_from_zones`
	)
	before := scrape(t, address)
	write(t, path, "example.net\nexample.com\nbad..zone\n")
	log.Wait(t, failure)
	if got := added(before, scrape(t, address)); got[failed] != 1 || got[failing] != 1 || got[zones] != 0 || got[loaded] != 0 {
		t.Errorf("with a mistake in the list: got %v more, want one failed load and one failing list", got)
	}
	time.Sleep(2500 * time.Millisecond) // looked at once more
	wantLines(t, log.Lines(failure), `[ERROR] plugin/fakemx: zones_from: `+path+`:3 - bad zone "bad..zone": expected labels of up to 63 letters, digits, hyphens or underscores; the list in force stays`)
	if !injected(s, "example.org") {
		t.Error("got the real set alone, want the list in force to stay")
	}

	write(t, path, "example.net\nexample.com\nexample.org\nexample.net\n")
	log.Wait(t, "3 zones loaded")
	wantLines(t, log.Lines("loaded from "+path), `[INFO] plugin/fakemx: zones_from: 3 zones loaded from `+path)
	if got := added(before, scrape(t, address)); got[failed] != 1 || got[failing] != 0 || got[zones] != 2 || got[loaded] != 1 {
		t.Errorf("with a good list: got %v more, want one load, two more zones and no failing list", got)
	}

	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	servertest.Eventually(t, reloadTime, "a second line", func() bool { return len(log.Lines(failure)) == 2 })
	if got := added(before, scrape(t, address)); got[failed] != 2 || got[failing] != 1 {
		t.Errorf("without the list: got %v more, want two failed loads and a failing list", got)
	}
	t.Run("a stopped server is no longer in the metrics", func(t *testing.T) {
		s.Stop()
		servertest.Eventually(t, reloadTime, "the gauges of before", func() bool {
			return gauge(t, failing) == before[failing] && gauge(t, zones) == before[zones]-1
		})
	})
}

// gauge reads a metric without labels in the process: the exporter has stopped.
func gauge(t *testing.T, name string) float64 {
	t.Helper()
	families, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == name {
			return family.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("%s is not there", name)
	return 0
}

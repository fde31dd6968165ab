package peers

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/fakemx/fakemx/internal/servertest"
	"github.com/miekg/dns"
)

func TestOverOtherPlugins(t *testing.T) {
	t.Run("auto serves the zone with the fakes", func(t *testing.T) {
		path := servertest.Zone(t, "example.org", plainText)
		edited := startNSD(t, hosted{Zone: "example.org.", File: servertest.Zone(t, "example.org", editedText)}).answers("example.org.").address()
		front := startCoreDNS(t, frontFakes, "auto example.org {\ndirectory "+filepath.Dir(path)+"\n}\ntransfer {\nto *\n}")
		zone := axfr(t, edited, "example.org.")
		sameData(t, front, edited, slices.DeleteFunc(namesAround(zone), hasDataBelowOnly))
		t.Run("and transfers it", func(t *testing.T) { sameZone(t, axfr(t, front, "example.org."), zone) })
	})

	t.Run("template makes the MX set that fakes join", func(t *testing.T) {
		front := startPlugins(t, twoFakes, `template IN MX {
			answer "{{ .Name }} 60 IN MX 10 mail.example.org."
		}
		template IN ANY {
			rcode NOERROR
			authority "example.org. 60 IN SOA ns1.example.org. hostmaster.example.org. 1 60 60 60 60"
		}`)
		m := mustAsk(t, front, servertest.Query("any.example.org", dns.TypeMX))
		if n := count(m.Answer, dns.TypeMX, "any.example.org."); n != 3 || !m.Authoritative {
			t.Errorf("MX: got %v, want the set of the template and 2 fakes, authoritative", m)
		}
		for _, rr := range m.Answer {
			if rr.Header().Ttl != 60 {
				t.Errorf("MX: got %v, want the TTL of the template, 60", rr)
			}
		}
	})

	t.Run("hosts has no MX set, and none is made", func(t *testing.T) {
		const hosts = "hosts {\n192.0.2.80 www.example.org\n}"
		front, without := startPlugins(t, twoFakes, hosts), startPlugins(t, hosts)
		sameAnswers(t, front, without, []question{
			{"www.example.org.", dns.TypeA},
			{"www.example.org.", dns.TypeMX},
			{"example.org.", dns.TypeMX},
		})
	})
	t.Run("hosts has no SOA record, so a sink is SERVFAIL", func(t *testing.T) {
		front := startPlugins(t, twoFakes, "hosts {\n192.0.2.80 www.example.org\n}")
		if m := mustAsk(t, front, servertest.Query("fake0.mx.example.org", dns.TypeA)); m.Rcode != dns.RcodeServerFailure || len(m.Answer) > 0 {
			t.Errorf("got %v, want SERVFAIL", m)
		}
	})
}

// What is not authoritative behind fakemx is not in front either: a resolver's answer stays
// one. The sinks are fakemx's own.
func TestOverAResolver(t *testing.T) {
	t.Parallel() // it waits for a name server that is silent
	nsd := startNSD(t, hosted{Zone: "example.org.", File: servertest.Zone(t, "example.org", plainText)}).answers("example.org.")
	resolver := startUnbound(t, hosted{Zone: "example.org.", Primary: nsd.port}).answers("example.org.")
	front := startCoreDNS(t, frontFakes, "forward . "+resolver.address())
	recursive := func(name string, qtype uint16) *dns.Msg {
		return mustAsk(t, front, new(dns.Msg).SetQuestion(name, qtype))
	}

	m := recursive("example.org.", dns.TypeMX)
	if n := count(m.Answer, dns.TypeMX, "example.org."); n < 5 || m.Authoritative || !m.RecursionAvailable {
		t.Errorf("MX: got %v, want the real record and the fakes whose sinks are not delegated, not authoritative, recursion available", m)
	}
	m = recursive("fake0.mx.example.org.", dns.TypeA)
	if n := count(m.Answer, dns.TypeA, "fake0.mx.example.org."); n != 1 || !m.Authoritative {
		t.Errorf("A of a sink: got %v, want its address, authoritative", m)
	}
	m = recursive("to.example.org.", dns.TypeA)
	if n := count(m.Answer, dns.TypeA, "fake0.mx.example.org."); n != 1 {
		t.Errorf("A of an alias of a sink: got %v, want the address of the sink", m)
	}
}

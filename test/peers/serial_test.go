package peers

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fakemx/fakemx/internal/servertest"
	"github.com/miekg/dns"
)

// fewerFakes is another configuration than fakes.
const fewerFakes = `fakemx {
	highest decoy9.mx 192.0.2.9
}`

// A secondary looks at the serial only, which is the real zone's own and does not
// change with the configuration of fakemx.
func TestChangedFakes(t *testing.T) {
	for name, start := range secondaries {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			port := servertest.FreePort(t)
			transfer := fmt.Sprintf("\ntransfer {\nto * 127.0.0.1:%s\n}", port)
			p := startPrimary(t, fakes+transfer, parentText)
			s := start(t, hosted{Zone: "example.org.", Primary: p.port, Port: port}).answers("example.org.")
			has := func() int { return len(mustAsk(t, s.address(), servertest.Query("example.org", dns.TypeMX)).Answer) }
			if n := has(); n != 6 {
				t.Fatalf("got %d MX records, want 2 real ones and 4 fakes", n)
			}

			p.reload(t, fewerFakes+transfer)
			// No event tells that nothing is going to happen. The NOTIFY of a restart is
			// sent at once, and in the second half of this test it has its effect in less.
			time.Sleep(700 * time.Millisecond)
			if n := has(); n != 6 {
				t.Errorf("after a change of the fakes with the same serial: got %d MX records, want the 6 of before", n)
			}

			mustRun(t, s.retransfer[0], s.retransfer[1:]...)
			s.eventually("does not have the changed fakes, though told to transfer", func() bool { return has() == 3 })

			p.reload(t, strings.Replace(fewerFakes, "}", "highest decoy8.mx 192.0.2.8\n}", 1)+transfer)
			p.raise(t, 2)
			s.eventually("does not have the changed fakes of a new serial", func() bool { return has() == 4 })
			sameData(t, s.address(), local(p.port), namesAround(axfr(t, local(p.port), "example.org.")))
			if m := mustAsk(t, s.address(), servertest.Query("fake0.mx.example.org", dns.TypeA)); m.Rcode != dns.RcodeNameError {
				t.Errorf("a sink that is no more: got %v, want a name error", m)
			}
		})
	}
}

func TestIXFR(t *testing.T) {
	p := startPrimary(t, fakes+"\ntransfer {\nto *\n}", parentText)
	p.raise(t, 5)
	whole := axfr(t, local(p.port), "example.org.")

	t.Run("a secondary that is up to date gets the SOA record alone", func(t *testing.T) {
		got := transferred(t, local(p.port), new(dns.Msg).SetIxfr("example.org.", 5, "ns1.example.org.", "hostmaster.example.org."))
		if len(got) != 1 || got[0].String() != whole[0].String() {
			t.Errorf("got %v, want %v", got, whole[0])
		}
	})
	t.Run("one that is not gets the whole zone", func(t *testing.T) {
		got := transferred(t, local(p.port), new(dns.Msg).SetIxfr("example.org.", 4, "ns1.example.org.", "hostmaster.example.org."))
		sameZone(t, got, whole)
	})
}

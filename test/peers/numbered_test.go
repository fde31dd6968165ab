package peers

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/fakemx/fakemx/internal/servertest"
	"github.com/miekg/dns"
)

// TestSecondariesFollow changes the fakes of a primary with serial: nobody edits
// the zone, and the secondaries, whose refresh interval is hours, have the change
// within seconds.
func TestSecondariesFollow(t *testing.T) {
	type follower struct {
		name, key string
		start     func(*testing.T, hosted) *process
	}
	followers := append(make([]follower, 0, 1+len(secondaries)), follower{name: "Knot DNS with TSIG", key: tsigName, start: startKnot})
	for name, start := range secondaries {
		followers = append(followers, follower{name: name, start: start})
	}
	for _, f := range followers {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			port, file := servertest.FreePort(t), filepath.Join(t.TempDir(), "serials")
			tsig := ""
			secret := ""
			if f.key != "" {
				secret = tsigSecret
				tsig = fmt.Sprintf("tsig {\nsecret %s %s\nrequire AXFR IXFR\n}\n", tsigName, tsigSecret)
			}
			plugins := func(fakes string) string {
				return fmt.Sprintf("%sfakemx {\nserial %s\n%s\n}\ntransfer {\nto * 127.0.0.1:%s\n}", tsig, file, fakes, port)
			}
			p := startPrimary(t, plugins("highest decoy[1-3] 192.0.2.9"), parentText)
			eventually(t, "the primary has no number of its own", func() bool { return number(t, local(p.port)) == 2 })
			s := f.start(t, hosted{Zone: "example.org.", Primary: p.port, Port: port, Key: f.key, Secret: secret}).answers("example.org.")
			has := func() int { return len(mustAsk(t, s.address(), servertest.Query("example.org", dns.TypeMX)).Answer) }
			s.eventually("does not have the fakes", func() bool { return has() == 5 && number(t, s.address()) == 2 })

			p.reload(t, plugins("highest decoy1 192.0.2.9"))
			s.eventually("does not follow a change of the fakes", func() bool { return has() == 3 })
			if got := number(t, s.address()); got != 3 {
				t.Errorf("the secondary has the number %d, want 3", got)
			}
			p.raise(t, 100)
			s.eventually("does not follow a change of the zone", func() bool { return number(t, s.address()) == 100 })
			p.reload(t, plugins("highest decoy[1-2] 192.0.2.9"))
			s.eventually("does not follow a second change of the fakes", func() bool { return has() == 4 && number(t, s.address()) == 101 })
			if f.key == "" {
				sameData(t, s.address(), local(p.port), namesAround(axfr(t, local(p.port), "example.org.")))
			}
		})
	}
}

// number is the serial number with which a server has the zone, 0 without an
// answer.
func number(t *testing.T, address string) uint32 {
	t.Helper()
	m := mustAsk(t, address, servertest.Query("example.org", dns.TypeSOA))
	if len(m.Answer) == 0 {
		return 0
	}
	soa, ok := m.Answer[0].(*dns.SOA)
	if !ok {
		return 0
	}
	return soa.Serial
}

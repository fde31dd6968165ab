package peers

import (
	"fmt"
	"slices"
	"testing"

	"github.com/fakemx/fakemx/internal/servertest"
	"github.com/miekg/dns"
)

// A primary and its secondary may both have fakemx: what the first adds the
// second finds there.
func TestFakemxTwice(t *testing.T) {
	p := startPrimary(t, fakes+"\ntransfer {\nto *\n}", parentText)
	port := servertest.FreePort(t)
	servertest.Start(t, fmt.Sprintf("example.org:%s {\nbind 127.0.0.1\n%s\ntransfer {\nto *\n}\nsecondary {\ntransfer from %s\n}\n}", port, fakes, local(p.port)))
	servesSOA(t, local(port), "example.org.")

	zone := axfr(t, local(p.port), "example.org.")
	t.Run("the zone is the same", func(t *testing.T) { sameZone(t, axfr(t, local(port), "example.org."), zone) })
	t.Run("the answers are the same", func(t *testing.T) {
		// Where an alias leads to what is not there, file gives NS records instead of
		// the SOA record that fakemx gives (RFC 2308 section 2.2).
		questions := slices.DeleteFunc(aroundSinks("example.org."), func(q question) bool {
			return (q.name == "lost.example.org." || q.name == "to.example.org.") && q.qtype != dns.TypeA
		})
		sameAnswers(t, local(port), local(p.port), questions)
	})
	t.Run("the data is the same", func(t *testing.T) { sameData(t, local(port), local(p.port), namesAround(zone)) })
}

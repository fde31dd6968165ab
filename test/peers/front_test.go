package peers

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fakemx/fakemx/internal/servertest"
	"github.com/miekg/dns"
)

// The same zone twice: plain, for fakemx in front of a name server, and with the
// fakes typed in by hand, for that name server alone. Both have what follows.
const everythingElse = `
mail       IN A     192.0.2.10
www        IN A     192.0.2.80
*          IN TXT   "a wildcard at the apex"
*.star     IN A     192.0.2.20
*.alias    IN CNAME www
between.own   IN TXT "data at a name above a sink"
*.between.own IN A   192.0.2.21
null       IN MX    0 .
to         IN CNAME fake0.mx
to-ent     IN CNAME mx
to-nothing IN CNAME nothing.fake0.mx
twice      IN CNAME to
to-mx      IN CNAME list
out        IN CNAME www.example.net.
tree       IN DNAME mx
sub        IN NS    ns.sub
ns.sub     IN A     192.0.2.54
`

const (
	frontFakes = `fakemx {
		lowest  fake0.mx        192.0.2.1 2001:db8::1
		highest s.between.star  192.0.2.2
		highest s.between.alias 192.0.2.3
		highest s.between.own   192.0.2.4
		highest gone.sub        192.0.2.5
	}` // the last is below a zone cut, so no fake points to it
	plainText = everythingElse + `
@      IN MX 10 mail
list   IN MX 20 mail
*.star IN MX 5  mail
`
	editedText = everythingElse + `
@      IN MX 0  fake0.mx
@      IN MX 10 mail
@      IN MX 20 s.between.star
@      IN MX 30 s.between.alias
@      IN MX 40 s.between.own
list   IN MX 10 fake0.mx
list   IN MX 20 mail
list   IN MX 30 s.between.star
list   IN MX 40 s.between.alias
list   IN MX 50 s.between.own
*.star IN MX 0  fake0.mx
*.star IN MX 5  mail
*.star IN MX 15 s.between.star
*.star IN MX 25 s.between.alias
*.star IN MX 35 s.between.own
fake0.mx        IN A    192.0.2.1
fake0.mx        IN AAAA 2001:db8::1
s.between.star  IN A    192.0.2.2
s.between.alias IN A    192.0.2.3
s.between.own   IN A    192.0.2.4
_25._tcp.fake0.mx        IN TLSA 3 1 1 0000000000000000000000000000000000000000000000000000000000000000
_25._tcp.s.between.star  IN TLSA 3 1 1 0000000000000000000000000000000000000000000000000000000000000000
_25._tcp.s.between.alias IN TLSA 3 1 1 0000000000000000000000000000000000000000000000000000000000000000
_25._tcp.s.between.own   IN TLSA 3 1 1 0000000000000000000000000000000000000000000000000000000000000000
`
)

var nameServers = map[string]func(*testing.T, hosted) *process{
	"NSD":      startNSD,
	"Knot DNS": startKnot,
	"BIND":     startBIND,
	"PowerDNS": startPowerDNS,
}

// A name server behind fakemx answers like the same name server with the fakes
// typed into its zone.
func TestInFrontOfNameServers(t *testing.T) {
	for name, start := range nameServers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plain := start(t, hosted{Zone: "example.org.", File: servertest.Zone(t, "example.org", plainText)}).answers("example.org.")
			edited := start(t, hosted{Zone: "example.org.", File: servertest.Zone(t, "example.org", editedText)}).answers("example.org.")
			names := namesAround(append(axfr(t, edited.address(), "example.org."), extraNames(t)...))

			t.Run("through forward", func(t *testing.T) {
				front := startCoreDNS(t, frontFakes, "forward . "+plain.address())
				sameData(t, front, edited.address(), names)
			})
			t.Run("through forward, what is not changed is as it was, header and all", func(t *testing.T) {
				backend := "forward . " + plain.address()
				sameAnswers(t, startCoreDNS(t, frontFakes, backend), startCoreDNS(t, backend), []question{
					{"example.org.", dns.TypeTXT},
					{"www.example.org.", dns.TypeA},
					{"www.example.org.", dns.TypeMX},
					{"null.example.org.", dns.TypeMX},
					{"nothing.www.example.org.", dns.TypeMX},
					{"out.example.org.", dns.TypeMX},
					{"host.sub.example.org.", dns.TypeMX},
				})
			})
			t.Run("through secondary", func(t *testing.T) {
				front := startCoreDNS(t, frontFakes, "secondary {\ntransfer from "+plain.address()+"\n}")
				sameData(t, front, edited.address(), slices.DeleteFunc(names, hasDataBelowOnly))
			})
			t.Run("that is down, a sink is SERVFAIL and so is the MX set", func(t *testing.T) {
				front := startCoreDNS(t, frontFakes, "forward . "+plain.address())
				plain.stop()
				for _, q := range []question{
					{"fake0.mx.example.org.", dns.TypeA},
					{"fake0.mx.example.org.", dns.TypeTXT},
					{"_25._tcp.fake0.mx.example.org.", dns.TypeTLSA},
					{"example.org.", dns.TypeMX},
				} {
					if m := mustAsk(t, front, servertest.Query(q.name, q.qtype)); m.Rcode != dns.RcodeServerFailure || len(m.Answer) > 0 {
						t.Errorf("%v: got %v, want SERVFAIL", q, m)
					}
				}
			})
		})
	}
}

// hasDataBelowOnly reports whether the plain zone has a name without data. To
// such a name file, and so secondary, applies the wildcard above it, against RFC
// 4592 section 2.2.2, whether or not fakemx is there.
func hasDataBelowOnly(name string) bool {
	return slices.Contains([]string{"star.example.org.", "alias.example.org.", "own.example.org."}, name)
}

// startCoreDNS runs CoreDNS for example.org, waits until it has the zone and
// returns its address.
func startCoreDNS(t *testing.T, plugins ...string) string {
	t.Helper()
	address := startPlugins(t, plugins...)
	servesSOA(t, address, "example.org.")
	settles(t, address)
	return address
}

// settles waits until fakemx has learned from the server behind it which fakes may
// join the set of example.org: until then it has a short TTL.
func settles(t *testing.T, address string) {
	t.Helper()
	servertest.Eventually(t, 30*time.Second, "the fakes", func() bool {
		m := mustAsk(t, address, new(dns.Msg).SetQuestion("example.org.", dns.TypeMX))
		return !slices.ContainsFunc(m.Answer, func(rr dns.RR) bool {
			return rr.Header().Rrtype == dns.TypeMX && rr.Header().Ttl <= 60
		})
	})
}

// startPlugins is startCoreDNS for plugins that have no zone.
func startPlugins(t *testing.T, plugins ...string) string {
	t.Helper()
	port := servertest.FreePort(t)
	servertest.Start(t, fmt.Sprintf("example.org:%s {\nbind 127.0.0.1\n%s\n}", port, strings.Join(plugins, "\n")))
	return local(port)
}

// extraNames are names that the zone answers for by way of a wildcard or a DNAME.
func extraNames(t *testing.T) []dns.RR {
	t.Helper()
	return records(t, "example.org.", strings.Join([]string{
		"fake0.tree IN A 192.0.2.1",
		"x.fake0.tree IN A 192.0.2.1",
		"x.star IN A 192.0.2.1",
		"x.between.star IN A 192.0.2.1",
		"x.between.own IN A 192.0.2.1",
		"x.between.alias IN A 192.0.2.1",
	}, "\n")+"\n")
}

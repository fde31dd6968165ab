package peers

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/fakemx/fakemx/internal/servertest"
	"github.com/miekg/dns"
)

// parentText is zoneText with what else a zone can hold: a delegation with glue
// and with data below it, and a DNAME.
const parentText = zoneText + `
sub        IN NS ns.sub
sub        IN NS ns1
ns.sub     IN A  192.0.2.54
below.sub  IN MX 10 mail
tree       IN DNAME deep.ent
Mixed.Case IN MX 7 Mail
low        IN MX 0 mail
high       IN MX 65535 mail
odd        600 IN MX 10 mail
`

var secondaries = map[string]func(*testing.T, hosted) *process{
	"NSD":      startNSD,
	"Knot DNS": startKnot,
	"BIND":     startBIND,
}

const (
	tsigName   = "xfr.example.org."
	tsigSecret = "c2VjcmV0IG9mIGEgdGVzdCwgMzIgb2N0ZXRzIGxvbmc="
)

// primary is a CoreDNS with fakemx over file that lets its zone be transferred.
type primary struct {
	port, plugins, file string
	server              *servertest.Server
}

func (p *primary) corefile() string {
	return fmt.Sprintf("example.org:%s {\nbind 127.0.0.1\n%s\nfile %s {\nreload 100ms\n}\n}", p.port, p.plugins, p.file)
}

func startPrimary(t *testing.T, plugins, text string) *primary {
	t.Helper()
	p := &primary{port: servertest.FreePort(t), plugins: plugins, file: servertest.Zone(t, "example.org", text)}
	p.server = servertest.Start(t, p.corefile())
	return p
}

// reload changes the plugins.
func (p *primary) reload(t *testing.T, plugins string) {
	t.Helper()
	p.plugins = plugins
	if err := p.server.Reload(p.corefile()); err != nil {
		t.Fatal(err)
	}
}

// raise changes the serial of the zone file from 1, and waits until file has
// read it.
func (p *primary) raise(t *testing.T, serial int) {
	t.Helper()
	content, err := os.ReadFile(p.file)
	if err != nil {
		t.Fatal(err)
	}
	next := p.file + ".next"
	writeFile(t, next, strings.Replace(string(content), " hostmaster 1 ", fmt.Sprintf(" hostmaster %d ", serial), 1))
	if err := os.Rename(next, p.file); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the primary does not have the new serial", func() bool {
		m := mustAsk(t, local(p.port), servertest.Query("example.org", dns.TypeSOA))
		return int(m.Answer[0].(*dns.SOA).Serial) == serial
	})
}

func TestSecondaries(t *testing.T) {
	for name, start := range secondaries {
		t.Run(name+" answers like the primary", func(t *testing.T) {
			t.Parallel()
			p := startPrimary(t, fakes+"\ntransfer {\nto *\n}", parentText)
			s := start(t, hosted{Zone: "example.org.", Primary: p.port}).answers("example.org.")
			sameData(t, s.address(), local(p.port), namesAround(axfr(t, local(p.port), "example.org.")))
		})
		t.Run(name+" transfers with TSIG", func(t *testing.T) {
			t.Parallel()
			p := startPrimary(t, fmt.Sprintf("tsig {\nsecret %s %s\nrequire AXFR IXFR\n}\n%s\ntransfer {\nto *\n}", tsigName, tsigSecret, fakes), parentText)
			s := start(t, hosted{Zone: "example.org.", Primary: p.port, Key: tsigName, Secret: tsigSecret}).answers("example.org.")
			if m := mustAsk(t, s.address(), servertest.Query("example.org", dns.TypeMX)); len(m.Answer) != 6 {
				t.Errorf("MX: got %v, want 2 real records and 4 fakes", m)
			}
			refused(t, local(p.port), new(dns.Msg).SetAxfr("example.org.")) // without TSIG
		})
	}
}

// sameData fails the test where two servers of a zone differ in what they say
// of a name and a type. How much they add in the other sections is their own.
func sameData(t *testing.T, got, want string, names []string) {
	t.Helper()
	types := []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeMX, dns.TypeNS, dns.TypeTXT, dns.TypeTLSA, dns.TypeSOA, dns.TypeCNAME, dns.TypeHTTPS}
	for _, name := range names {
		for _, qtype := range types {
			q := question{name, qtype}
			g, w := said(mustAsk(t, got, servertest.Query(name, qtype))), said(mustAsk(t, want, servertest.Query(name, qtype)))
			if g != w {
				t.Errorf("%v: got\n%s\nwant\n%s", q, g, w)
			}
		}
	}
}

// namesAround returns the names of a zone, the names between them and the apex,
// and for each one below that is not there.
func namesAround(zone []dns.RR) []string {
	apex := dns.CanonicalName(zone[0].Header().Name)
	names := make(map[string]bool)
	for _, rr := range zone {
		name := dns.CanonicalName(rr.Header().Name)
		for dns.IsSubDomain(apex, name) {
			names[name] = true
			if !strings.HasPrefix(name, "*.") {
				names["nothing."+name] = true
			}
			_, name, _ = strings.Cut(name, ".")
		}
	}
	return slices.SortedFunc(maps.Keys(names), cmp.Compare)
}

// said is what an answer says: whose it is, how it ends, and either the records
// or that there are none.
func said(m *dns.Msg) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s aa=%v\n%s", dns.RcodeToString[m.Rcode], m.Authoritative, strings.Join(sorted(m.Answer), "\n"))
	if !m.Authoritative {
		fmt.Fprintf(&b, "\nreferral %s", strings.Join(sorted(m.Ns), "\n"))
	}
	return b.String()
}

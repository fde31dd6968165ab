package check

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fakemx/fakemx/internal/servertest"
	"github.com/miekg/dns"
)

// The places of the world of the tests.
const (
	resolver = "9.9.9.9"
	// ns1 and ns2 serve every domain that says nothing else.
	ns1 = "9.0.0.1"
	ns2 = "9.0.0.2"
	// parent serves test.
	parent = "9.0.0.3"
	// lame is a name server without the zones, otherOne one with others, and udpOnly
	// one without TCP.
	lame     = "9.0.0.4"
	otherOne = "9.0.0.5"
	udpOnly  = "9.0.0.6"
	// void is where nothing answers.
	void = "45.67.0.1"
)

// domain is one of the world.
type domain struct {
	name string
	// what is wrong with it, in words.
	what string
	// zone are the records beside SOA and NS, relative to the name.
	zone string
	// fakes are the lines of the stanza that it is checked with. Where on is set,
	// fakemx with it serves the zone already.
	fakes string
	on    bool
	// signed: online, by dnssec in front, which the Corefile shows where it signs.
	signed, signs bool
	// servers are the addresses of its name servers, delegated those that the parent
	// names; ns1 and ns2 without.
	servers, delegated []string
	// other is the zone as otherOne has it.
	other string
	// ds: the parent has a DS record, for a signed one anyway.
	ds bool
	// zones are further zones of the stanza.
	zones string
	// policy is what is served as the MTA-STS policy.
	policy string
	// plain: it is checked without a Corefile.
	plain bool

	// expected
	codes  []Code
	unseen []string
}

func (d *domain) origin() string { return d.name + ".test." }

// usual are the real hosts of most domains, and their MX set.
const usual = `@ MX 10 mail
	@ MX 20 backup
	mail A 11.0.0.1
	backup A 11.0.0.2
`

// world is everything that is served: DNS by CoreDNS, the rest by small servers.
type world struct {
	t       *testing.T
	domains []*domain
	key     string // of the signed zones, a path without its ending
	ksk     *dns.DNSKEY
	roots   *x509.CertPool
	mail    *mailHosts
}

// build serves a world until the test ends.
func build(t *testing.T, domains []*domain) *world {
	t.Helper()
	w := &world{t: t, domains: domains}
	w.mail = serveMail(t)
	w.makeKey()
	servertest.Start(t, w.corefile())
	w.servePolicies()
	w.serveUDPOnly()
	return w
}

// corefile is that of all name servers and of the resolver. Signed zones have one
// key, with the name of each.
func (w *world) corefile() string {
	var b strings.Builder
	for _, d := range w.domains {
		at := d.addresses()
		fmt.Fprintf(&b, "%s:53 {\nbind %s\nfile %s\n", d.origin(), strings.Join(append([]string{resolver}, here(at)...), " "), w.zoneFile(d, d.zone))
		if d.on {
			fmt.Fprintf(&b, "fakemx {\n%s\n}\n", d.fakes)
		}
		if d.signed {
			fmt.Fprintf(&b, "dnssec {\nkey file %s\n}\n", w.keyFor(d.origin()))
		}
		b.WriteString("}\n")
		if d.other != "" {
			fmt.Fprintf(&b, "%s:53 {\nbind %s\nfile %s\n}\n", d.origin(), otherOne, w.zoneFile(d, d.other))
		}
	}
	fmt.Fprintf(&b, "test.:53 {\nbind %s %s\nfile %s\n}\n", resolver, parent, w.parentFile())
	fmt.Fprintf(&b, "broken.test.:53 {\nbind %s\n}\n", resolver) // REFUSED
	fmt.Fprintf(&b, "lame.invalid.:53 {\nbind %s\nfile %s\n}\n", lame, servertest.Zone(w.t, "lame.invalid.", "@ A 192.0.2.1\n"))
	return b.String()
}

// addresses are those of the domain's name servers.
func (d *domain) addresses() []string {
	if len(d.servers) > 0 {
		return d.servers
	}
	return []string{ns1, ns2}
}

// here leaves out the addresses at which something else answers, or nothing.
func here(addresses []string) []string {
	return slices.DeleteFunc(slices.Clone(addresses), func(a string) bool {
		return a == lame || a == otherOne || a == udpOnly || strings.HasPrefix(a, "45.67.")
	})
}

func (w *world) zoneFile(d *domain, text string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "$ORIGIN %s\n$TTL 300\n@ SOA ns1 hostmaster 1 7200 900 1209600 300\n", d.origin())
	for i, address := range d.addresses() {
		fmt.Fprintf(&b, "@ NS ns%d\nns%d A %s\n", i+1, i+1, address)
	}
	b.WriteString(strings.ReplaceAll(servertest.Flush(text), "TLSA-OF-MAIL", digest(w.mail.certificate)))
	return servertest.File(w.t, "db."+d.name, b.String())
}

// parentFile is the zone test., with the delegations.
func (w *world) parentFile() string {
	var b strings.Builder
	fmt.Fprintf(&b, "$ORIGIN test.\n$TTL 300\n@ SOA ns hostmaster 1 7200 900 1209600 300\n@ NS ns\nns A %s\n", parent)
	for _, d := range w.domains {
		at := d.addresses()
		if len(d.delegated) > 0 {
			at = d.delegated
		}
		for i, address := range at {
			fmt.Fprintf(&b, "%s NS ns%d.%s\nns%d.%s A %s\n", d.origin(), i+1, d.origin(), i+1, d.origin(), address)
		}
		if d.ds || d.signed {
			key := *w.ksk
			key.Hdr.Name = d.origin()
			b.WriteString(key.ToDS(dns.SHA256).String() + "\n")
		}
	}
	return servertest.File(w.t, "db.test", b.String())
}

// makeKey makes the key of the signed zones.
func (w *world) makeKey() {
	w.ksk = &dns.DNSKEY{
		Hdr:   dns.RR_Header{Name: "test.", Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: 300},
		Flags: 257, Protocol: 3, Algorithm: dns.ECDSAP256SHA256,
	}
	private, err := w.ksk.Generate(256)
	if err != nil {
		w.t.Fatal(err)
	}
	w.key = w.ksk.PrivateKeyString(private)
}

// keyFor writes the key for a zone and returns its path without the ending.
func (w *world) keyFor(zone string) string {
	key := *w.ksk
	key.Hdr.Name = zone
	base := filepath.Join(w.t.TempDir(), "K"+zone)
	for ending, content := range map[string]string{".key": key.String() + "\n", ".private": w.key} {
		if err := os.WriteFile(base+ending, []byte(content), 0o600); err != nil {
			w.t.Fatal(err)
		}
	}
	return base
}

// servePolicies serves the MTA-STS policies at the addresses of mta-sts: 14.0.0.1
// with a certificate of a known authority, 14.0.0.2 with one of none.
func (w *world) servePolicies() {
	names := []string{"unused.test"}
	policies := map[string]string{}
	for _, d := range w.domains {
		if d.policy != "" {
			name := "mta-sts." + display(d.origin())
			names = append(names, name)
			policies[name] = d.policy
		}
	}
	known, unknown := certificate(w.t, names...), certificate(w.t, names...)
	w.roots = x509.NewCertPool()
	w.roots.AddCert(known.Leaf)
	handler := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		text, ok := policies[r.Host]
		if !ok || r.URL.Path != "/.well-known/mta-sts.txt" {
			http.NotFound(rw, r)
			return
		}
		fmt.Fprint(rw, strings.ReplaceAll(servertest.Flush(text), "\n", "\r\n"))
	})
	for address, c := range map[string]tls.Certificate{"14.0.0.1:443": known, "14.0.0.2:443": unknown} {
		listener, err := tls.Listen("tcp", address, &tls.Config{Certificates: []tls.Certificate{c}})
		if err != nil {
			w.t.Fatal(err)
		}
		server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute, ErrorLog: quiet()}
		done := make(chan struct{})
		go func() { defer close(done); _ = server.Serve(listener) }()
		w.t.Cleanup(func() { server.Close(); <-done })
	}
}

// serveUDPOnly serves the domains with that name server over UDP, with answers
// that say TC.
func (w *world) serveUDPOnly() {
	conn, err := net.ListenPacket("udp", udpOnly+":53")
	if err != nil {
		w.t.Fatal(err)
	}
	forward := &dns.Client{Net: "tcp", Timeout: 10 * time.Second}
	server := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(rw dns.ResponseWriter, m *dns.Msg) {
		answer, _, err := forward.Exchange(m, resolver+":53")
		if err != nil {
			return
		}
		answer.Truncate(1232)
		_ = rw.WriteMsg(answer)
	})}
	var started sync.WaitGroup
	started.Add(1)
	server.NotifyStartedFunc = started.Done
	done := make(chan struct{})
	go func() { defer close(done); _ = server.ActivateAndServe() }()
	started.Wait()
	w.t.Cleanup(func() { _ = server.Shutdown(); <-done })
}

// corefileFor is the Corefile that a domain is checked with.
func (d *domain) corefileFor(t *testing.T) *Corefile {
	t.Helper()
	if d.plain {
		return nil
	}
	text := fmt.Sprintf("%s:53 %s {\nfakemx {\n%s\n}\n", d.origin(), d.zones, d.fakes)
	if d.signs {
		text += "dnssec\n"
	}
	c, err := ReadCorefile(servertest.File(t, "Corefile", text+"}\n"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// check checks a domain as the command does.
func (w *world) check(t *testing.T, d *domain) *Report {
	t.Helper()
	c := d.corefileFor(t)
	target, err := Plain(d.origin())
	if c != nil {
		target, err = c.Target(d.origin())
	}
	if err != nil {
		t.Fatal(err)
	}
	checker, err := New(Options{Resolvers: []string{resolver + ":53"}, PerSecond: 10_000, Timeout: time.Minute, Helo: "probe.test", Roots: w.roots, Control: []netip.Addr{netip.MustParseAddr("2606:11::1")}}, c)
	if err != nil {
		t.Fatal(err)
	}
	return checker.Check(t.Context(), target)
}

// codesOf are the codes of a report, each once, sorted.
func codesOf(r *Report) []Code {
	codes := make([]Code, 0, len(r.Findings))
	for _, f := range r.Findings {
		codes = append(codes, f.Code)
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

package peers

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fakemx/fakemx/internal/servertest"
	"github.com/miekg/dns"
)

// zoneText is a zone with every kind of MX owner that a validator can meet.
const zoneText = `
@      IN MX  10 mail
       IN MX  20 backup
       IN TXT "v=spf1 mx -all"
mail   IN A   192.0.2.10
       IN AAAA 2001:db8::10
backup IN A   198.51.100.10
www    IN A   192.0.2.80
list   IN MX  10 mail
       IN A   192.0.2.11
only   IN MX  10 mail
null   IN MX  0 .
alias  IN CNAME list
lost   IN CNAME fake0.mx
to     IN CNAME decoy1.mx
*.wild IN MX  5 mail
*.wild IN A   192.0.2.12
a.deep.ent IN TXT "x"
`

const fakes = `fakemx {
	lowest  fake0.mx 192.0.2.1 2001:db8::1
	highest decoy[1-3].mx 192.0.2.2
	real    _realmx
}`

// question is what a client asks.
type question struct {
	name  string
	qtype uint16
}

func (q question) String() string { return q.name + " " + dns.TypeToString[q.qtype] }

// aroundSinks are questions at, above, below and beside the sinks, and for the
// MX sets that lead to them.
func aroundSinks(zone string) []question {
	var questions []question
	for name, types := range map[string][]uint16{
		"":                    {dns.TypeMX, dns.TypeA, dns.TypeTXT, dns.TypeSOA, dns.TypeNS},
		"list":                {dns.TypeMX, dns.TypeA, dns.TypeAAAA},
		"only":                {dns.TypeMX, dns.TypeA},
		"null":                {dns.TypeMX},
		"alias":               {dns.TypeMX, dns.TypeA},
		"lost":                {dns.TypeA, dns.TypeMX, dns.TypeTXT},
		"to":                  {dns.TypeA, dns.TypeAAAA},
		"x.wild":              {dns.TypeMX, dns.TypeA},
		"www":                 {dns.TypeMX, dns.TypeA},
		"nothing":             {dns.TypeMX, dns.TypeA},
		"mx":                  {dns.TypeA, dns.TypeMX, dns.TypeTXT},
		"other.mx":            {dns.TypeA, dns.TypeMX},
		"fake0.mx":            {dns.TypeA, dns.TypeAAAA, dns.TypeMX, dns.TypeTXT, dns.TypeTLSA, dns.TypeHTTPS},
		"decoy1.mx":           {dns.TypeA, dns.TypeAAAA},
		"decoy3.mx":           {dns.TypeA},
		"decoy4.mx":           {dns.TypeA},
		"below.fake0.mx":      {dns.TypeA, dns.TypeMX},
		"_tcp.fake0.mx":       {dns.TypeA, dns.TypeTLSA},
		"_25._tcp.fake0.mx":   {dns.TypeTLSA, dns.TypeA},
		"x._25._tcp.fake0.mx": {dns.TypeTLSA},
		"_443._tcp.fake0.mx":  {dns.TypeTLSA},
		"_realmx":             {dns.TypeMX, dns.TypeA},
		"below._realmx":       {dns.TypeA},
		"_realmx.list":        {dns.TypeMX},
	} {
		for _, qtype := range types {
			questions = append(questions, question{dns.Fqdn(strings.TrimPrefix(name+"."+zone, ".")), qtype})
		}
	}
	return questions
}

// signing is the dnssec stanza of a key set.
func (s *keySet) signing() string {
	return "dnssec {\n key file " + strings.Join(s.files, " ") + "\n}"
}

// startSigner runs CoreDNS on a port of its own: dnssec in front of fakemx, file behind it.
func startSigner(t *testing.T, keys *keySet, zoneFile string) string {
	t.Helper()
	port := servertest.FreePort(t)
	servertest.Start(t, fmt.Sprintf("%s:%s {\nbind 127.0.0.1\n%s\n%s\nfile %s\n}", keys.zone, port, keys.signing(), fakes, zoneFile))
	return port
}

func TestOnlineSigning(t *testing.T) {
	for name, test := range map[string]struct {
		algorithm uint8
		flags     []uint16
	}{
		"one ECDSA key for everything": {dns.ECDSAP256SHA256, []uint16{secureFlag}},
		"ECDSA keys, KSK and ZSK":      {dns.ECDSAP256SHA256, []uint16{secureFlag, zoneKey}},
		"one RSA key for everything":   {dns.RSASHA256, []uint16{secureFlag}},
		"RSA keys, KSK and ZSK":        {dns.RSASHA256, []uint16{secureFlag, zoneKey}},
	} {
		t.Run("with "+name, func(t *testing.T) {
			keys := newKeys(t, "example.org.", test.algorithm, test.flags...)
			port := startSigner(t, keys, servertest.Zone(t, keys.zone, zoneText))

			t.Run("every set of every section is signed, glue too", func(t *testing.T) { everySetIsSigned(t, keys, port) })
			t.Run("Unbound validates every answer", func(t *testing.T) { unboundValidates(t, keys, port) })
			t.Run("delv validates", func(t *testing.T) { delvValidates(t, keys, port) })
		})
	}
}

// The backend is a name server that answers in its own words: dnssec signs only
// those that have the form it expects.
func TestOnlineSigningOverForward(t *testing.T) {
	for name, start := range nameServers {
		t.Run("to "+name, func(t *testing.T) {
			t.Parallel()
			keys := newKeys(t, "example.org.", dns.ECDSAP256SHA256, secureFlag)
			backend := start(t, hosted{Zone: keys.zone, File: servertest.Zone(t, keys.zone, zoneText)}).answers(keys.zone)
			port := servertest.FreePort(t)
			servertest.Start(t, fmt.Sprintf("%s:%s {\nbind 127.0.0.1\n%s\n%s\nforward . %s\n}", keys.zone, port, keys.signing(), fakes, backend.address()))
			unboundValidates(t, keys, port)
		})
	}
}

func everySetIsSigned(t *testing.T, keys *keySet, port string) {
	t.Helper()
	address := local(port)
	for _, q := range aroundSinks(keys.zone) {
		for _, size := range []uint16{512, 1232, 4096} {
			m := mustAsk(t, address, servertest.EDNS(servertest.Query(q.name, q.qtype), size, true))
			if m.Truncated {
				continue // signatures may be what is left out
			}
			for section, rrs := range map[string][]dns.RR{"answer": m.Answer, "authority": m.Ns, "additional": m.Extra} {
				if unsigned := keys.unsigned(rrs); len(unsigned) > 0 {
					t.Errorf("%v with %d octets: not signed in the %s section: %v in\n%v", q, size, section, unsigned, m)
				}
			}
			if len(m.Answer)+len(m.Ns) == 0 {
				t.Errorf("%v with %d octets: an empty answer proves nothing: %v", q, size, m)
			}
		}
	}
}

func unboundValidates(t *testing.T, keys *keySet, port string) {
	t.Helper()
	resolver := startUnbound(t, hosted{Zone: keys.zone, Primary: port, Anchors: keys.anchors()}).answers(keys.zone)
	for _, q := range aroundSinks(keys.zone) {
		m := resolve(t, resolver, q)
		if m.Rcode == dns.RcodeServerFailure || !m.AuthenticatedData {
			t.Errorf("%v: not validated: %v", q, m)
		}
	}
}

// resolve asks a resolver for a validated answer.
func resolve(t *testing.T, resolver *process, q question) *dns.Msg {
	t.Helper()
	r := servertest.EDNS(servertest.Query(q.name, q.qtype), 4096, true)
	r.RecursionDesired = true
	return mustAsk(t, resolver.address(), r)
}

func delvValidates(t *testing.T, keys *keySet, port string) {
	t.Helper()
	anchors := filepath.Join(t.TempDir(), "anchors")
	var b strings.Builder
	for _, key := range keys.keys {
		if key.Flags == secureFlag {
			fmt.Fprintf(&b, "%q static-key %d %d %d %q;\n", keys.zone, key.Flags, key.Protocol, key.Algorithm, key.PublicKey)
		}
	}
	if err := os.WriteFile(anchors, []byte("trust-anchors {\n"+b.String()+"};\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, q := range []question{
		{"example.org.", dns.TypeMX},
		{"list.example.org.", dns.TypeMX},
		{"fake0.mx.example.org.", dns.TypeA},
		{"fake0.mx.example.org.", dns.TypeAAAA},
		{"_25._tcp.fake0.mx.example.org.", dns.TypeTLSA},
		{"fake0.mx.example.org.", dns.TypeTXT},
		{"mx.example.org.", dns.TypeA},
		{"below.fake0.mx.example.org.", dns.TypeA},
		{"lost.example.org.", dns.TypeA},
		{"_realmx.example.org.", dns.TypeMX},
	} {
		out, err := run(t, "delv", "@127.0.0.1", "-p", port, "-a", anchors, "+root="+keys.zone, q.name, dns.TypeToString[q.qtype])
		validated := slices.ContainsFunc(strings.Split(out, "\n"), func(line string) bool {
			return strings.HasPrefix(line, "; fully validated") || strings.HasPrefix(line, "; negative response, fully validated")
		})
		if err != nil || !validated {
			t.Errorf("%v: %v\n%s", q, err, out)
		}
	}
}

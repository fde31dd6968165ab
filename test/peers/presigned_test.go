package peers

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fakemx/fakemx/internal/servertest"
	"github.com/miekg/dns"
)

// signedWithLDNS signs a zone file with ldns-signzone.
func signedWithLDNS(t *testing.T, keys *keySet, zoneFile string, options ...string) string {
	t.Helper()
	signed := filepath.Join(t.TempDir(), "db.signed")
	args := append(options, "-o", keys.zone, "-f", signed, zoneFile)
	mustRun(t, "ldns-signzone", append(args, keys.files...)...)
	return signed
}

// signedWithBIND signs a zone file with dnssec-signzone.
func signedWithBIND(t *testing.T, keys *keySet, zoneFile string, options ...string) string {
	t.Helper()
	content, err := os.ReadFile(zoneFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys.keys {
		content = append(content, key.String()+"\n"...)
	}
	dir := t.TempDir()
	unsigned, signed := filepath.Join(dir, "db"), filepath.Join(dir, "db.signed")
	writeFile(t, unsigned, string(content))
	args := append(options, "-z", "-d", dir, "-o", keys.zone, "-f", signed, unsigned)
	mustRun(t, "dnssec-signzone", append(args, keys.files...)...)
	return signed
}

// A set that was signed behind fakemx stays as it is, for a fake would make it
// bogus. The sinks of such a zone are not served: unsigned, they would be bogus
// too.
func TestSignedBehind(t *testing.T) {
	for name, test := range map[string]struct {
		sign    func(t *testing.T, keys *keySet, zoneFile string, options ...string) string
		options []string
		// backend starts what serves the signed zone and returns the lines of the
		// Corefile with which CoreDNS gets at it.
		backend func(t *testing.T, keys *keySet, signed string) string
	}{
		"file over a zone that ldns signed":      {signedWithLDNS, nil, overFile},
		"file over a zone that BIND signed":      {signedWithBIND, nil, overFile},
		"secondary of a zone that ldns signed":   {signedWithLDNS, nil, overSecondary(startNSD)},
		"secondary of a zone that BIND signed":   {signedWithBIND, nil, overSecondary(startKnot)},
		"forward to NSD with NSEC3 by ldns":      {signedWithLDNS, []string{"-n", "-s", "AABB", "-t", "1"}, overForward(startNSD)},
		"forward to Knot DNS with NSEC3 by BIND": {signedWithBIND, []string{"-3", "AABB", "-H", "1"}, overForward(startKnot)},
		"forward to BIND with NSEC3 by ldns":     {signedWithLDNS, []string{"-n"}, overForward(startBIND)},
		"forward to PowerDNS with NSEC by BIND":  {signedWithBIND, nil, overForward(startPowerDNS)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keys := newKeys(t, "example.org.", dns.ECDSAP256SHA256, secureFlag)
			signed := test.sign(t, keys, servertest.Zone(t, keys.zone, zoneText), test.options...)
			untouched(t, keys, test.backend(t, keys, signed))
		})
	}
	t.Run("forward to NSD with NSEC3 and signatures that hardly fit UDP", func(t *testing.T) {
		t.Parallel()
		keys := newKeys(t, "example.org.", dns.RSASHA256, secureFlag, secureFlag)
		signed := signedWithLDNS(t, keys, servertest.Zone(t, keys.zone, zoneText), "-n")
		untouched(t, keys, overForward(startNSD)(t, keys, signed))
	})
	t.Run("the sign plugin", func(t *testing.T) {
		t.Parallel()
		keys := newKeys(t, "example.org.", dns.ECDSAP256SHA256, secureFlag)
		zoneFile := servertest.Zone(t, keys.zone, zoneText)
		dir := t.TempDir()
		untouched(t, keys, fmt.Sprintf("file %s/db.example.org.signed {\nreload 100ms\n}\nsign %s {\nkey file %s\ndirectory %s\n}",
			dir, zoneFile, keys.files[0], dir))
	})
}

func overFile(_ *testing.T, _ *keySet, signed string) string { return "file " + signed }

func overSecondary(start func(*testing.T, hosted) *process) func(*testing.T, *keySet, string) string {
	return func(t *testing.T, keys *keySet, signed string) string {
		t.Helper()
		primary := start(t, hosted{Zone: keys.zone, File: signed, Signed: true}).answers(keys.zone)
		return fmt.Sprintf("secondary {\ntransfer from %s\n}", primary.address())
	}
}

func overForward(start func(*testing.T, hosted) *process) func(*testing.T, *keySet, string) string {
	return func(t *testing.T, keys *keySet, signed string) string {
		t.Helper()
		return "forward . " + start(t, hosted{Zone: keys.zone, File: signed, Signed: true}).answers(keys.zone).address()
	}
}

// untouched compares the same backend with and without fakemx in front.
func untouched(t *testing.T, keys *keySet, backend string) {
	t.Helper()
	port, without := servertest.FreePort(t), servertest.FreePort(t)
	servertest.Start(t, fmt.Sprintf("%s:%s {\nbind 127.0.0.1\n%s\n%s\n}\n%s:%s {\nbind 127.0.0.1\n%s\n}",
		keys.zone, port, fakes, backend, keys.zone, without, strings.Split(backend, "\nsign")[0]))
	address, plain := local(port), local(without)
	servesSOA(t, address, keys.zone)
	servesSOA(t, plain, keys.zone)

	sameAnswers(t, address, plain, aroundSinks(keys.zone))
	unboundValidates(t, keys, port)
}

package fakemx_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/fakemx/fakemx/internal/servertest"
	"github.com/miekg/dns"
)

// fence is a fenced block of a document, with what stands behind its tildes.
var fence = regexp.MustCompile(`(?ms)^~~~ ([^\n]*)\n(.*?)^~~~$`)

func blocks(t *testing.T, file, language string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, m := range fence.FindAllStringSubmatch(string(text), -1) {
		if m[1] == language {
			found = append(found, m[2])
		}
	}
	if len(found) == 0 {
		t.Fatalf("%s has no %s block", file, language)
	}
	return found
}

func TestReadmeSections(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	rest := string(text)
	for _, section := range []string{"Name", "Description", "Syntax", "Metrics", "Examples", "See Also", "Bugs"} {
		_, after, ok := strings.Cut(rest, "\n## "+section+"\n")
		if !ok {
			t.Fatalf("no section %q after those before it", section)
		}
		rest = after
	}
}

// TestReadmeCorefiles starts every Corefile of the README.
func TestReadmeCorefiles(t *testing.T) {
	key := writeKey(t)
	for i, corefile := range blocks(t, "README.md", "corefile") {
		t.Run(fmt.Sprintf("block %d", i+1), func(t *testing.T) {
			corefile = strings.ReplaceAll(corefile, "Kexample.org.+013+45330", key)
			corefile = strings.ReplaceAll(corefile, "    prometheus\n", "    prometheus 127.0.0.1:0\n")
			corefile = regexp.MustCompile(`(?m)^(\S+) \{$`).ReplaceAllString(corefile, "$1:0 {\n bind 127.0.0.1")
			s := servertest.Start(t, corefile)
			if m := s.Ask(servertest.Query("www.example.org", dns.TypeA)); !m.Response {
				t.Errorf("no answer: %v", m)
			}
		})
	}
}

// TestReadmeAnswers compares the answers that the README shows with those of
// Corefile.example.
func TestReadmeAnswers(t *testing.T) {
	corefile, err := os.ReadFile("Corefile.example")
	if err != nil {
		t.Fatal(err)
	}
	with := strings.ReplaceAll(string(corefile), ":1053", ":0")
	without := regexp.MustCompile(`(?s)fakemx \{.*?\n    \}`).ReplaceAllString(with, "")
	if without == with {
		t.Fatal("Corefile.example has no fakemx stanza")
	}
	compareShown(t, servertest.Start(t, with), blocks(t, "README.md", "console"))
	compareShown(t, servertest.Start(t, without), blocks(t, "README.md", "console without fakemx"))
}

// compareShown runs each dig line of the blocks.
func compareShown(t *testing.T, s *servertest.Server, blocks []string) {
	t.Helper()
	const dig = "$ dig @127.0.0.1 -p 1053 +short "
	for _, block := range blocks {
		for command := range strings.SplitSeq(strings.TrimPrefix(block, dig), dig) {
			lines := strings.Split(strings.TrimSpace(command), "\n")
			name, qtype, ok := strings.Cut(lines[0], " ")
			if !ok {
				t.Fatalf("no query: %q", lines[0])
			}
			answer := s.Ask(servertest.Query(name, dns.StringToType[qtype])).Answer
			got := make([]string, 0, len(answer))
			for _, rr := range answer {
				got = append(got, strings.TrimPrefix(rr.String(), rr.Header().String()))
			}
			if !slices.Equal(got, lines[1:]) {
				t.Errorf("%s: shown %q, answered %q", lines[0], lines[1:], got)
			}
		}
	}
}

// writeKey makes the key pair of the README and returns the path without its
// endings.
func writeKey(t *testing.T) string {
	t.Helper()
	key := &dns.DNSKEY{
		Hdr:       dns.RR_Header{Name: "example.org.", Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: 3600},
		Flags:     257,
		Protocol:  3,
		Algorithm: dns.ECDSAP256SHA256,
	}
	private, err := key.Generate(256)
	if err != nil {
		t.Fatal(err)
	}
	base := strings.TrimSuffix(servertest.File(t, "K.key", key.String()+"\n"), ".key")
	if err := os.WriteFile(base+".private", []byte(key.PrivateKeyString(private)), 0o600); err != nil {
		t.Fatal(err)
	}
	return base
}

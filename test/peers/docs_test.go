package peers

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/fakemx/fakemx/internal/servertest"
	"github.com/miekg/dns"
)

// Every Corefile in the documents starts and serves fakes.
func TestCorefilesOfTheDocuments(t *testing.T) {
	key := newKeys(t, "example.org.", dns.ECDSAP256SHA256, secureFlag).files[0]
	zone := servertest.Zone(t, "example.org", zoneText)
	for _, document := range []string{"dnssec.md", "transfers.md"} {
		content, err := os.ReadFile("../../docs/" + document)
		if err != nil {
			t.Fatal(err)
		}
		blocks := regexp.MustCompile("(?ms)^~~~ corefile\n(.*?)^~~~$").FindAllStringSubmatch(string(content), -1)
		if len(blocks) == 0 {
			t.Errorf("%s: got no Corefile, want at least one", document)
		}
		for i, block := range blocks {
			t.Run(fmt.Sprintf("%s, %d", document, i+1), func(t *testing.T) {
				port := servertest.FreePort(t)
				servertest.Start(t, strings.NewReplacer(
					"Kexample.org.+013+12345", key,
					"db.example.org", zone,
					"example.org {\n", "example.org:"+port+" {\nbind 127.0.0.1\n",
				).Replace(block[1]))
				m := mustAsk(t, local(port), servertest.Query("example.org", dns.TypeMX))
				if n := count(m.Answer, dns.TypeMX, "example.org."); n != 6 {
					t.Errorf("got %v, want 2 real records and 4 fakes", m)
				}
			})
		}
	}
}

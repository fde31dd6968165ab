package docs

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/fakemx/fakemx/internal/servertest"
	"github.com/miekg/dns"
)

const plainZone = "@ MX 10 mail\n@ MX 20 backup\nmail A 192.0.2.10\nbackup A 192.0.2.11\n"

// TestCorefiles starts every Corefile of docs/fakes.md: each adds fakes.
func TestCorefiles(t *testing.T) {
	zone := servertest.Zone(t, "example.org", plainZone)
	blocks := regexp.MustCompile("(?ms)^~~~ corefile\n(.*?)^~~~$").FindAllStringSubmatch(read(t, "docs/fakes.md"), -1)
	if len(blocks) == 0 {
		t.Fatal("docs/fakes.md has no Corefile")
	}
	for _, block := range blocks {
		corefile := strings.NewReplacer("db.example.org", zone, "example.org {\n", "example.org:0 {\nbind 127.0.0.1\n").Replace(block[1])
		answer := servertest.Start(t, corefile).Ask(servertest.Query("example.org", dns.TypeMX)).Answer
		if len(answer) < 3 {
			t.Errorf("answer %v, want the two real records and fakes, of\n%s", answer, block[1])
		}
	}
}

// TestEveryResultIsExplained compares what the metric counts with the table of
// the page for those who see no fakes.
func TestEveryResultIsExplained(t *testing.T) {
	port := servertest.FreePort(t)
	zone := servertest.Zone(t, "example.org", plainZone)
	s := servertest.Start(t, "example.org:0 {\nbind 127.0.0.1\nprometheus 127.0.0.1:"+port+
		"\nfakemx {\nhighest decoy 192.0.2.2\n}\nfile "+zone+"\n}")
	s.Ask(servertest.Query("example.org", dns.TypeMX))
	page := read(t, "docs/no-fakes.md")
	results := regexp.MustCompile(`coredns_fakemx_answers_total\{[^}]*result="([a-z_]+)"`).FindAllStringSubmatch(scrape(t, port), -1)
	if len(results) == 0 {
		t.Fatal("no results in the metrics")
	}
	for _, m := range results {
		if !strings.Contains(page, "\n| `"+m[1]+"` |") {
			t.Errorf("docs/no-fakes.md has no row for the result %q", m[1])
		}
	}
}

func scrape(t *testing.T, port string) string {
	t.Helper()
	response, err := http.Get("http://127.0.0.1:" + port + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

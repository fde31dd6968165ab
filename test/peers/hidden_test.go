package peers

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/fakemx/fakemx/internal/servertest"
	"github.com/miekg/dns"
)

// TestHiddenPrimaryOfTheDocument runs what docs/transfers.md shows, with ports,
// paths and addresses of this machine: a primary with serial, and NSD.
func TestHiddenPrimaryOfTheDocument(t *testing.T) {
	program(t, "nsd")
	text, err := os.ReadFile("../../docs/transfers.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := func(language string) string {
		block := regexp.MustCompile("(?ms)^~~~ " + language + "\n(.*?)^~~~$").FindSubmatch(text)
		if block == nil {
			t.Fatalf("docs/transfers.md has no block %q", language)
		}
		return string(block[1])
	}
	dir, primaryPort, port := shortDir(t), servertest.FreePort(t), servertest.FreePort(t)
	corefile := func(fakes string) string {
		return strings.NewReplacer(
			"example.org {\n", "example.org:"+primaryPort+" {\nbind 127.0.0.1\n",
			"db.example.org", filepath.Join(dir, "db.example.org"),
			"/var/lib/coredns/serials", filepath.Join(dir, "serials"),
			"192.0.2.53", "127.0.0.1:"+port,
			"decoy[1-3]", fakes,
		).Replace(shown("corefile serial"))
	}
	zone, err := os.ReadFile(servertest.Zone(t, "example.org", zoneText))
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "db.example.org"), string(zone))
	s := servertest.Start(t, corefile("decoy[1-3]"))

	head := fmt.Sprintf("server:\n  ip-address: 127.0.0.1@%s\n  username: \"\"\n  zonesdir: %q\n  database: \"\"\n  pidfile: \"\"\n"+
		"  xfrdfile: \"%s/xfrd.state\"\n  zonelistfile: \"%s/zone.list\"\n  xfrdir: %q\n  server-count: 1\nremote-control:\n  control-enable: no\n", port, dir, dir, dir, dir)
	conf := filepath.Join(dir, "nsd.conf")
	writeFile(t, conf, head+strings.NewReplacer("AXFR 192.0.2.54", "AXFR 127.0.0.1@"+primaryPort, "192.0.2.54", "127.0.0.1").Replace(shown("nsd")))
	secondary := launch(t, port, "nsd", "-d", "-c", conf).answers("example.org.")

	has := func() int {
		return len(mustAsk(t, secondary.address(), servertest.Query("example.org", dns.TypeMX)).Answer)
	}
	secondary.eventually("does not have the fakes", func() bool { return has() == 6 })
	if err := s.Reload(corefile("decoy[1-5]")); err != nil {
		t.Fatal(err)
	}
	secondary.eventually("does not follow", func() bool { return has() == 8 })
}

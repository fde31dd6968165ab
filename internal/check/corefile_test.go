package check

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fakemx/fakemx/internal/servertest"
)

func write(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestACorefileIsReadAsCoreDNSReadsIt(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "list", "listed.test\nexample.org\n")
	write(t, dir, "fakes.conf", "fakemx {\n  highest decoy 192.0.2.1\n  zones_from list\n}\n")
	t.Setenv("CHECK_LOWEST", "fake0")
	path := write(t, dir, "Corefile", `
(shared) {
	log
	root `+dir+`
}
example.org:1053 example.net {
	import shared
	import fakes.conf
	file db.example.org
}
sub.example.org {
	dnssec
	some_plugin_of_ours with arguments
	fakemx {
		lowest {$CHECK_LOWEST} 192.0.2.2
	}
}
plain.test {
	file db.plain.test
}
example.org:2053 {
	fakemx {
		highest other 192.0.2.3
	}
}
`)
	c, err := ReadCorefile(path)
	if err != nil {
		t.Fatal(err)
	}
	var zones []string
	for target := range c.Targets() {
		zones = append(zones, target.Zone)
	}
	if want := []string{"example.org.", "example.net.", "listed.test.", "sub.example.org."}; !slices.Equal(zones, want) || c.Len() != len(want) {
		t.Errorf("zones %v (%d), expected %v", zones, c.Len(), want)
	}
	for _, tt := range []struct {
		name, zone, fake string
		signs, shared    bool
	}{
		{"example.org", "example.org.", "decoy", false, true},
		{"User.Example.Org.", "example.org.", "decoy", false, true},
		{"listed.test", "listed.test.", "decoy", false, true},
		{"deep.sub.example.org", "sub.example.org.", "fake0", true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			target, err := c.Target(tt.name)
			if err != nil {
				t.Fatal(err)
			}
			if fake := target.Stanza.Fakes()[0].Name; target.Zone != tt.zone || fake != tt.fake || target.Signs != tt.signs || target.Shared != tt.shared {
				t.Errorf("zone %s, fake %s, signs %v, shared %v", target.Zone, fake, target.Signs, target.Shared)
			}
		})
	}
	if _, err := c.Target("plain.test"); err == nil {
		t.Error("a zone without fakemx has a target")
	}
}

func TestTheHostsOfControlAreThoseOfAllStanzas(t *testing.T) {
	stanza := func(zone string, controls ...string) string {
		text := zone + " {\nfakemx {\nlowest fake0 192.0.2.1\n"
		if len(controls) > 0 {
			text += "watch\ncontrol " + strings.Join(controls, " ") + "\n"
		}
		return text + "}\n}\n"
	}
	for _, tt := range []struct{ what, corefile, want string }{
		{"none where nothing is watched", stanza("a.test"), ""},
		{"each once, in their order", stanza("a.test") + stanza("b.test", "192.0.2.9", "2001:db8::9") + stanza("c.test", "192.0.2.8", "192.0.2.9"), "192.0.2.9 2001:db8::9 192.0.2.8"},
		{"at most eight of a family",
			stanza("a.test", "192.0.2.11", "192.0.2.12", "192.0.2.13", "192.0.2.14", "192.0.2.15", "192.0.2.16", "192.0.2.17") + stanza("b.test", "192.0.2.18", "192.0.2.19", "2001:db8::1"),
			"192.0.2.11 192.0.2.12 192.0.2.13 192.0.2.14 192.0.2.15 192.0.2.16 192.0.2.17 192.0.2.18 2001:db8::1"},
	} {
		t.Run(tt.what, func(t *testing.T) {
			c, err := ReadCorefile(servertest.File(t, "Corefile", tt.corefile))
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Trim(fmt.Sprint(c.Controls()), "[]"); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
	var none *Corefile
	if got := none.Controls(); got != nil {
		t.Errorf("without a Corefile got %v", got)
	}
}

func TestACorefileWithAMistakeIsRefusedInOneLine(t *testing.T) {
	for _, tt := range []struct{ what, corefile, want string }{
		{"no fakemx in it", "example.org {\n whoami\n}\n", "no fakemx in it"},
		{"a bad address", "example.org {\n fakemx {\n  highest decoy 127.0.0.1\n }\n}\n", ":3 - "},
		{"a list that is not there", "example.org {\n fakemx {\n  highest decoy 192.0.2.1\n  zones_from /nowhere/list\n }\n}\n", "/nowhere/list"},
		{"no end", "example.org {\n fakemx {\n", "Corefile:2"},
	} {
		t.Run(tt.what, func(t *testing.T) {
			_, err := ReadCorefile(servertest.File(t, "Corefile", tt.corefile))
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, expected one line with %q", err, tt.want)
			}
		})
	}
	if _, err := ReadCorefile("/nowhere/Corefile"); err == nil {
		t.Error("a file that is not there is read")
	}
}

func TestABadNameIsNoTarget(t *testing.T) {
	for _, name := range []string{"", ".", "a..b", strings.Repeat("a", 64) + ".org"} {
		if _, err := Plain(name); err == nil {
			t.Errorf("%q is taken", name)
		}
	}
}

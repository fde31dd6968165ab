package order

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/coredns/coredns/core/dnsserver"
)

func TestInsert(t *testing.T) {
	t.Run("between minimal and template of CoreDNS", func(t *testing.T) {
		before := slices.Clone(dnsserver.Directives)
		got, err := Insert(dnsserver.Directives)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.Index(got, "fakemx")
		if i < 1 || got[i-1] != "minimal" || got[i+1] != "template" || len(got) != len(before)+1 {
			t.Errorf("got %v", got)
		}
		if !slices.Equal(before, dnsserver.Directives) {
			t.Error("the order of CoreDNS was changed")
		}
	})
	for _, directives := range [][]string{nil, {"minimal"}, {"minimal", "file", "template"}, {"template", "minimal"}} {
		t.Run("an error for "+strings.Join(directives, " "), func(t *testing.T) {
			got, err := Insert(directives)
			const want = "no place for fakemx: expected minimal directly before template in the order of plugins"
			if err == nil || err.Error() != want {
				t.Errorf("got %v, %v, want the error %q", got, err, want)
			}
		})
	}
}

func TestPluginCfg(t *testing.T) {
	text, err := os.ReadFile("../../plugin.cfg")
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	if want := []string{"fakemx:github.com/fakemx/fakemx"}; !slices.Equal(lines, want) {
		t.Errorf("plugin.cfg has the lines %q, want %q", lines, want)
	}
}

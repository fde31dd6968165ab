package zones

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/coredns/caddy"
	"github.com/fakemx/fakemx/internal/config"
)

func zonesOf(t testing.TB, corefile string, listed ...string) *Zones {
	t.Helper()
	stanzas, err := config.Parse(caddy.NewTestController("dns", corefile))
	if err != nil {
		t.Fatal(err)
	}
	z := New(stanzas)
	if len(listed) > 0 {
		z.SetLists([]*config.List{config.NewList(stanzas[0], listed)})
	}
	return z
}

const corefile = `fakemx example.org deep.in.example.net {
	lowest fake0 198.51.100.1
	except except
}
fakemx dry.example.org {
	highest fake1 198.51.100.2
	dry_run
}
fakemx out.example.org {
	highest sink.invalid.
}`

func TestTheMostSpecificZoneCounts(t *testing.T) {
	z := zonesOf(t, corefile, "listed.example.org.", "listed.test.")
	for name, want := range map[string]string{
		"example.org.":                "example.org.",
		"www.example.org.":            "example.org.",
		"a.dry.example.org.":          "dry.example.org.",
		"x.listed.example.org.":       "listed.example.org.",
		"a.b.c.listed.test.":          "listed.test.",
		"in.example.net.":             "",
		"test.":                       "",
		"xexample.org.":               "",
		`escaped\.example.org.`:       "",
		`x.y\.z.deep.in.example.net.`: "deep.in.example.net.",
	} {
		m, ok := z.Find(name)
		if ok != (want != "") || m.Apex != want {
			t.Errorf("%s: got %q, want %q", name, m.Apex, want)
		}
	}
}

func TestNodesOfSinks(t *testing.T) {
	z := zonesOf(t, corefile)
	for _, tc := range []struct {
		name, node string
		kind       Kind
	}{
		{"fake0.example.org.", "fake0.example.org.", Sink},
		{"x.y.fake0.example.org.", "fake0.example.org.", Sink},
		{"_25._tcp.fake0.example.org.", "_25._tcp.fake0.example.org.", TLSA},
		{"_tcp.fake0.example.org.", "_tcp.fake0.example.org.", Between},
		{"www.example.org.", "", Between},
		{"x.except.example.org.", "", Between},
	} {
		var at Node
		if found := z.Node(tc.name, &at); found != (tc.node != "") || at.Name != tc.node || at.Kind != tc.kind {
			t.Errorf("%s: got %q of kind %d, want %q of kind %d", tc.name, at.Name, at.Kind, tc.node, tc.kind)
		}
	}
}

// Whatever is above a zone that is transferred, or below it, is visited once, and
// nothing else.
func TestZonesAroundAnother(t *testing.T) {
	z := zonesOf(t, corefile, "a.listed.example.org.", "listed.example.org.", "example.com.")
	for apex, want := range map[string]string{
		"example.org.":        "a.listed.example.org. dry.example.org. example.org. listed.example.org. out.example.org.",
		"listed.example.org.": "a.listed.example.org. example.org. listed.example.org.",
		"net.":                "deep.in.example.net.",
		"example.com.":        "example.com.",
		"www.example.com.":    "example.com.",
		"elsewhere.test.":     "",
	} {
		var got []string
		for m := range z.Around(apex) {
			got = append(got, m.Apex)
		}
		slices.Sort(got)
		if strings.Join(got, " ") != want {
			t.Errorf("%s: got %q, want %q", apex, got, want)
		}
	}
}

func TestFirstBelowIsAZoneThatSinksBringIntoBeing(t *testing.T) {
	z := zonesOf(t, corefile)
	if m, ok := z.FirstBelow("in.example.net."); !ok || m.Apex != "deep.in.example.net." {
		t.Errorf("got %q, %t", m.Apex, ok)
	}
	for _, name := range []string{"example.org.", "deep.in.example.net.", "elsewhere."} {
		if m, ok := z.FirstBelow(name); ok {
			t.Errorf("%s: got %q, want none", name, m.Apex)
		}
	}
}

// The cost of a transfer does not depend on how many zones lie elsewhere.
func BenchmarkAround(b *testing.B) {
	for _, size := range []int{1, 1_000_000} {
		s := &config.Stanza{}
		z := New([]*config.Stanza{s})
		names := make([]string, size)
		for i := range names {
			names[i] = fmt.Sprintf("zone%06d.example.", i)
		}
		z.SetLists([]*config.List{config.NewList(s, names)})
		b.Run(fmt.Sprintf("zones=%d", size), func(b *testing.B) {
			for b.Loop() {
				for range z.Around("zone000000.example.") {
				}
			}
		})
	}
}

package config

import (
	"slices"
	"strings"
	"testing"

	"github.com/coredns/caddy"
	"github.com/coredns/caddy/caddyfile"
)

// parse reads the stanzas of a Corefile that has no other plugin, one slice for
// each server block, in the way of CoreDNS.
func parse(corefile string) ([][]*Stanza, error) {
	blocks, err := caddyfile.Parse("Corefile", strings.NewReader(corefile), []string{pluginName})
	if err != nil {
		return nil, err
	}
	var all [][]*Stanza
	for _, b := range blocks {
		stanzas, err := Parse(controller(b))
		if err != nil {
			return nil, err
		}
		all = append(all, stanzas)
	}
	return all, nil
}

func controller(b caddyfile.ServerBlock) *caddy.Controller {
	c := caddy.NewTestController("dns", "")
	c.Dispenser = caddyfile.NewDispenserTokens("Corefile", b.Tokens[pluginName])
	c.ServerBlockKeys = b.Keys
	return c
}

// stanzas returns those of the only server block.
func stanzas(t testing.TB, corefile string) []*Stanza {
	t.Helper()
	all, err := parse(corefile)
	if err != nil {
		t.Fatal(err)
	}
	return all[0]
}

// stanzaWith returns a Corefile whose line 3 is the first of the properties.
func stanzaWith(properties ...string) string {
	return "example.org:0 {\nfakemx {\n" + strings.Join(properties, "\n") + "\n}\n}"
}

func wantError(t *testing.T, corefile, want string) {
	t.Helper()
	_, err := parse(corefile)
	if err == nil {
		t.Fatal("it is taken")
	}
	if err.Error() != want {
		t.Errorf("got\n%s\nwant\n%s", err, want)
	}
}

func wantLines(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got the lines\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

package config

import (
	"strings"
	"testing"

	"github.com/coredns/caddy/caddyfile"
	"github.com/fakemx/fakemx/internal/dnsname"
)

// FuzzStanza reads stanzas of any text: without a panic, with one short line
// about a mistake, and with names that fit where none is found.
func FuzzStanza(f *testing.F) {
	for _, seed := range []string{
		"fakemx {\nlowest fake0.mx 9.9.9.9 2620:fe::9\nhighest decoy[01-12].example.org 9.9.9.9\nreal _r\n}",
		"fakemx a.example.org 10.0.0.0/15 {\nhighest x.example.net.\nexcept sub . a.example.org\nexchanges mx x.\n}",
		"fakemx {\nstep 5\nttl 0\ndry_run\nzones_from x\nhighest a 9.9.9.9\n}\nfakemx org {\nhighest b 10.0.0.1\n}",
		"fakemx {\nhighest [1-2][3-4][5-6] 9.9.9.9\nexcept \"\" *\n}",
		"fakemx example.org {\nhighest mx.example.net.\nexcept net\n}",
		"fakemx {\nlowest",
	} {
		f.Add("example.org", seed)
		f.Add(".", seed)
	}
	f.Fuzz(func(t *testing.T, key, text string) {
		tokens := caddyfile.NewDispenser("Corefile", strings.NewReader(text))
		block := caddyfile.ServerBlock{Keys: []string{key}, Tokens: make(map[string][]caddyfile.Token)}
		c := controller(block)
		c.Dispenser = tokens
		stanzas, err := Parse(c)
		if err != nil {
			wantOneLine(t, err.Error())
			return
		}
		for _, s := range stanzas {
			for _, warning := range s.Warnings {
				wantOneLine(t, warning)
			}
			wantFitting(t, s)
		}
	})
}

func wantOneLine(t *testing.T, message string) {
	t.Helper()
	if len(message) > 4000 || strings.ContainsAny(message, "\n\r") {
		t.Errorf("the message is not one short line: %q", message)
	}
}

func wantFitting(t *testing.T, s *Stanza) {
	t.Helper()
	if n := len(s.Fakes()); n == 0 || n > maxFakes {
		t.Errorf("got %d fakes, want 1 to %d", n, maxFakes)
	}
	for _, zone := range s.Zones {
		if !dnsname.Fits(zone) || dnsname.Canonical(zone) != zone {
			t.Errorf("the zone %q is no canonical name", zone)
		}
		for _, fake := range s.Fakes() {
			name := fake.Name
			if !fake.Absolute() {
				name = dnsname.Join(name, zone)
			}
			if !dnsname.Fits(name) || dnsname.Canonical(name) != name {
				t.Errorf("the sink %q in %q is no canonical name", name, zone)
			}
			if name == zone {
				t.Errorf("the sink %q is the zone itself", name)
			}
			if dnsname.Inside(name, zone) && s.Except.Cover(name, zone) && !s.Except.Cover(zone, zone) {
				t.Errorf("the sink %q in %q is excepted, and its zone is not", name, zone)
			}
		}
	}
}

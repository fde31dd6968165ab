package config

import (
	"strings"
	"testing"
)

// A NAME is relative to each zone, unless it has a final dot or ends in a zone of
// the server block.
func TestWhatTheNameOfASinkMeans(t *testing.T) {
	for _, tc := range []struct{ about, corefile, want string }{
		{"a label", stanzaWith("highest Decoy 9.9.9.9"), "decoy"},
		{"two labels", stanzaWith("highest decoy.mx 9.9.9.9"), "decoy.mx"},
		{"a name outside without a final dot", stanzaWith("highest decoy.example.net 9.9.9.9"), "decoy.example.net"},
		{"a name outside with a final dot", stanzaWith("highest decoy.example.net."), "decoy.example.net."},
		{"a name in the zone with a final dot", stanzaWith("highest decoy.example.org. 9.9.9.9"), "decoy.example.org."},
		{"a name in the zone without one", stanzaWith("highest Decoy.Example.org 9.9.9.9"), "decoy.example.org."},
		{"a name further down in the zone", stanzaWith("highest decoy.mx.example.org 9.9.9.9"), "decoy.mx.example.org."},
		{"a range in the zone", stanzaWith("highest decoy[1-2].example.org 9.9.9.9"), "decoy1.example.org. decoy2.example.org."},
		{"a name that only ends like the zone", stanzaWith("highest decoy.anexample.org 9.9.9.9"), "decoy.anexample.org"},
		{
			"a name in another zone of the stanza",
			"example.org example.net {\nfakemx {\nhighest decoy.example.net 9.9.9.9\n}\n}", "decoy.example.net.",
		},
		{
			"a name in the zone of a stanza before it",
			"org {\nfakemx example.net {\nhighest a. \n}\nfakemx example.org {\nhighest decoy.example.net\n}\n}", "decoy.example.net.",
		},
		{
			"a name in the zone of a stanza behind it",
			"org {\nfakemx example.org {\nhighest decoy.example.net\n}\nfakemx example.net {\nhighest b 9.9.9.9\n}\n}", "decoy.example.net.",
		},
		{
			"the root zone makes none absolute",
			". {\nfakemx example.org {\nhighest decoy 9.9.9.9\n}\nfakemx . {\nhighest b.example.net. 9.9.9.9\n}\n}", "decoy",
		},
	} {
		t.Run(tc.about, func(t *testing.T) {
			all := stanzas(t, tc.corefile)
			var names []string
			for _, s := range all {
				if len(all) > 1 && s.Zones[0] != "example.org." {
					continue
				}
				for _, f := range s.Highest {
					names = append(names, f.Name)
				}
			}
			if got := strings.Join(names, " "); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestAsManyFakesAsThereMayBe(t *testing.T) {
	s := stanzas(t, stanzaWith("lowest a 9.9.9.9", "highest b[01-49] 9.9.9.9"))[0]
	if len(s.Fakes()) != 50 || s.Fakes()[0].Name != "a" || s.Fakes()[1].Name != "b01" || s.Fakes()[49].Name != "b49" {
		t.Errorf("got %v, want a and then b01 to b49", s.Fakes())
	}
}

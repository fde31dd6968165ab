package config

import "testing"

// What a name of except or exchanges means, in one of the zones.
func TestSubtrees(t *testing.T) {
	for _, tc := range []struct {
		about, names, name, apex string
		want                     bool
	}{
		{"no names", "", "mail.example.org.", "example.org.", false},
		{"a relative name", "sub", "sub.example.org.", "example.org.", true},
		{"a relative name in another zone", "sub", "sub.example.net.", "example.net.", true},
		{"what is below a relative name", "sub", "a.b.sub.example.org.", "example.org.", true},
		{"a name that only ends like it", "sub", "asub.example.org.", "example.org.", false},
		{"what is above it", "a.sub", "sub.example.org.", "example.org.", false},
		{"a relative name further down", "sub", "sub.a.example.org.", "example.org.", false},
		{"a name with a final dot", "mx.hoster.example.", "in.mx.hoster.example.", "example.org.", true},
		{"a name with a final dot is not relative", "sub.", "sub.example.org.", "example.org.", false},
		{"a name that ends in a zone of the Corefile", "sub.example.org", "sub.example.org.", "example.org.", true},
		{"and is not relative", "sub.example.org", "sub.example.org.example.org.", "example.org.", false},
		{"a zone of the Corefile itself", "example.net", "mail.example.net.", "example.org.", true},
		{"a name of two labels that is in no zone of the Corefile", "hoster.example", "in.hoster.example.", "example.org.", true},
		{"the same as a relative name", "hoster.example", "hoster.example.example.org.", "example.org.", true},
		{"letter case", "SUB", "sub.example.org.", "example.org.", true},
		{"the root", ".", "mail.example.org.", "example.org.", true},
		{"the root for itself", ".", ".", "example.org.", true},
		{"several names", "a b sub", "sub.example.org.", "example.org.", true},
		{"none of several names", "a b sub", "mail.example.org.", "example.org.", false},
	} {
		for _, property := range []string{"except", "exchanges"} {
			t.Run(property+": "+tc.about, func(t *testing.T) {
				line := ""
				if tc.names != "" {
					line = property + " " + tc.names + "\n"
				}
				s := stanzas(t, "example.org example.net {\nfakemx {\nhighest fake.invalid.\n"+line+"}\n}")[0]
				subtrees := &s.Except
				if property == "exchanges" {
					subtrees = &s.Exchanges
				}
				if subtrees.Empty() != (tc.names == "") {
					t.Errorf("Empty is %t", subtrees.Empty())
				}
				if got := subtrees.Cover(tc.name, tc.apex); got != tc.want {
					t.Errorf("Cover(%q, %q) is %t, want %t", tc.name, tc.apex, got, tc.want)
				}
			})
		}
	}
	t.Run("the lines of a property add up", func(t *testing.T) {
		s := stanzas(t, stanzaWith("highest fake.invalid.", "exchanges a", "exchanges b.", "except c"))[0]
		if !s.Exchanges.Cover("a.example.org.", "example.org.") || !s.Exchanges.Cover("b.", "example.org.") || s.Exchanges.Cover("c.example.org.", "example.org.") {
			t.Error("got others than a and b")
		}
	})
	t.Run("the zero value is empty", func(t *testing.T) {
		if s := new(Stanza); !s.Exchanges.Empty() || s.Except.Cover("example.org.", "example.org.") {
			t.Error("it holds a name")
		}
	})
}

// Exchanges are compared for every answer.
func TestNoNamesCostNothing(t *testing.T) {
	var none Subtrees
	if n := testing.AllocsPerRun(100, func() { none.Cover("mail.example.org.", "example.org.") }); n > 0 {
		t.Errorf("got %v allocations, want none", n)
	}
}

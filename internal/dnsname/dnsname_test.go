package dnsname

import (
	"strings"
	"testing"

	"github.com/miekg/dns"
)

func TestCanonical(t *testing.T) {
	for name, want := range map[string]string{
		"example.org.":         "example.org.",
		"Example.ORG":          "example.org.",
		".":                    ".",
		`\069xample.org.`:      "example.org.",
		`a\.b.example.org.`:    `a\.b.example.org.`,
		`a\046b.example.org.`:  `a\.b.example.org.`,
		"ex@mple.org.":         `ex\@mple.org.`,
		"\xc3\x9cber.org.":     `\195\156ber.org.`,
		`\195\156BER.org.`:     `\195\156ber.org.`,
		"k\xe2\x84\xaa.org.":   `k\226\132\170.org.`,
		"_25._tcp.Example.org": "_25._tcp.example.org.",
	} {
		if got := Canonical(name); got != want {
			t.Errorf("canonical(%q) is %q, want %q", name, got, want)
		}
	}
}

func TestSameName(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"example.org.", "EXAMPLE.org.", true},
		{"example.org.", "example.net.", false},
		{`a\046b.org.`, `A\.b.org.`, true},
		{`a\.b.org.`, "a.b.org.", false},
		{"k.org.", "\xe2\x84\xaa.org.", false}, // the Kelvin sign is no k
	} {
		if got := Same(test.a, test.b); got != test.want {
			t.Errorf("sameName(%q, %q) is %t", test.a, test.b, got)
		}
	}
}

func TestRelativeTo(t *testing.T) {
	for _, test := range []struct {
		name, apex, want string
		ok               bool
	}{
		{"fake0.mx.example.org.", "example.org.", "fake0.mx", true},
		{"example.org.", "example.org.", "", false},
		{"anexample.org.", "example.org.", "", false},
		{`an\.example.org.`, "example.org.", "", false},
		{`an\\.example.org.`, "example.org.", `an\\`, true},
		{"example.org.", ".", "example.org", true},
		{".", ".", "", false},
	} {
		got, ok := Relative(test.name, test.apex)
		if ok != test.ok || ok && got != test.want {
			t.Errorf("relativeTo(%q, %q) is %q, %t", test.name, test.apex, got, ok)
		}
	}
}

func TestFits(t *testing.T) {
	label := strings.Repeat("a", 63) + "."
	longest := strings.Repeat(label, 3) + strings.Repeat("a", 61) + "." // 3*64 + 62 + 1 octets
	if !Fits(longest) {
		t.Errorf("a name of 255 octets does not fit")
	}
	if Fits("a" + longest) {
		t.Errorf("a name of 256 octets fits")
	}
	if Fits("a" + label) {
		t.Errorf("a label of 64 octets fits")
	}
}

func FuzzCanonical(f *testing.F) {
	f.Add("Example.org")
	f.Add(`\000\255\..org.`)
	f.Add(`x\`) // has no end: the dot that would be one is escaped
	f.Fuzz(func(t *testing.T, name string) {
		got := Canonical(name) // of anything, without a panic
		if !Fits(dns.Fqdn(name)) {
			return
		}
		if again := Canonical(got); again != got {
			t.Errorf("canonical(%q) is %q, and of that %q", name, got, again)
		}
		if !Same(dns.Fqdn(name), got) {
			t.Errorf("%q and its canonical form %q are not the same name", name, got)
		}
	})
}

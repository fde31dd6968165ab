package config

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestWarningsAboutAddresses(t *testing.T) {
	for _, tc := range []struct{ about, address, kind string }{
		{"a private address", "10.1.2.3", "private"},
		{"the end of a private block", "172.31.255.255", "private"},
		{"a private address of the third block", "192.168.0.1", "private"},
		{"a unique local IPv6 address", "fd00::1", "private"},
		{"a link-local address", "169.254.1.1", "link-local"},
		{"a link-local IPv6 address", "fe80::1", "link-local"},
		{"TEST-NET-1", "192.0.2.1", "documentation"},
		{"TEST-NET-2", "198.51.100.1", "documentation"},
		{"TEST-NET-3", "203.0.113.1", "documentation"},
		{"the IPv6 block for documentation", "2001:db8::1", "documentation"},
		{"the later IPv6 block for documentation", "3fff::1", "documentation"},
		{"carrier-grade NAT", "100.64.0.1", "shared"},
		{"benchmarking", "198.19.255.255", "benchmarking"},
		{"IPv6 benchmarking", "2001:2::1", "benchmarking"},
		{"this network", "0.1.2.3", "reserved"},
		{"IETF protocol assignments", "192.0.0.8", "reserved"},
		{"class E", "240.0.0.1", "reserved"},
		{"the discard block", "100::1", "reserved"},
	} {
		t.Run(tc.about, func(t *testing.T) {
			wantLines(t, stanzas(t, stanzaWith("highest a "+tc.address))[0].Warnings,
				`Corefile:3 - sink "a": `+tc.address+` is a `+tc.kind+` address: receivers that check for bogus MX may reject mail from the domain`)
		})
	}
	t.Run("an address for all names of a range is warned about once", func(t *testing.T) {
		const why = ": receivers that check for bogus MX may reject mail from the domain"
		wantLines(t, stanzas(t, stanzaWith("highest a[1-4] 10.1.2.3 9.9.9.1 10.1.2.4"))[0].Warnings,
			`Corefile:3 - sink "a1": 10.1.2.3 is a private address`+why,
			`Corefile:3 - sink "a1": 10.1.2.4 is a private address`+why)
	})
}

func TestWarnings(t *testing.T) {
	for _, tc := range []struct {
		about, corefile string
		want            []string
	}{
		{
			"nothing about the safe shape", stanzaWith("lowest a 9.9.9.1 2620:fe::9", "highest b[1-4] 9.9.9.2"), nil,
		},
		{
			"a second lowest fake", stanzaWith("lowest a[1-2] 9.9.9.1"),
			[]string{"Corefile:3 - 2 lowest fakes: with more than 1 some senders do not reach the real MX while one of them is down"},
		},
		{
			"a third address of the lowest fake", stanzaWith("lowest a 9.9.9.1 9.9.9.2 2620:fe::9"),
			[]string{"Corefile:3 - 3 addresses of lowest fakes: with more than 2 some senders do not reach the real MX while one of them is down"},
		},
		{
			"a fifth highest fake", stanzaWith("highest a[1-3] 9.9.9.1", "highest b[1-3] 9.9.9.1"),
			[]string{"Corefile:4 - 6 highest fakes: with more than 4, receivers with rspamd 2.7 to 4.0 that check for bogus MX delay mail from the domain"},
		},
		{
			"a zone outside the server block's", "example.org example.com {\nfakemx a.example.org example.net example.com org {\nhighest a 9.9.9.1\n}\n}",
			[]string{
				`Corefile:2 - zone "example.net." is outside the zones of the server block: no query for it comes here`,
				`Corefile:2 - zone "org." is outside the zones of the server block: no query for it comes here`,
			},
		},
		{
			"no zone is outside the root", ". {\nfakemx example.org {\nhighest a 9.9.9.1\n}\n}", nil,
		},
		{
			"an except outside the zones", stanzaWith("highest a 9.9.9.1", "except sub example.net. sub.example.org"),
			[]string{`Corefile:4 - except "example.net." is outside the zones: it has no effect`},
		},
		{
			"an except in the zone of another stanza", "org {\nfakemx example.org {\nhighest a 9.9.9.1\nexcept sub.other.org\n}\nfakemx other.org {\nhighest b 9.9.9.1\n}\n}",
			[]string{`Corefile:4 - except "sub.other.org." is outside the zones: it has no effect`},
		},
		{
			"an except above every zone", stanzaWith("highest a 9.9.9.1", "except org."),
			[]string{"Corefile:2 - except leaves every zone of the stanza alone: it adds no fakes"},
		},
		{
			"an except of one zone of several", "example.org example.net {\nfakemx {\nhighest a 9.9.9.1\nexcept example.net\n}\n}", nil,
		},
		{
			"all exchanges", stanzaWith("highest a 9.9.9.1", "exchanges mail .", "exchanges example.net."),
			[]string{`Corefile:4 - exchanges ".": every exchange is below the root, so it has no effect`},
		},
	} {
		t.Run(tc.about, func(t *testing.T) {
			var got []string
			for _, s := range stanzas(t, tc.corefile) {
				got = append(got, s.Warnings...)
			}
			wantLines(t, got, tc.want...)
		})
	}
}

func TestWarningsAboutLists(t *testing.T) {
	for _, tc := range []struct {
		about, list, properties string
		want                    []string
	}{
		{"nothing about a list as it should be", "example.org\n", "highest a.mx 9.9.9.1\nexcept sub sub.example.org.", nil},
		{"a list without a zone", "# none\n", "highest a 9.9.9.1", []string{"Corefile:3 - zones_from: no zone in FILE"}},
		{
			"a sink that ends in a listed zone", "example.org\n", "highest a[1-2].example.org 9.9.9.1",
			[]string{
				`Corefile:4 - sink "a1.example.org" ends in the listed zone "example.org." and is relative all the same: for one host write it with a final dot`,
				`Corefile:4 - sink "a2.example.org" ends in the listed zone "example.org." and is relative all the same: for one host write it with a final dot`,
			},
		},
		{"a sink in the listed zone with a final dot", "example.org\n", "highest a.example.org. 9.9.9.1", nil},
		{
			"zones outside the server block's", "example.org\nexample.net\nexample.com\n", "highest a 9.9.9.1",
			[]string{`Corefile:3 - zones_from: 2 zones in FILE are outside the zones of the server block, the first is "example.net.": no query for them comes here`},
		},
		{
			"an except outside the list too", "example.org\n", "highest a 9.9.9.1\nexcept other.org. x.example.org. org. base.test",
			[]string{`Corefile:5 - except "other.org." is outside the zones: it has no effect`},
		},
	} {
		t.Run(tc.about, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "zones")
			write(t, path, tc.list)
			s := withList(t, path, tc.properties)
			if _, err := loadLists(s); err != nil {
				t.Fatal(err)
			}
			var want []string
			for _, line := range tc.want {
				want = append(want, strings.ReplaceAll(line, "FILE", path))
			}
			wantLines(t, s[0].Warnings, want...)
		})
	}
}

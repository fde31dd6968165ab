package config

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/fakemx/fakemx/internal/dnsname"
)

// takeName reads value at each of the four places that take names, and returns
// the canonical name or what is expected instead.
func takeName(t *testing.T, place, value string) (name, expected string) {
	t.Helper()
	var err error
	switch place {
	case "a zone":
		var all [][]*Stanza
		if all, err = parse(fmt.Sprintf("example.org {\nfakemx %s {\nhighest fake. \n}\n}", inCorefile(value))); err == nil {
			return all[0][0].Zones[0], ""
		}
	case "except", "exchanges":
		var all [][]*Stanza
		if all, err = parse(stanzaWith("highest fake.", place+" "+inCorefile(value))); err == nil {
			s := all[0][0]
			return slices.Concat(s.Except.written, s.Exchanges.written)[0].name, ""
		}
	default:
		var r *reading
		if r, err = readZones(strings.NewReader(value+"\n"), int64(len(value)+1)); err == nil {
			return r.text, ""
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("the message has more than one line: %s", err)
	}
	_, expected, _ = strings.Cut(err.Error(), quoted(strings.TrimSpace(value)))
	return "", strings.TrimPrefix(expected, ": ")
}

// inCorefile puts quotes round a value that has space or quotes in it.
func inCorefile(value string) string {
	if strings.ContainsAny(value, " \t\"\n") {
		return `"` + strings.ReplaceAll(value, `"`, `\"`) + `"`
	}
	return value
}

var places = []string{"a zone", "except", "exchanges", "a list"}

func TestNamesThatAreTaken(t *testing.T) {
	for _, tc := range []struct{ about, value, want string }{
		{"a name with a final dot", "sub.example.org.", "sub.example.org."},
		{"capital letters", "Sub.Example.ORG.", "sub.example.org."},
		{"underscores and hyphens", "_a-b._tcp.example.org.", "_a-b._tcp.example.org."},
		{"a reverse zone", "2.0.192.in-addr.arpa.", "2.0.192.in-addr.arpa."},
		{"a reverse zone by RFC 2317", "0/25.2.0.192.in-addr.arpa.", "0/25.2.0.192.in-addr.arpa."},
		{"an A-label", "xn--mller-kva.example.org.", "xn--mller-kva.example.org."},
		{"a number in front", "1.example.org.", "1.example.org."},
		{"a byte order mark", "\ufeffsub.example.org.", "sub.example.org."},
		{"a label of 63 octets", label63 + ".org.", label63 + ".org."},
	} {
		for _, place := range places {
			t.Run(tc.about+" as "+place, func(t *testing.T) {
				if got, expected := takeName(t, place, tc.value); got != tc.want {
					t.Errorf("got %q, %s, want %q", got, expected, tc.want)
				}
			})
		}
	}
	for _, place := range []string{"a zone", "a list"} {
		t.Run("no final dot as "+place, func(t *testing.T) {
			if got, _ := takeName(t, place, "example.net"); got != "example.net." {
				t.Errorf("got %q, want example.net.", got)
			}
		})
	}
	for _, place := range []string{"except", "exchanges"} {
		t.Run("a number, relative, as "+place, func(t *testing.T) {
			if got, _ := takeName(t, place, "1"); got != "1" {
				t.Errorf("got %q, want 1", got)
			}
		})
	}
}

// What is written for other programs, or by mistake, would never match.
func TestNamesThatAreRefusedEverywhere(t *testing.T) {
	const labels = "expected labels of up to 63 letters, digits, hyphens or underscores"
	for _, tc := range []struct{ about, value, expected string }{
		{"a wildcard", "*.example.org", "expected a domain name without a wildcard, what is below it belongs to it"},
		{"an IPv4 address", "192.0.2.1", "expected a domain name, not an address"},
		{"an IPv4 address with a final dot", "192.0.2.1.", "expected a domain name, not an address"},
		{"an IPv6 address", "2001:db8::1", "expected a domain name, not an address"},
		{"an address with a port", "192.0.2.1:53", "expected a domain name, not an address"},
		{"a part of an address, absolute", "192.0.2.", "expected a domain name, not an address"},
		{"a URL", "https://example.org/", "expected a domain name, not a URL"},
		{"the key of a server block", "dns://example.org", "expected a domain name, not a URL"},
		{"a path", "example.org/", "expected a domain name, not a path"},
		{"a path with a page", "example.org/x.html", "expected a domain name, not a path"},
		{"a port", "example.org:53", "expected a domain name without a port"},
		{"quotes", `"example.org"`, "expected a domain name without quotes"},
		{"single quotes", `'example.org'`, "expected a domain name without quotes"},
		{"a comma", "example.org,", "expected a domain name without a comma or semicolon"},
		{"a semicolon", "example.org;", "expected a domain name without a comma or semicolon"},
		{"a mail address", "user@example.org", "expected a domain name, without @"},
		{"the zone itself", "@", "expected a domain name, without @"},
		{"a second word", "example.org OK", "expected one name, not several words"},
		{"a second word behind a tab", "example.org\tOK", "expected one name, not several words"},
		{"a U-label", "müller.example", `expected it as in DNS, "xn--mller-kva.example"`},
		{"a U-label with capital letters and an underscore", "_x.MÜLLER.example.", `expected it as in DNS, "_x.xn--mller-kva.example."`},
		{"an ideographic full stop", "example。org", `expected it as in DNS, "example.org"`},
		{"an escape", `a\.b.example.org`, labels},
		{"an empty label", "a..b", labels},
		{"a dot in front", ".example.org", labels},
		{"a label of 64 octets", longLabel + ".org", labels},
		{"a control character", "a\x01b.org", labels},
		{"more than 255 octets", longName + ".toolong.example.org", "expected a name of at most 255 octets"},
		{"UTF-16 without its mark", "e\x00x\x00", "expected a domain name in ASCII, this looks like UTF-16"},
	} {
		for _, place := range places {
			t.Run(tc.about+" as "+place, func(t *testing.T) {
				if got, expected := takeName(t, place, tc.value); expected != tc.expected {
					t.Errorf("got %q, %q, want %q", got, expected, tc.expected)
				}
			})
		}
	}
	// The Corefile's own parser replaces such octets.
	for _, tc := range []struct{ about, value, expected string }{
		{"octets that are no text", "m\xfcller.example", labels},
		{"UTF-16", "\xff\xfee\x00x\x00", "expected a domain name in ASCII, this looks like UTF-16"},
		{"UTF-16 the other way round", "\xfe\xff\x00e\x00x", "expected a domain name in ASCII, this looks like UTF-16"},
	} {
		t.Run(tc.about+" in a list", func(t *testing.T) {
			if got, expected := takeName(t, "a list", tc.value); expected != tc.expected {
				t.Errorf("got %q, %q, want %q", got, expected, tc.expected)
			}
		})
	}
	for _, place := range places[1:] {
		t.Run("an address prefix as "+place, func(t *testing.T) {
			if _, expected := takeName(t, place, "192.0.2.0/24"); expected != "expected a domain name, not an address" {
				t.Errorf("got %q", expected)
			}
		})
	}
}

// ZONES may be address prefixes, as the key of a server block.
func TestZonesFromAddressPrefixes(t *testing.T) {
	for _, tc := range []struct {
		prefix string
		want   []string
	}{
		{"192.0.2.0/24", []string{"2.0.192.in-addr.arpa."}},
		{"192.0.2.17/24", []string{"2.0.192.in-addr.arpa."}},
		{"10.0.0.0/15", []string{"0.10.in-addr.arpa.", "1.10.in-addr.arpa."}},
		{"0.0.0.0/0", []string{"in-addr.arpa."}},
		{"2001:db8::/32", []string{"8.b.d.0.1.0.0.2.ip6.arpa."}},
		{"2001:DB8::/31", []string{"8.b.d.0.1.0.0.2.ip6.arpa.", "9.b.d.0.1.0.0.2.ip6.arpa."}},
	} {
		t.Run(tc.prefix, func(t *testing.T) {
			got := stanzas(t, "arpa {\nfakemx "+tc.prefix+" {\nhighest fake.example.org.\n}\n}")[0].Zones
			wantLines(t, got, tc.want...)
		})
	}
	t.Run("also where the server block has them", func(t *testing.T) {
		got := stanzas(t, "dns://2.0.192.in-addr.arpa.:53 tls://Example.org {\nfakemx {\nhighest fake.example.net.\n}\n}")[0].Zones
		wantLines(t, got, "2.0.192.in-addr.arpa.", "example.org.")
	})
	t.Run("but not with a port", func(t *testing.T) {
		wantError(t, "arpa {\nfakemx 192.0.2.0/24:53 {\nhighest fake.example.net.\n}\n}",
			`Corefile:2 - Error during parsing: bad zone "192.0.2.0/24:53": expected a domain name without a port`)
	})
}

func TestZonesAreTakenOnce(t *testing.T) {
	got := stanzas(t, "org {\nfakemx a.org A.org. b.org a.org {\nhighest fake.example.net.\n}\n}")[0].Zones
	wantLines(t, got, "a.org.", "b.org.")
}

// An empty word is most often a variable of the environment that is not set.
func TestEmptyValuesNameTheUnsetVariable(t *testing.T) {
	t.Setenv("FAKEMX_UNSET", "")
	const unset = "{$FAKEMX_UNSET}"
	for _, tc := range []struct{ line, want string }{
		{"lowest " + unset, "lowest has an empty value: expected lowest NAME [ADDRESS...]"},
		{"lowest a 9.9.9.9 " + unset, "lowest has an empty value: expected lowest NAME [ADDRESS...]"},
		{"highest a " + unset, "highest has an empty value: expected highest NAME [ADDRESS...]"},
		{"step " + unset, "step has an empty value: expected step N"},
		{"ttl " + unset, "ttl has an empty value: expected ttl SECONDS"},
		{"except a " + unset, "except has an empty value: expected except NAME..."},
		{"exchanges " + unset, "exchanges has an empty value: expected exchanges NAME..."},
		{"real " + unset, "real has an empty value: expected real LABEL"},
		{"zones_from " + unset, "zones_from has an empty value: expected zones_from FILE"},
		{"dry_run " + unset, "dry_run has an empty value: expected dry_run"},
		{unset + " a", `unknown property "": expected lowest, highest, step, ttl, except, exchanges, real, zones_from, watch, control, serial or dry_run`},
	} {
		t.Run(tc.line, func(t *testing.T) {
			wantError(t, stanzaWith(tc.line), "Corefile:3 - Error during parsing: "+tc.want+"; perhaps a {$VARIABLE} is not set")
		})
	}
	t.Run("a zone", func(t *testing.T) {
		wantError(t, "org {\nfakemx "+unset+" {\nhighest a. \n}\n}",
			`Corefile:2 - Error during parsing: bad zone "": expected a domain name; perhaps a {$VARIABLE} is not set`)
	})
}

func FuzzName(f *testing.F) {
	for _, seed := range []string{"example.org", "müller.example", "192.0.2.1", "0/25.2.0.192.in-addr.arpa.", ".", "a:53", "\ufeffx", "*.a", "a\\.b"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		kept := []byte("kept")
		got, err := appendName(kept, value, true)
		if err != nil {
			if len(err.Error()) > 2000 || strings.ContainsAny(err.Error(), "\n\r") {
				t.Errorf("%q: the message is not one short line: %s", value, err)
			}
			return
		}
		name, ok := bytes.CutPrefix(got, kept)
		if !ok {
			t.Fatalf("%q: what was there before is gone: %q", value, got)
		}
		if !dnsname.Fits(string(name)) || dnsname.Canonical(string(name)) != string(name) {
			t.Errorf("%q: %q is no canonical name", value, name)
		}
	})
}

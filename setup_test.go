package fakemx_test

import (
	"strings"
	"testing"

	"github.com/fakemx/fakemx/internal/servertest"
)

var (
	label63   = strings.Repeat("a", 63)
	longName  = strings.Join([]string{label63, label63, label63, strings.Repeat("b", 50)}, ".")
	longLabel = strings.Repeat("a", 64)
)

// Each mistake is refused at start, in one line with file and line.
func TestMistakesInTheCorefile(t *testing.T) {
	for _, tc := range []struct{ mistake, corefile, want string }{
		{
			"an unknown property", block("lowset fake0 198.51.100.1"),
			`Corefile:3 - Error during parsing: unknown property "lowset": expected lowest, highest, step, ttl, except, real, zones_from or dry_run`,
		},
		{
			"no fake at all", "example.org:0 {\n\nfakemx\n}",
			`Corefile:3 - Error during parsing: no fake: expected at least one line lowest NAME [ADDRESS...] or highest NAME [ADDRESS...]`,
		},
		{
			"no fake in the block", block("step 5"),
			`Corefile:2 - Error during parsing: no fake: expected at least one line lowest NAME [ADDRESS...] or highest NAME [ADDRESS...]`,
		},
		{
			"a stanza of several without a fake", "example.org:0 {\nfakemx example.org {\nlowest a 198.51.100.1\n}\nfakemx a.example.org {\ndry_run\n}\n}",
			`Corefile:5 - Error during parsing: no fake: expected at least one line lowest NAME [ADDRESS...] or highest NAME [ADDRESS...]`,
		},

		{
			"lowest without a name", block("lowest"),
			`Corefile:3 - Error during parsing: lowest without a name: expected lowest NAME [ADDRESS...]`,
		},
		{
			"highest without a name", block("highest"),
			`Corefile:3 - Error during parsing: highest without a name: expected highest NAME [ADDRESS...]`,
		},
		{
			"an address in place of the name", block("lowest 198.51.100.1"),
			`Corefile:3 - Error during parsing: lowest: bad name "198.51.100.1": expected a name before the addresses`,
		},
		{
			"an IPv6 address in place of the name", block("lowest 2001:db8::1"),
			`Corefile:3 - Error during parsing: lowest: bad name "2001:db8::1": expected a name before the addresses`,
		},
		{
			"the zone itself as @", block("lowest @ 198.51.100.1"),
			`Corefile:3 - Error during parsing: lowest: bad name "@": expected a host below the zone`,
		},
		{
			"the root as a sink", block("lowest . 198.51.100.1"),
			`Corefile:3 - Error during parsing: lowest: bad name ".": expected a host below the zone`,
		},
		{
			"the zone itself, absolute", block("lowest example.org. 198.51.100.1"),
			`Corefile:3 - Error during parsing: sink "example.org." is the zone itself: expected a host below it`,
		},
		{
			"an empty label", block("lowest a..b 198.51.100.1"),
			`Corefile:3 - Error during parsing: lowest: bad name "a..b": expected labels of up to 63 letters, digits, hyphens or underscores`,
		},
		{
			"a label of 64 octets", block("lowest " + longLabel + " 198.51.100.1"),
			`Corefile:3 - Error during parsing: lowest: bad name "` + longLabel + `": expected labels of up to 63 letters, digits, hyphens or underscores`,
		},
		{
			"a hyphen at the start of a label", block("lowest -a 198.51.100.1"),
			`Corefile:3 - Error during parsing: lowest: bad name "-a": expected labels of up to 63 letters, digits, hyphens or underscores`,
		},
		{
			"a hyphen at the end of a label", block("lowest a-.b 198.51.100.1"),
			`Corefile:3 - Error during parsing: lowest: bad name "a-.b": expected labels of up to 63 letters, digits, hyphens or underscores`,
		},
		{
			"a wildcard as a sink", block("lowest *.mx 198.51.100.1"),
			`Corefile:3 - Error during parsing: lowest: bad name "*.mx": expected labels of up to 63 letters, digits, hyphens or underscores`,
		},
		{
			"an octet that no host name has", block("lowest fäke 198.51.100.1"),
			`Corefile:3 - Error during parsing: lowest: bad name "fäke": expected labels of up to 63 letters, digits, hyphens or underscores`,
		},
		{
			"an escape", block("lowest a\\.b 198.51.100.1"),
			`Corefile:3 - Error during parsing: lowest: bad name "a\\.b": expected labels of up to 63 letters, digits, hyphens or underscores`,
		},
		{
			"a name longer than DNS allows", block("lowest " + longName + " 198.51.100.1"),
			`Corefile:3 - Error during parsing: sink "` + longName + `" is longer than 255 octets in zone "example.org.": expected a shorter name`,
		},
		{
			"a name too long in one of the zones only", "org:0 {\nfakemx org example.org {\nlowest " + longName + " 198.51.100.1\n}\n}",
			`Corefile:3 - Error during parsing: sink "` + longName + `" is longer than 255 octets in zone "example.org.": expected a shorter name`,
		},
		{
			"a relative name under the root zone", ".:0 {\nfakemx {\nlowest fake0 198.51.100.1\n}\n}",
			`Corefile:3 - Error during parsing: sink "fake0" is relative to the root zone: expected a name with a final dot`,
		},

		{
			"a range that is not closed", block("lowest a[1-2 198.51.100.1"),
			`Corefile:3 - Error during parsing: lowest: bad name "a[1-2": expected a range as [A-B], two decimal numbers of which the first is not the larger`,
		},
		{
			"a range that is not opened", block("lowest a1-2] 198.51.100.1"),
			`Corefile:3 - Error during parsing: lowest: bad name "a1-2]": expected a range as [A-B], two decimal numbers of which the first is not the larger`,
		},
		{
			"a range of letters", block("lowest a[a-c] 198.51.100.1"),
			`Corefile:3 - Error during parsing: lowest: bad name "a[a-c]": expected a range as [A-B], two decimal numbers of which the first is not the larger`,
		},
		{
			"a range without an end", block("lowest a[1-] 198.51.100.1"),
			`Corefile:3 - Error during parsing: lowest: bad name "a[1-]": expected a range as [A-B], two decimal numbers of which the first is not the larger`,
		},
		{
			"a range of one number", block("lowest a[1] 198.51.100.1"),
			`Corefile:3 - Error during parsing: lowest: bad name "a[1]": expected a range as [A-B], two decimal numbers of which the first is not the larger`,
		},
		{
			"a range downwards", block("lowest a[2-1] 198.51.100.1"),
			`Corefile:3 - Error during parsing: lowest: bad name "a[2-1]": expected a range as [A-B], two decimal numbers of which the first is not the larger`,
		},
		{
			"a range in a range", block("lowest a[1-[2-3]] 198.51.100.1"),
			`Corefile:3 - Error during parsing: lowest: bad name "a[1-[2-3]]": expected a range as [A-B], two decimal numbers of which the first is not the larger`,
		},
		{
			"a negative range", block("lowest a[-1-2] 198.51.100.1"),
			`Corefile:3 - Error during parsing: lowest: bad name "a[-1-2]": expected a range as [A-B], two decimal numbers of which the first is not the larger`,
		},
		{
			"a range with more numbers than there may be fakes", block("highest a[1-1001] 198.51.100.1"),
			`Corefile:3 - Error during parsing: highest: bad name "a[1-1001]": the range has more than 1000 names, expected fewer`,
		},
		{
			"two ranges with more names than there may be fakes", block("highest a[1-40]b[1-40] 198.51.100.1"),
			`Corefile:3 - Error during parsing: highest: bad name "a[1-40]b[1-40]": the range has more than 1000 names, expected fewer`,
		},
		{
			"a range of more than 32 bits", block("highest a[1-99999999999] 198.51.100.1"),
			`Corefile:3 - Error during parsing: highest: bad name "a[1-99999999999]": expected a range as [A-B], two decimal numbers of which the first is not the larger`,
		},
		{
			"more fakes in all than there may be", block("highest a[1-600] 198.51.100.1", "highest b[1-600] 198.51.100.1"),
			`Corefile:4 - Error during parsing: highest b[1-600]: more than 1000 fakes: expected fewer`,
		},

		{
			"an address that is none", block("lowest a 198.51.100"),
			`Corefile:3 - Error during parsing: lowest a: bad address "198.51.100": expected an IPv4 or IPv6 address`,
		},
		{
			"a name in place of an address", block("lowest a b"),
			`Corefile:3 - Error during parsing: lowest a: bad address "b": expected an IPv4 or IPv6 address`,
		},
		{
			"an address with a prefix length", block("lowest a 198.51.100.0/24"),
			`Corefile:3 - Error during parsing: lowest a: bad address "198.51.100.0/24": expected an IPv4 or IPv6 address`,
		},
		{
			"an address with a zone", block("lowest a fe80::1%eth0"),
			`Corefile:3 - Error during parsing: lowest a: bad address "fe80::1%eth0": expected one without a zone`,
		},
		{
			"an IPv4 address inside IPv6", block("lowest a ::ffff:198.51.100.1"),
			`Corefile:3 - Error during parsing: lowest a: bad address "::ffff:198.51.100.1": expected the IPv4 address as 198.51.100.1`,
		},
		{
			"the same address twice", block("lowest a 2001:db8::1 2001:DB8:0::1"),
			`Corefile:3 - Error during parsing: lowest a: address "2001:DB8:0::1" is given twice: expected once`,
		},
		{
			"an unspecified IPv4 address", block("lowest a 0.0.0.0"),
			`Corefile:3 - Error during parsing: lowest a: unspecified address "0.0.0.0": senders take it for themselves and bounce mail; expected an address of yours with port 25 closed`,
		},
		{
			"an unspecified IPv6 address", block("lowest a ::"),
			`Corefile:3 - Error during parsing: lowest a: unspecified address "::": senders take it for themselves and bounce mail; expected an address of yours with port 25 closed`,
		},
		{
			"a loopback IPv4 address", block("lowest a 127.0.0.1"),
			`Corefile:3 - Error during parsing: lowest a: loopback address "127.0.0.1": senders take it for themselves and bounce mail; expected an address of yours with port 25 closed`,
		},
		{
			"a loopback IPv4 address other than the first", block("highest a 127.255.0.9"),
			`Corefile:3 - Error during parsing: highest a: loopback address "127.255.0.9": senders take it for themselves and bounce mail; expected an address of yours with port 25 closed`,
		},
		{
			"a loopback IPv6 address", block("lowest a ::1"),
			`Corefile:3 - Error during parsing: lowest a: loopback address "::1": senders take it for themselves and bounce mail; expected an address of yours with port 25 closed`,
		},
		{
			"a multicast IPv4 address", block("lowest a 239.1.2.3"),
			`Corefile:3 - Error during parsing: lowest a: multicast address "239.1.2.3": senders take it for themselves and bounce mail; expected an address of yours with port 25 closed`,
		},
		{
			"a multicast IPv6 address", block("lowest a ff02::1"),
			`Corefile:3 - Error during parsing: lowest a: multicast address "ff02::1": senders take it for themselves and bounce mail; expected an address of yours with port 25 closed`,
		},
		{
			"the broadcast address", block("lowest a 255.255.255.255"),
			`Corefile:3 - Error during parsing: lowest a: broadcast address "255.255.255.255": senders take it for themselves and bounce mail; expected an address of yours with port 25 closed`,
		},
		{
			"a sink in the zone without an address", block("lowest a"),
			`Corefile:3 - Error during parsing: sink "a" has no address: expected at least one, some senders bounce mail without`,
		},
		{
			"an absolute sink in the zone without an address", block("lowest a.example.org."),
			`Corefile:3 - Error during parsing: sink "a.example.org." has no address: expected at least one, some senders bounce mail without`,
		},
		{
			"a sink outside with an address", block("lowest a.example.net. 198.51.100.1"),
			`Corefile:3 - Error during parsing: sink "a.example.net." is outside the zones and has addresses: expected none, somebody else serves it`,
		},

		{
			"a sink twice", block("lowest a 198.51.100.1", "highest A 198.51.100.2"),
			`Corefile:4 - Error during parsing: sink "a" is given twice: expected once`,
		},
		{
			"a sink twice by a range", block("highest a[1-3] 198.51.100.1", "highest a2 198.51.100.2"),
			`Corefile:4 - Error during parsing: sink "a2" is given twice: expected once`,
		},
		{
			"a sink twice, relative and absolute", block("lowest a 198.51.100.1", "highest a.example.org. 198.51.100.2"),
			`Corefile:4 - Error during parsing: sink "a.example.org." is given twice in zone "example.org.": expected once`,
		},
		{
			"a sink outside twice", block("lowest a.example.net.", "highest a.example.net."),
			`Corefile:4 - Error during parsing: sink "a.example.net." is given twice: expected once`,
		},

		{
			"more than 4 lowest fakes", block("lowest a[1-3].example.net.", "lowest b[1-2].example.net."),
			`Corefile:4 - Error during parsing: 5 lowest fakes: expected at most 4, with more some senders never reach the real MX`,
		},
		{
			"more than 4 addresses of lowest fakes", block("lowest a[1-2] 198.51.100.1 198.51.100.2", "lowest b 198.51.100.3"),
			`Corefile:4 - Error during parsing: more than 4 addresses of lowest fakes: expected at most 4, with more some senders never reach the real MX`,
		},

		{
			"step without a value", block("highest a 198.51.100.1", "step"),
			`Corefile:4 - Error during parsing: step has 0 values: expected one, a whole number from 1 to 65535`,
		},
		{
			"step with two values", block("highest a 198.51.100.1", "step 1 2"),
			`Corefile:4 - Error during parsing: step has 2 values: expected one, a whole number from 1 to 65535`,
		},
		{
			"step twice", block("highest a 198.51.100.1", "step 1", "step 2"),
			`Corefile:5 - Error during parsing: step is given twice: expected once`,
		},
		{
			"a step of 0", block("highest a 198.51.100.1", "step 0"),
			`Corefile:4 - Error during parsing: bad step "0": expected a whole number from 1 to 65535`,
		},
		{
			"a step beyond the preferences", block("highest a 198.51.100.1", "step 65536"),
			`Corefile:4 - Error during parsing: bad step "65536": expected a whole number from 1 to 65535`,
		},
		{
			"a step that is no number", block("highest a 198.51.100.1", "step ten"),
			`Corefile:4 - Error during parsing: bad step "ten": expected a whole number from 1 to 65535`,
		},
		{
			"ttl without a value", block("highest a 198.51.100.1", "ttl"),
			`Corefile:4 - Error during parsing: ttl has 0 values: expected one, a whole number from 0 to 2147483647`,
		},
		{
			"ttl with two values", block("highest a 198.51.100.1", "ttl 1 2"),
			`Corefile:4 - Error during parsing: ttl has 2 values: expected one, a whole number from 0 to 2147483647`,
		},
		{
			"ttl twice", block("highest a 198.51.100.1", "ttl 1", "ttl 1"),
			`Corefile:5 - Error during parsing: ttl is given twice: expected once`,
		},
		{
			"a negative ttl", block("highest a 198.51.100.1", "ttl -1"),
			`Corefile:4 - Error during parsing: bad ttl "-1": expected a whole number from 0 to 2147483647`,
		},
		{
			"a ttl beyond 31 bits", block("highest a 198.51.100.1", "ttl 2147483648"),
			`Corefile:4 - Error during parsing: bad ttl "2147483648": expected a whole number from 0 to 2147483647`,
		},
		{
			"a ttl with a unit", block("highest a 198.51.100.1", "ttl 1h"),
			`Corefile:4 - Error during parsing: bad ttl "1h": expected a whole number from 0 to 2147483647`,
		},

		{
			"except without a name", block("highest a 198.51.100.1", "except"),
			`Corefile:4 - Error during parsing: except without a name: expected except NAME...`,
		},
		{
			"an except that is no name", block("highest a 198.51.100.1", "except a..b"),
			`Corefile:4 - Error during parsing: bad except "a..b": expected a domain name`,
		},
		{
			"a sink in a subtree of except", block("highest a.sub 198.51.100.1", "except sub"),
			`Corefile:3 - Error during parsing: sink "a.sub.example.org." is in a subtree of except: expected a name outside`,
		},
		{
			"real without a label", block("highest a 198.51.100.1", "real"),
			`Corefile:4 - Error during parsing: real has 0 values: expected one, a single label such as _realmx`,
		},
		{
			"real with two labels in one", block("highest a 198.51.100.1", "real a.b"),
			`Corefile:4 - Error during parsing: bad real "a.b": expected a single label such as _realmx`,
		},
		{
			"real with two values", block("highest a 198.51.100.1", "real a b"),
			`Corefile:4 - Error during parsing: real has 2 values: expected one, a single label such as _realmx`,
		},
		{
			"real twice", block("highest a 198.51.100.1", "real a", "real b"),
			`Corefile:5 - Error during parsing: real is given twice: expected once`,
		},
		{
			"real with a label of 64 octets", block("highest a 198.51.100.1", "real "+longLabel),
			`Corefile:4 - Error during parsing: bad real "` + longLabel + `": expected a single label such as _realmx`,
		},
		{
			"real with a wildcard", block("highest a 198.51.100.1", "real *"),
			`Corefile:4 - Error during parsing: bad real "*": expected a single label such as _realmx`,
		},
		{
			"a sink that begins with the label of real", block("highest _r.mx 198.51.100.1", "real _R"),
			`Corefile:3 - Error during parsing: sink "_r.mx" begins with the label of real: expected another name`,
		},
		{
			"zones_from without a path", block("highest a 198.51.100.1", "zones_from"),
			`Corefile:4 - Error during parsing: zones_from has 0 values: expected one, the path of a file with one zone a line`,
		},
		{
			"zones_from with two paths", block("highest a 198.51.100.1", "zones_from a b"),
			`Corefile:4 - Error during parsing: zones_from has 2 values: expected one, the path of a file with one zone a line`,
		},
		{
			"a list that is not there", block("highest a 198.51.100.1", "zones_from testdata/none"),
			`Corefile:4 - Error during parsing: zones_from: open testdata/none: no such file or directory`,
		},
		{
			"zones_from twice", block("highest a 198.51.100.1", "zones_from testdata/none", "zones_from b"),
			`Corefile:5 - Error during parsing: zones_from is given twice: expected once`,
		},
		{
			"dry_run with a value", block("highest a 198.51.100.1", "dry_run yes"),
			`Corefile:4 - Error during parsing: dry_run has the value "yes": expected none`,
		},
		{
			"dry_run twice", block("highest a 198.51.100.1", "dry_run", "dry_run"),
			`Corefile:5 - Error during parsing: dry_run is given twice: expected once`,
		},

		{
			"a zone that is no name", "example.org:0 {\nfakemx a..b {\nhighest a 198.51.100.1\n}\n}",
			`Corefile:2 - Error during parsing: bad zone "a..b": expected a domain name`,
		},
		{
			"a zone that is too long", "example.org:0 {\nfakemx " + longName + ".toolong.example.org {\nhighest a 198.51.100.1\n}\n}",
			`Corefile:2 - Error during parsing: bad zone "` + longName + `.toolong.example.org": expected a domain name`,
		},
		{
			"a zone in two stanzas", "example.org:0 {\nfakemx {\nhighest a 198.51.100.1\n}\nfakemx EXAMPLE.org {\nhighest b 198.51.100.1\n}\n}",
			`Corefile:5 - Error during parsing: zone "example.org." is in the fakemx of line 2 too: expected it in one`,
		},
		{
			"a sink that is a zone of the stanza", "example.org:0 {\nfakemx example.org a.example.org {\nhighest a 198.51.100.1\n}\n}",
			`Corefile:3 - Error during parsing: sink "a" is the configured zone "a.example.org.": expected a host below a zone`,
		},
		{
			"a sink that is a zone of another stanza", "example.org:0 {\nfakemx example.org {\nhighest a 198.51.100.1\n}\nfakemx a.example.org {\nhighest b 198.51.100.1\n}\n}",
			`Corefile:3 - Error during parsing: sink "a" is the configured zone "a.example.org.": expected a host below a zone`,
		},
		{
			"a mistake in the second stanza", "example.org:0 {\nfakemx {\nhighest a 198.51.100.1\n}\nfakemx a.example.org {\nhighest\n}\n}",
			`Corefile:6 - Error during parsing: highest without a name: expected highest NAME [ADDRESS...]`,
		},
		{
			"a mistake in the second server block", "example.org:0 {\nfakemx {\nhighest a 198.51.100.1\n}\n}\nexample.net:0 {\nfakemx {\nhighest\n}\n}",
			`Corefile:8 - Error during parsing: highest without a name: expected highest NAME [ADDRESS...]`,
		},
	} {
		t.Run(tc.mistake, func(t *testing.T) {
			_, err := servertest.TryStart(t, tc.corefile)
			if err == nil {
				t.Fatal("the server has started")
			}
			if got, want := err.Error(), "plugin/fakemx: "+tc.want; got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Error("the message has more than one line")
			}
		})
	}
}

// block returns a Corefile whose line 3 is the first of the properties.
func block(properties ...string) string {
	return "example.org:0 {\nfakemx {\n" + strings.Join(properties, "\n") + "\n}\n}"
}

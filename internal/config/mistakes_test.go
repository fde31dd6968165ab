package config

import (
	"strings"
	"testing"
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
			"an unknown property", stanzaWith("lowset fake0 198.51.100.1"),
			`Corefile:3 - Error during parsing: unknown property "lowset": expected lowest, highest, step, ttl, except, exchanges, real, zones_from, watch, control, serial or dry_run`,
		},
		{
			"no fake at all", "example.org:0 {\n\nfakemx\n}",
			`Corefile:3 - Error during parsing: no fake: expected at least one line lowest NAME [ADDRESS...] or highest NAME [ADDRESS...]`,
		},
		{
			"no fake in the block", stanzaWith("step 5"),
			`Corefile:2 - Error during parsing: no fake: expected at least one line lowest NAME [ADDRESS...] or highest NAME [ADDRESS...]`,
		},
		{
			"a stanza of several without a fake", "example.org:0 {\nfakemx example.org {\nlowest a 198.51.100.1\n}\nfakemx a.example.org {\ndry_run\n}\n}",
			`Corefile:5 - Error during parsing: no fake: expected at least one line lowest NAME [ADDRESS...] or highest NAME [ADDRESS...]`,
		},

		{
			"lowest without a name", stanzaWith("lowest"),
			`Corefile:3 - Error during parsing: lowest without a name: expected lowest NAME [ADDRESS...]`,
		},
		{
			"highest without a name", stanzaWith("highest"),
			`Corefile:3 - Error during parsing: highest without a name: expected highest NAME [ADDRESS...]`,
		},
		{
			"an address in place of the name", stanzaWith("lowest 198.51.100.1"),
			`Corefile:3 - Error during parsing: lowest: bad name "198.51.100.1": expected a name before the addresses`,
		},
		{
			"an IPv6 address in place of the name", stanzaWith("lowest 2001:db8::1"),
			`Corefile:3 - Error during parsing: lowest: bad name "2001:db8::1": expected a name before the addresses`,
		},
		{
			"the zone itself as @", stanzaWith("lowest @ 198.51.100.1"),
			`Corefile:3 - Error during parsing: lowest: bad name "@": expected a host below the zone`,
		},
		{
			"the root as a sink", stanzaWith("lowest . 198.51.100.1"),
			`Corefile:3 - Error during parsing: lowest: bad name ".": expected a host below the zone`,
		},
		{
			"the zone itself, absolute", stanzaWith("lowest example.org. 198.51.100.1"),
			`Corefile:3 - Error during parsing: sink "example.org." is the zone itself: expected a host below it`,
		},
		{
			"an empty label", stanzaWith("lowest a..b 198.51.100.1"),
			`Corefile:3 - Error during parsing: lowest: bad name "a..b": expected labels of up to 63 letters, digits, hyphens or underscores`,
		},
		{
			"a label of 64 octets", stanzaWith("lowest " + longLabel + " 198.51.100.1"),
			`Corefile:3 - Error during parsing: lowest: bad name "` + longLabel + `": expected labels of up to 63 letters, digits, hyphens or underscores`,
		},
		{
			"a hyphen at the start of a label", stanzaWith("lowest -a 198.51.100.1"),
			`Corefile:3 - Error during parsing: lowest: bad name "-a": expected labels of up to 63 letters, digits, hyphens or underscores`,
		},
		{
			"a hyphen at the end of a label", stanzaWith("lowest a-.b 198.51.100.1"),
			`Corefile:3 - Error during parsing: lowest: bad name "a-.b": expected labels of up to 63 letters, digits, hyphens or underscores`,
		},
		{
			"a wildcard as a sink", stanzaWith("lowest *.mx 198.51.100.1"),
			`Corefile:3 - Error during parsing: lowest: bad name "*.mx": expected labels of up to 63 letters, digits, hyphens or underscores`,
		},
		{
			"an octet that no host name has", stanzaWith("lowest fäke 198.51.100.1"),
			`Corefile:3 - Error during parsing: lowest: bad name "fäke": expected it as in DNS, "xn--fke-qla"`,
		},
		{
			"an escape", stanzaWith("lowest a\\.b 198.51.100.1"),
			`Corefile:3 - Error during parsing: lowest: bad name "a\\.b": expected labels of up to 63 letters, digits, hyphens or underscores`,
		},
		{
			"a name longer than DNS allows", stanzaWith("lowest " + longName + " 198.51.100.1"),
			`Corefile:3 - Error during parsing: sink "` + longName + `" is longer than 255 octets in zone "example.org.": expected a shorter name`,
		},
		{
			"a name too long in one of the zones only", "org:0 {\nfakemx org example.org {\nlowest " + longName + " 198.51.100.1\n}\n}",
			`Corefile:3 - Error during parsing: sink "` + longName + `" is longer than 255 octets in zone "example.org.": expected a shorter name`,
		},
		{
			"a relative name under the root zone", ".:0 {\nfakemx {\nlowest fake0 198.51.100.1\n}\n}",
			`Corefile:3 - Error during parsing: sink "fake0" is relative, no zone is given and the server block's is the root: expected zones after fakemx, or absolute names`,
		},
		{
			"a relative name under the root zone, which the stanza names", ".:0 {\nfakemx . {\nlowest fake0 198.51.100.1\n}\n}",
			`Corefile:3 - Error during parsing: sink "fake0" is relative to the root zone: expected a name with a final dot`,
		},

		{
			"a range that is not closed", stanzaWith("lowest a[1-2 198.51.100.1"),
			`Corefile:3 - Error during parsing: lowest: bad name "a[1-2": expected a range as [A-B], two decimal numbers of which the first is not the larger`,
		},
		{
			"a range that is not opened", stanzaWith("lowest a1-2] 198.51.100.1"),
			`Corefile:3 - Error during parsing: lowest: bad name "a1-2]": expected a range as [A-B], two decimal numbers of which the first is not the larger`,
		},
		{
			"a range of letters", stanzaWith("lowest a[a-c] 198.51.100.1"),
			`Corefile:3 - Error during parsing: lowest: bad name "a[a-c]": expected a range as [A-B], two decimal numbers of which the first is not the larger`,
		},
		{
			"a range without an end", stanzaWith("lowest a[1-] 198.51.100.1"),
			`Corefile:3 - Error during parsing: lowest: bad name "a[1-]": expected a range as [A-B], two decimal numbers of which the first is not the larger`,
		},
		{
			"a range of one number", stanzaWith("lowest a[1] 198.51.100.1"),
			`Corefile:3 - Error during parsing: lowest: bad name "a[1]": expected a range as [A-B], two decimal numbers of which the first is not the larger`,
		},
		{
			"a range downwards", stanzaWith("lowest a[2-1] 198.51.100.1"),
			`Corefile:3 - Error during parsing: lowest: bad name "a[2-1]": expected a range as [A-B], two decimal numbers of which the first is not the larger`,
		},
		{
			"a range in a range", stanzaWith("lowest a[1-[2-3]] 198.51.100.1"),
			`Corefile:3 - Error during parsing: lowest: bad name "a[1-[2-3]]": expected a range as [A-B], two decimal numbers of which the first is not the larger`,
		},
		{
			"a negative range", stanzaWith("lowest a[-1-2] 198.51.100.1"),
			`Corefile:3 - Error during parsing: lowest: bad name "a[-1-2]": expected a range as [A-B], two decimal numbers of which the first is not the larger`,
		},
		{
			"a range with more numbers than there may be fakes", stanzaWith("highest a[1-51] 198.51.100.1"),
			`Corefile:3 - Error during parsing: highest: bad name "a[1-51]": the range has more than 50 names, expected fewer`,
		},
		{
			"two ranges with more names than there may be fakes", stanzaWith("highest a[1-8]b[1-8] 198.51.100.1"),
			`Corefile:3 - Error during parsing: highest: bad name "a[1-8]b[1-8]": the range has more than 50 names, expected fewer`,
		},
		{
			"ranges without end", stanzaWith("highest " + strings.Repeat("[1-1]", 300000) + " 198.51.100.1"),
			`Corefile:3 - Error during parsing: highest: bad name "` + strings.Repeat("[1-1]", 12) + `"...: expected labels of up to 63 letters, digits, hyphens or underscores`,
		},
		{
			"a range of more than 32 bits", stanzaWith("highest a[1-99999999999] 198.51.100.1"),
			`Corefile:3 - Error during parsing: highest: bad name "a[1-99999999999]": expected a range as [A-B], two decimal numbers of which the first is not the larger`,
		},
		{
			"more fakes in all than there may be", stanzaWith("highest a[1-30] 198.51.100.1", "highest b[1-21] 198.51.100.1"),
			`Corefile:4 - Error during parsing: highest b[1-21]: more than 50 fakes: expected fewer, some senders keep 100 records of a set and drop real ones beyond`,
		},
		{
			"more fakes in all, of both kinds", stanzaWith("highest a[1-50] 198.51.100.1", "lowest b 198.51.100.1"),
			`Corefile:4 - Error during parsing: lowest b: more than 50 fakes: expected fewer, some senders keep 100 records of a set and drop real ones beyond`,
		},

		{
			"an address that is none", stanzaWith("lowest a 198.51.100"),
			`Corefile:3 - Error during parsing: lowest a: bad address "198.51.100": expected an IPv4 or IPv6 address`,
		},
		{
			"a name in place of an address", stanzaWith("lowest a b"),
			`Corefile:3 - Error during parsing: lowest a: bad address "b": expected an IPv4 or IPv6 address`,
		},
		{
			"an address with a prefix length", stanzaWith("lowest a 198.51.100.0/24"),
			`Corefile:3 - Error during parsing: lowest a: bad address "198.51.100.0/24": expected an IPv4 or IPv6 address`,
		},
		{
			"an address with a zone", stanzaWith("lowest a fe80::1%eth0"),
			`Corefile:3 - Error during parsing: lowest a: bad address "fe80::1%eth0": expected one without a zone`,
		},
		{
			"an IPv4 address inside IPv6", stanzaWith("lowest a ::ffff:198.51.100.1"),
			`Corefile:3 - Error during parsing: lowest a: bad address "::ffff:198.51.100.1": expected the IPv4 address as 198.51.100.1`,
		},
		{
			"the same address twice", stanzaWith("lowest a 2001:db8::1 2001:DB8:0::1"),
			`Corefile:3 - Error during parsing: lowest a: address "2001:DB8:0::1" is given twice: expected once`,
		},
		{
			"an unspecified IPv4 address", stanzaWith("lowest a 0.0.0.0"),
			`Corefile:3 - Error during parsing: lowest a: unspecified address "0.0.0.0": senders take it for themselves and bounce mail; expected an address of yours with port 25 closed`,
		},
		{
			"an unspecified IPv6 address", stanzaWith("lowest a ::"),
			`Corefile:3 - Error during parsing: lowest a: unspecified address "::": senders take it for themselves and bounce mail; expected an address of yours with port 25 closed`,
		},
		{
			"a loopback IPv4 address", stanzaWith("lowest a 127.0.0.1"),
			`Corefile:3 - Error during parsing: lowest a: loopback address "127.0.0.1": senders take it for themselves and bounce mail; expected an address of yours with port 25 closed`,
		},
		{
			"a loopback IPv4 address other than the first", stanzaWith("highest a 127.255.0.9"),
			`Corefile:3 - Error during parsing: highest a: loopback address "127.255.0.9": senders take it for themselves and bounce mail; expected an address of yours with port 25 closed`,
		},
		{
			"a loopback IPv6 address", stanzaWith("lowest a ::1"),
			`Corefile:3 - Error during parsing: lowest a: loopback address "::1": senders take it for themselves and bounce mail; expected an address of yours with port 25 closed`,
		},
		{
			"a multicast IPv4 address", stanzaWith("lowest a 239.1.2.3"),
			`Corefile:3 - Error during parsing: lowest a: multicast address "239.1.2.3": senders take it for themselves and bounce mail; expected an address of yours with port 25 closed`,
		},
		{
			"a multicast IPv6 address", stanzaWith("lowest a ff02::1"),
			`Corefile:3 - Error during parsing: lowest a: multicast address "ff02::1": senders take it for themselves and bounce mail; expected an address of yours with port 25 closed`,
		},
		{
			"the broadcast address", stanzaWith("lowest a 255.255.255.255"),
			`Corefile:3 - Error during parsing: lowest a: broadcast address "255.255.255.255": senders take it for themselves and bounce mail; expected an address of yours with port 25 closed`,
		},
		{
			"a sink in the zone without an address", stanzaWith("lowest a"),
			`Corefile:3 - Error during parsing: sink "a" has no address: expected at least one, some senders bounce mail without`,
		},
		{
			"an absolute sink in the zone without an address", stanzaWith("lowest a.example.org."),
			`Corefile:3 - Error during parsing: sink "a.example.org." has no address: expected at least one, some senders bounce mail without`,
		},
		{
			"a sink outside with an address", stanzaWith("lowest a.example.net. 198.51.100.1"),
			`Corefile:3 - Error during parsing: sink "a.example.net." is outside the zones and has addresses: expected none, somebody else serves it`,
		},

		{
			"the zone itself, without a final dot", stanzaWith("lowest example.org 198.51.100.1"),
			`Corefile:3 - Error during parsing: sink "example.org." is the zone itself: expected a host below it`,
		},
		{
			"a name outside without a final dot and without an address", stanzaWith("lowest a.example.net"),
			`Corefile:3 - Error during parsing: sink "a.example.net" has no address: expected at least one, some senders bounce mail without, or a final dot for a name outside the zones`,
		},
		{
			"a sink of another stanza's zone with an address", "org:0 {\nfakemx example.org {\nhighest a.other.org 198.51.100.1\n}\nfakemx other.org {\nhighest b 198.51.100.1\n}\n}",
			`Corefile:3 - Error during parsing: sink "a.other.org." is outside the zones and has addresses: expected none, somebody else serves it`,
		},

		{
			"a sink twice", stanzaWith("lowest a 198.51.100.1", "highest A 198.51.100.2"),
			`Corefile:4 - Error during parsing: sink "a" is given twice: expected once`,
		},
		{
			"a sink twice by a range", stanzaWith("highest a[1-3] 198.51.100.1", "highest a2 198.51.100.2"),
			`Corefile:4 - Error during parsing: sink "a2" is given twice: expected once`,
		},
		{
			"a sink twice, relative and absolute", stanzaWith("lowest a 198.51.100.1", "highest a.example.org. 198.51.100.2"),
			`Corefile:4 - Error during parsing: sink "a.example.org." is given twice in zone "example.org.": expected once`,
		},
		{
			"a sink twice, relative and absolute without the final dot", stanzaWith("lowest a 198.51.100.1", "highest A.example.org 198.51.100.2"),
			`Corefile:4 - Error during parsing: sink "a.example.org." is given twice in zone "example.org.": expected once`,
		},
		{
			"a sink twice, absolute with and without the final dot", stanzaWith("lowest a.example.org 198.51.100.1", "highest a.example.org. 198.51.100.2"),
			`Corefile:4 - Error during parsing: sink "a.example.org." is given twice: expected once`,
		},
		{
			"a sink outside twice", stanzaWith("lowest a.example.net.", "highest a.example.net."),
			`Corefile:4 - Error during parsing: sink "a.example.net." is given twice: expected once`,
		},

		{
			"more than 4 lowest fakes", stanzaWith("lowest a[1-3].example.net.", "lowest b[1-2].example.net."),
			`Corefile:4 - Error during parsing: 5 lowest fakes: expected at most 4, with more some senders never reach the real MX`,
		},
		{
			"more than 4 addresses of lowest fakes", stanzaWith("lowest a[1-2] 198.51.100.1 198.51.100.2", "lowest b 198.51.100.3"),
			`Corefile:4 - Error during parsing: more than 4 addresses of lowest fakes: expected at most 4, with more some senders never reach the real MX`,
		},

		{
			"step without a value", stanzaWith("highest a 198.51.100.1", "step"),
			`Corefile:4 - Error during parsing: step has 0 values: expected one, a whole number from 1 to 65535`,
		},
		{
			"step with two values", stanzaWith("highest a 198.51.100.1", "step 1 2"),
			`Corefile:4 - Error during parsing: step has 2 values: expected one, a whole number from 1 to 65535`,
		},
		{
			"step twice", stanzaWith("highest a 198.51.100.1", "step 1", "step 2"),
			`Corefile:5 - Error during parsing: step is given twice: expected once`,
		},
		{
			"a step of 0", stanzaWith("highest a 198.51.100.1", "step 0"),
			`Corefile:4 - Error during parsing: bad step "0": expected a whole number from 1 to 65535`,
		},
		{
			"a step beyond the preferences", stanzaWith("highest a 198.51.100.1", "step 65536"),
			`Corefile:4 - Error during parsing: bad step "65536": expected a whole number from 1 to 65535`,
		},
		{
			"a step that is no number", stanzaWith("highest a 198.51.100.1", "step ten"),
			`Corefile:4 - Error during parsing: bad step "ten": expected a whole number from 1 to 65535`,
		},
		{
			"ttl without a value", stanzaWith("highest a 198.51.100.1", "ttl"),
			`Corefile:4 - Error during parsing: ttl has 0 values: expected one, a whole number from 0 to 2147483647`,
		},
		{
			"ttl with two values", stanzaWith("highest a 198.51.100.1", "ttl 1 2"),
			`Corefile:4 - Error during parsing: ttl has 2 values: expected one, a whole number from 0 to 2147483647`,
		},
		{
			"ttl twice", stanzaWith("highest a 198.51.100.1", "ttl 1", "ttl 1"),
			`Corefile:5 - Error during parsing: ttl is given twice: expected once`,
		},
		{
			"a negative ttl", stanzaWith("highest a 198.51.100.1", "ttl -1"),
			`Corefile:4 - Error during parsing: bad ttl "-1": expected a whole number from 0 to 2147483647`,
		},
		{
			"a ttl beyond 31 bits", stanzaWith("highest a 198.51.100.1", "ttl 2147483648"),
			`Corefile:4 - Error during parsing: bad ttl "2147483648": expected a whole number from 0 to 2147483647`,
		},
		{
			"a ttl with a unit", stanzaWith("highest a 198.51.100.1", "ttl 1h"),
			`Corefile:4 - Error during parsing: bad ttl "1h": expected a whole number from 0 to 2147483647`,
		},

		{
			"except without a name", stanzaWith("highest a 198.51.100.1", "except"),
			`Corefile:4 - Error during parsing: except without a name: expected except NAME...`,
		},
		{
			"an except that is no name", stanzaWith("highest a 198.51.100.1", "except a..b"),
			`Corefile:4 - Error during parsing: bad except "a..b": expected labels of up to 63 letters, digits, hyphens or underscores`,
		},
		{
			"exchanges without a name", stanzaWith("highest a 198.51.100.1", "exchanges"),
			`Corefile:4 - Error during parsing: exchanges without a name: expected exchanges NAME...`,
		},
		{
			"an exchange that is no name", stanzaWith("highest a 198.51.100.1", "exchanges mail", "exchanges a..b"),
			`Corefile:5 - Error during parsing: bad exchanges "a..b": expected labels of up to 63 letters, digits, hyphens or underscores`,
		},
		{
			"a sink in an absolute subtree of except", stanzaWith("highest a.sub 198.51.100.1", "except sub.example.org"),
			`Corefile:3 - Error during parsing: sink "a.sub.example.org." is in a subtree of except: expected a name outside`,
		},
		{
			"a sink in a subtree of except", stanzaWith("highest a.sub 198.51.100.1", "except sub"),
			`Corefile:3 - Error during parsing: sink "a.sub.example.org." is in a subtree of except: expected a name outside`,
		},
		{
			"real without a label", stanzaWith("highest a 198.51.100.1", "real"),
			`Corefile:4 - Error during parsing: real has 0 values: expected one, a single label such as _realmx`,
		},
		{
			"real with two labels in one", stanzaWith("highest a 198.51.100.1", "real a.b"),
			`Corefile:4 - Error during parsing: bad real "a.b": expected a single label such as _realmx`,
		},
		{
			"real with two values", stanzaWith("highest a 198.51.100.1", "real a b"),
			`Corefile:4 - Error during parsing: real has 2 values: expected one, a single label such as _realmx`,
		},
		{
			"real twice", stanzaWith("highest a 198.51.100.1", "real a", "real b"),
			`Corefile:5 - Error during parsing: real is given twice: expected once`,
		},
		{
			"real with a label of 64 octets", stanzaWith("highest a 198.51.100.1", "real "+longLabel),
			`Corefile:4 - Error during parsing: bad real "` + longLabel + `": expected a single label such as _realmx`,
		},
		{
			"real with a wildcard", stanzaWith("highest a 198.51.100.1", "real *"),
			`Corefile:4 - Error during parsing: bad real "*": expected a single label such as _realmx`,
		},
		{
			"a sink that begins with the label of real", stanzaWith("highest _r.mx 198.51.100.1", "real _R"),
			`Corefile:3 - Error during parsing: sink "_r.mx" begins with the label of real: expected another name`,
		},
		{
			"zones_from without a path", stanzaWith("highest a 198.51.100.1", "zones_from"),
			`Corefile:4 - Error during parsing: zones_from has 0 values: expected one, the path of a file with one zone a line`,
		},
		{
			"zones_from with two paths", stanzaWith("highest a 198.51.100.1", "zones_from a b"),
			`Corefile:4 - Error during parsing: zones_from has 2 values: expected one, the path of a file with one zone a line`,
		},
		{
			"zones_from twice", stanzaWith("highest a 198.51.100.1", "zones_from testdata/none", "zones_from b"),
			`Corefile:5 - Error during parsing: zones_from is given twice: expected once`,
		},
		{
			"dry_run with a value", stanzaWith("highest a 198.51.100.1", "dry_run yes"),
			`Corefile:4 - Error during parsing: dry_run has the value "yes": expected none`,
		},
		{
			"dry_run twice", stanzaWith("highest a 198.51.100.1", "dry_run", "dry_run"),
			`Corefile:5 - Error during parsing: dry_run is given twice: expected once`,
		},

		{
			"a zone that is no name", "example.org:0 {\nfakemx a..b {\nhighest a 198.51.100.1\n}\n}",
			`Corefile:2 - Error during parsing: bad zone "a..b": expected labels of up to 63 letters, digits, hyphens or underscores`,
		},
		{
			"a zone that is too long", "example.org:0 {\nfakemx " + longName + ".toolong.example.org {\nhighest a 198.51.100.1\n}\n}",
			`Corefile:2 - Error during parsing: bad zone "` + longName[:60] + `"...: expected a name of at most 255 octets`,
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
			"a sink that two stanzas serve", "example.org:0 {\nfakemx example.org {\nhighest a.sub 198.51.100.1\n}\nfakemx sub.example.org {\nhighest a 198.51.100.1\n}\n}",
			`Corefile:3 - Error during parsing: sink "a.sub.example.org." is in line 6 too: expected it once`,
		},
		{
			"a sink that two stanzas serve, written without the final dot", "example.org:0 {\nfakemx example.org {\nhighest a.sub.example.org 198.51.100.1\n}\nfakemx sub.example.org {\nhighest a 198.51.100.1\n}\n}",
			`Corefile:3 - Error during parsing: sink "a.sub.example.org." is in line 6 too: expected it once`,
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
			wantError(t, tc.corefile, tc.want)
		})
	}
}

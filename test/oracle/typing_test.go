package oracle

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestHandEditedZone says, in zones that a reader can follow, what the rules of
// the hand-edited zone are.
func TestHandEdit(t *testing.T) {
	const ( // the records of example.org that most rows need
		mx    = "example.org. 60 IN MX 10 mail.example.org."
		faked = "+example.org. 60 IN MX 20 fake.example.org."
		host  = "+fake.example.org. 3600 IN A 192.0.2.1"
		tlsa  = "+_25._tcp.fake.example.org. 3600 IN TLSA 3 1 1 " + zeros
	)
	fake1 := &stanza{highest: []fake{{"fake", []string{"192.0.2.1"}}}}
	dual := &stanza{highest: []fake{{"fake", []string{"192.0.2.1", "2001:db8::1"}}}}
	dualIn := []string{"+fake.example.org. 3600 IN A 192.0.2.1", "+fake.example.org. 3600 IN AAAA 2001:db8::1", tlsa, faked}
	for _, c := range []struct {
		say     string
		records []string
		stanzas []*stanza
		want    []string
	}{
		{"a sink is a host, and its fake joins the set", []string{mx}, []*stanza{fake1}, []string{faked, host, tlsa}},
		{"other types at the sink stay", []string{mx, `fake.example.org. 60 IN TXT "x"`}, []*stanza{fake1}, []string{faked, host, tlsa}},
		{"an empty non-terminal is free", []string{mx, `x.fake.example.org. 60 IN TXT "x"`}, []*stanza{fake1}, []string{faked, host, tlsa}},
		{"what a wildcard makes up does not count", []string{mx, "*.example.org. 60 IN A 198.51.100.1"}, []*stanza{fake1}, []string{faked, host, tlsa}},
		{"a host with an address of its own is not free", []string{mx, "fake.example.org. 60 IN A 198.51.100.1"}, []*stanza{fake1}, nil},
		{"nor is one with the configured address and another", []string{mx, "fake.example.org. 60 IN A 192.0.2.1", "fake.example.org. 60 IN AAAA 2001:db8::1"}, []*stanza{fake1}, nil},
		{"nor one with a part of the configured addresses", []string{mx, "fake.example.org. 60 IN A 192.0.2.1"}, []*stanza{dual}, nil},
		{"nor the target of the set", []string{mx, "mail.example.org. 60 IN A 198.51.100.1"}, []*stanza{{lowest: []fake{{"mail", []string{"192.0.2.1"}}}}}, nil},
		{"nor an alias", []string{mx, "fake.example.org. 60 IN CNAME mail.example.org."}, []*stanza{fake1}, nil},
		{"nor an owner of MX", []string{mx, "fake.example.org. 60 IN MX 0 ."}, []*stanza{fake1}, nil},
		{"nor a zone cut", []string{mx, "fake.example.org. 60 IN NS ns1.provider.invalid."}, []*stanza{fake1}, nil},
		{"nor what is below a zone cut", []string{mx, "x.example.org. 60 IN NS ns1.provider.invalid."}, []*stanza{{highest: []fake{{"fake.x", []string{"192.0.2.1"}}}}}, nil},
		{"nor what is below a DNAME", []string{mx, "x.example.org. 60 IN DNAME elsewhere.invalid."}, []*stanza{{highest: []fake{{"fake.x", []string{"192.0.2.1"}}}}}, nil},
		{"a zone with signatures stays", []string{mx, "example.org. 60 IN RRSIG SOA 13 2 60 20380101000000 20200101000000 12345 example.org. c2lnbmVk"}, []*stanza{fake1}, nil},
		{"a sink that is exactly as configured is free and gets the TTL of the stanza",
			[]string{mx, "fake.example.org. 60 IN AAAA 2001:db8::1", "fake.example.org. 60 IN A 192.0.2.1"}, []*stanza{dual},
			append([]string{"-fake.example.org. 60 IN A 192.0.2.1", "-fake.example.org. 60 IN AAAA 2001:db8::1"}, dualIn...)},
		{"exactly as configured, but an owner of MX", []string{mx, "fake.example.org. 60 IN A 192.0.2.1", "fake.example.org. 60 IN MX 0 ."}, []*stanza{fake1}, nil},
		{"a fake that is not free leaves the others", []string{mx, "mail.example.org. 60 IN A 198.51.100.1"},
			[]*stanza{{highest: []fake{{"mail", []string{"192.0.2.2"}}, {"fake", []string{"192.0.2.1"}}}}}, []string{faked, host, tlsa}},
		{"the zone's own TLSA wins", []string{mx, "_25._tcp.fake.example.org. 60 IN TLSA 3 1 1 " + zeros}, []*stanza{fake1}, []string{faked, host}},
		{"an alias in the place of the TLSA set wins", []string{mx, "_25._tcp.fake.example.org. 60 IN CNAME x.invalid."}, []*stanza{fake1}, []string{faked, host}},
		{"a zone cut above the TLSA set hides it", []string{mx, "_tcp.fake.example.org. 60 IN NS x.invalid."}, []*stanza{fake1}, []string{faked, host}},
		{"a DNAME at the sink hides the TLSA set only", []string{mx, "fake.example.org. 60 IN DNAME x.invalid."}, []*stanza{fake1}, []string{faked, host}},
		{"a text beside the TLSA set stays", []string{mx, `_25._tcp.fake.example.org. 60 IN TXT "x"`}, []*stanza{fake1}, []string{faked, host, tlsa}},
		{"dry_run changes nothing", []string{mx}, []*stanza{{highest: fake1.highest, real: "_realmx", dryRun: true}}, nil},

		{"a fake that others serve is the operator's word", []string{mx}, []*stanza{{highest: []fake{{"fake.invalid.", nil}}}},
			[]string{"+example.org. 60 IN MX 20 fake.invalid."}},
		{"a fake that another stanza serves joins", []string{mx}, []*stanza{
			{zones: []string{"example.org."}, highest: []fake{{"sink.example.net.", nil}}},
			{zones: []string{"example.net."}, highest: []fake{{"sink", []string{"192.0.2.1"}}}},
		}, []string{"+example.org. 60 IN MX 20 sink.example.net.", "+sink.example.net. 3600 IN A 192.0.2.1", "+_25._tcp.sink.example.net. 3600 IN TLSA 3 1 1 " + zeros}},
		{"but not if it is not free there", []string{mx, "sink.example.net. 60 IN A 198.51.100.1"}, []*stanza{
			{zones: []string{"example.org."}, highest: []fake{{"sink.example.net.", nil}}},
			{zones: []string{"example.net."}, highest: []fake{{"sink", []string{"192.0.2.1"}}}},
		}, nil},

		{"exchanges: all of the real ones have to be there", []string{mx, "example.org. 60 IN MX 20 mx.invalid."},
			[]*stanza{{highest: fake1.highest, exchanges: []string{"mail"}}}, []string{host, tlsa}},
		{"exchanges: a fake in the set is no real one", []string{mx, "example.org. 60 IN MX 5 low.example.org."},
			[]*stanza{{lowest: []fake{{"low", []string{"192.0.2.3"}}}, highest: fake1.highest, exchanges: []string{"mail"}}},
			[]string{faked, host, tlsa, "+low.example.org. 3600 IN A 192.0.2.3", "+_25._tcp.low.example.org. 3600 IN TLSA 3 1 1 " + zeros}},
		{"exchanges: at the name, below it, and absolute ones",
			[]string{mx, "example.org. 60 IN MX 10 a.mail.example.org.", "example.org. 60 IN MX 10 a.mx.invalid."},
			[]*stanza{{highest: fake1.highest, exchanges: []string{"mail", "mx.invalid."}}}, []string{faked, host, tlsa}},

		{"real stands whatever becomes of the fakes", []string{mx, "fake.example.org. 60 IN CNAME x.invalid."},
			[]*stanza{{highest: fake1.highest, real: "_realmx"}}, []string{"+_realmx.example.org. 60 IN MX 10 mail.example.org."}},
		{"real of a set that exchanges leaves out", []string{mx, "fake.example.org. 60 IN CNAME x.invalid."},
			[]*stanza{{highest: fake1.highest, real: "_realmx", exchanges: []string{"x.invalid."}}}, []string{"+_realmx.example.org. 60 IN MX 10 mail.example.org."}},
		{"no real of a null MX, a wildcard, an untouched set, and what is under except",
			[]string{"example.org. 60 IN MX 0 .", "*.w.example.org. 60 IN MX 10 mail.example.org.", "_realmx.a.example.org. 60 IN MX 10 mail.example.org.",
				"x.b.example.org. 60 IN MX 10 mail.example.org."},
			[]*stanza{{highest: fake1.highest, real: "_realmx", except: []string{"b"}}},
			[]string{"+*.w.example.org. 60 IN MX 20 fake.example.org.", host, tlsa}},
		{"the zone's own MX wins over real", []string{mx, "_realmx.example.org. 60 IN MX 7 own.example.org."},
			[]*stanza{{highest: fake1.highest, real: "_realmx"}}, []string{faked, host, tlsa}},
		{"an alias wins over real", []string{mx, "_realmx.example.org. 60 IN CNAME own.example.org."},
			[]*stanza{{highest: fake1.highest, real: "_realmx"}}, []string{faked, host, tlsa}},
		{"a text beside real stays", []string{mx, `_realmx.example.org. 60 IN TXT "own"`},
			[]*stanza{{highest: fake1.highest, real: "_realmx"}}, []string{faked, host, tlsa, "+_realmx.example.org. 60 IN MX 10 mail.example.org."}},

		{"except cuts a wildcard (RFC 4592)",
			[]string{mx, "*.example.org. 60 IN MX 10 mail.example.org.", `*.example.org. 60 IN TXT "any"`, "*.lists.example.org. 60 IN MX 10 mail.example.org."},
			[]*stanza{{highest: fake1.highest, real: "_realmx", except: []string{"news", "lists"}}},
			[]string{
				faked, host, tlsa, "+_realmx.example.org. 60 IN MX 10 mail.example.org.", "+*.example.org. 60 IN MX 20 fake.example.org.",
				"+news.example.org. 60 IN MX 10 mail.example.org.", "+*.news.example.org. 60 IN MX 10 mail.example.org.",
				`+news.example.org. 60 IN TXT "any"`, `+*.news.example.org. 60 IN TXT "any"`,
			}},
		{"names above one under except keep the wildcard, with fakes",
			[]string{"*.example.org. 60 IN MX 10 mail.example.org."},
			[]*stanza{{highest: fake1.highest, except: []string{"a.b"}}},
			[]string{
				host, tlsa, "+*.example.org. 60 IN MX 20 fake.example.org.",
				"+b.example.org. 60 IN MX 10 mail.example.org.", "+b.example.org. 60 IN MX 20 fake.example.org.",
				"+*.b.example.org. 60 IN MX 10 mail.example.org.", "+*.b.example.org. 60 IN MX 20 fake.example.org.",
				"+a.b.example.org. 60 IN MX 10 mail.example.org.", "+*.a.b.example.org. 60 IN MX 10 mail.example.org.",
			}},
		{"a name that is there because of a sink has no wildcard, one under except below it has",
			[]string{`*.example.org. 60 IN TXT "any"`},
			[]*stanza{{highest: []fake{{"fake.mx", []string{"192.0.2.1"}}}, except: []string{"x.mx"}}},
			[]string{
				"+fake.mx.example.org. 3600 IN A 192.0.2.1", "+_25._tcp.fake.mx.example.org. 3600 IN TLSA 3 1 1 " + zeros,
				`+x.mx.example.org. 60 IN TXT "any"`, `+*.x.mx.example.org. 60 IN TXT "any"`,
			}},
		{"a configured part of the zone keeps the wildcard of the whole",
			[]string{"*.example.org. 60 IN MX 10 mail.example.org."},
			[]*stanza{{zones: []string{"part.example.org."}, highest: []fake{{"fake", []string{"192.0.2.1"}}}}},
			[]string{
				"+fake.part.example.org. 3600 IN A 192.0.2.1", "+_25._tcp.fake.part.example.org. 3600 IN TLSA 3 1 1 " + zeros,
				"+part.example.org. 60 IN MX 10 mail.example.org.", "+part.example.org. 60 IN MX 20 fake.part.example.org.",
				"+*.part.example.org. 60 IN MX 10 mail.example.org.", "+*.part.example.org. 60 IN MX 20 fake.part.example.org.",
			}},
		{"a name that exists has no wildcard to keep", []string{"*.example.org. 60 IN MX 10 mail.example.org.", "x.news.example.org. 60 IN A 198.51.100.1"},
			[]*stanza{{highest: fake1.highest, except: []string{"news"}}}, []string{host, tlsa, "+*.example.org. 60 IN MX 20 fake.example.org."}},
	} {
		t.Run(c.say, func(t *testing.T) {
			b := blockOf(c.records, c.stanzas)
			got, want := changes(b, b.handEdit()), slices.Clone(c.want)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
			}
		})
	}
}

// zeros is the digest that no certificate has.
const zeros = "0000000000000000000000000000000000000000000000000000000000000000"

// blockOf returns a block with example.org and example.net, and these records in
// the zones that they are of. Stanzas without zones are for example.org.
func blockOf(records []string, stanzas []*stanza) *block {
	b := &block{zones: []*zone{zoneOf("example.org.", nil), zoneOf("example.net.", nil)}, stanzas: stanzas}
	for i, s := range stanzas {
		if len(s.zones) == 0 {
			org := *s
			org.zones = []string{"example.org."}
			stanzas[i] = &org
		}
	}
	for _, text := range records {
		name, _, _ := strings.Cut(text, " ")
		mostSpecific(b.zones, name).addText("%s", text)
	}
	return b
}

// changes returns what was typed in, with +, and what was taken away, with -.
func changes(b *block, edited []*zone) (all []string) {
	for i, z := range edited {
		was, is := set(b.zones[i].records), set(z.records)
		for _, text := range without(is, was) {
			all = append(all, "+"+strings.ReplaceAll(text, "\t", " "))
		}
		for _, text := range without(was, is) {
			all = append(all, "-"+strings.ReplaceAll(text, "\t", " "))
		}
	}
	slices.Sort(all)
	return all
}

// TestSizeOfTheHandEditedSet is about sets that come near what senders read.
func TestSizeOfTheHandEditedSet(t *testing.T) {
	lowest := []fake{{"l[1-2].invalid.", nil}}
	highest := []fake{{"h[1-5].invalid.", nil}}
	for _, c := range []struct {
		say             string
		real            int
		lowest, highest []fake
		fakes           []string
	}{
		{"all fit", 93, lowest, highest, []string{"l1", "l2", "h1", "h2", "h3", "h4", "h5"}},
		{"the highest written last stay out", 95, lowest, highest, []string{"l1", "l2", "h1", "h2", "h3"}},
		{"the lowest just fit", 98, lowest, highest, []string{"l1", "l2"}},
		{"the lowest do not fit: no fakes", 99, lowest, highest, nil},
		{"no room for one", 100, nil, highest, nil},
		{"more than senders read", 101, nil, highest, nil},
	} {
		t.Run(c.say, func(t *testing.T) {
			var records []string
			for i := range c.real {
				records = append(records, fmt.Sprintf("example.org. 60 IN MX 10 m%d.invalid.", i))
			}
			b := blockOf(records, []*stanza{{lowest: c.lowest, highest: c.highest}})
			var got []string
			for _, mx := range b.handEdit()[0].mx("example.org.") {
				if !strings.HasPrefix(mx.Mx, "m") {
					got = append(got, firstLabel(mx.Mx))
				}
			}
			if !slices.Equal(got, c.fakes) {
				t.Errorf("got the fakes %q, want %q", got, c.fakes)
			}
		})
	}
}

package oracle

import (
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// TestSecondariesAgreeWhereWildcardsAreCut asks fakemx, and what two other servers
// make of its transfer, about names that a wildcard of the zone reaches and that
// something of their own applies to (RFC 4592, RFC 5936 section 3).
func TestSecondariesAgreeWhereWildcardsAreCut(t *testing.T) {
	b := blockOf([]string{
		"example.org. 60 IN MX 10 mail.example.org.",
		"*.example.org. 60 IN MX 10 mail.example.org.",
		`*.example.org. 60 IN TXT "any"`,
		"*.lists.example.org. 60 IN MX 10 mail.example.org.",
	}, []*stanza{{highest: []fake{{"fake9.mx", []string{"192.0.2.9"}}}, except: []string{"news", "lists"}, real: "_realmx"}})
	primary := serve(t, []*world{{blocks: []*block{b}}}, true)
	records, err := primary.transfer(new(dns.Msg).SetAxfr("example.org."))
	if err != nil {
		t.Fatal(err)
	}
	transferred := &zone{origin: "example.org.", records: records[:len(records)-1]}
	servers := map[string]*server{
		"fakemx":      primary,
		"file":        serve(t, []*world{{blocks: []*block{{zones: []*zone{transferred}}}}}, false),
		"hand-edited": serve(t, []*world{{blocks: []*block{{zones: b.handEdit()}}}}, false),
	}
	t.Run("NSD", func(t *testing.T) {
		servers["NSD"] = &server{udp: startNSD(t, []*zone{transferred})}
		const untouched, faked = "10 mail.example.org.", "10 mail.example.org., 20 fake9.mx.example.org."
		for _, c := range []struct {
			name string
			kind uint16
			want string
		}{
			{"example.org.", dns.TypeMX, faked},
			{"other.example.org.", dns.TypeMX, faked},
			{"x.other.example.org.", dns.TypeMX, faked},
			{"news.example.org.", dns.TypeMX, untouched},
			{"a.news.example.org.", dns.TypeMX, untouched},
			{"b.a.news.example.org.", dns.TypeMX, untouched},
			{"x.lists.example.org.", dns.TypeMX, untouched},
			{"_realmx.example.org.", dns.TypeMX, untouched},
			{"_realmx.other.example.org.", dns.TypeMX, faked},
			{"other.example.org.", dns.TypeTXT, `"any"`},
			{"news.example.org.", dns.TypeTXT, `"any"`},
			{"a.news.example.org.", dns.TypeTXT, `"any"`},
			{"x.lists.example.org.", dns.TypeTXT, ""},
			{"_realmx.other.example.org.", dns.TypeTXT, `"any"`},
			{"_realmx.example.org.", dns.TypeTXT, ""},
		} {
			for name, s := range servers {
				if got := dataOf(t, s, question{name: c.name, kind: c.kind, class: dns.ClassINET}); got != c.want {
					t.Errorf("%s, %s %s: got %q, want %q", name, c.name, dns.TypeToString[c.kind], got, c.want)
				}
			}
		}
	})
}

// dataOf returns the data of the records that s answers q with.
func dataOf(t *testing.T, s *server, q question) string {
	t.Helper()
	wire, err := s.askSocket(q)
	if err != nil {
		t.Fatal(err)
	}
	m := new(dns.Msg)
	if err := m.Unpack(wire); err != nil {
		t.Fatal(err)
	}
	data := make([]string, 0, len(m.Answer))
	for _, rr := range m.Answer {
		data = append(data, strings.TrimPrefix(rr.String(), rr.Header().String()))
	}
	slices.Sort(data)
	return strings.Join(data, ", ")
}

// TestWorldsThatDiffered has, in few lines, worlds in which fakemx and the
// hand-edited zone once were not the same.
func TestWorldsThatDiffered(t *testing.T) {
	for i, c := range []struct {
		say     string
		records []string
		stanza  *stanza
	}{
		{
			"the real label below an alias into what a sink stops",
			[]string{
				"*.low.example.org. 60 IN MX 65535 relay.example.org.", "*.low.example.org. 60 IN A 203.0.113.113",
				"d._tcp.low.example.org. 60 IN DNAME low.example.org.", "a.d._tcp.low.example.org. 60 IN MX 0 .",
			},
			&stanza{lowest: []fake{{"low", []string{"192.0.2.19"}}}, real: "_realmx"},
		},
		{
			"a wildcard set that names a sink, and except",
			[]string{
				"example.org. 60 IN MX 50572 a.invalid.", "*.example.org. 60 IN MX 65533 mail.example.org.",
				"*.example.org. 60 IN MX 65530 fake.mx.example.org.", "*.example.org. 60 IN A 203.0.113.119",
				"*._tcp.fake.mx.example.org. 60 IN MX 10 mail.example.org.",
			},
			&stanza{lowest: []fake{{"a.invalid.", nil}, {"Fake.MX", []string{"192.0.2.93"}}}, except: []string{"abs.example.org.", "wild"}},
		},
		{
			"the real label of wildcards below an alias in the place of a TLSA set",
			[]string{
				"*.example.org. 60 IN MX 0 mail.example.org.", "b.fake.example.org. 60 IN DNAME example.org.",
				"_25._tcp.a.b.fake.example.org. 60 IN CNAME *.example.org.", "*.a._25._tcp.a.b.fake.example.org. 60 IN MX 0 mail.example.org.",
			},
			&stanza{highest: []fake{{"a.b.fake", []string{"192.0.2.48"}}, {"fake0.mx", []string{"192.0.2.44"}}}, except: []string{"www"}, real: "_realmx"},
		},
		{
			"a signed zone with an alias to a sink of an unsigned one",
			[]string{"www.example.net. 60 IN CNAME fake.example.org."},
			&stanza{highest: []fake{{"fake", []string{"192.0.2.1"}}}},
		},
	} {
		t.Run(c.say, func(t *testing.T) {
			w := &world{seed: uint64(i + 1), blocks: []*block{blockOf(c.records, []*stanza{c.stanza})}}
			if net := w.blocks[0].zones[1]; len(net.records) > 2 {
				net.sign()
			}
			all := []trial{trialOf(w)}
			comparison := &comparison{
				want:        serve(t, editedWorlds(all), false),
				got:         serve(t, plainWorlds(all), true),
				plain:       serve(t, plainWorlds(all), false),
				ledger:      newLedger(),
				secondaries: newSecondaries(),
			}
			comparison.run(t, all)
			comparison.askSecondaries(t, all)
		})
	}
}

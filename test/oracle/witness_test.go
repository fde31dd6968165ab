package oracle

import (
	"fmt"
	"slices"
	"testing"

	"github.com/miekg/dns"
)

// TestNSDIsRightWhereFileIsNot shows for each rule that calls *file* wrong that
// it is: NSD, which knows nothing of CoreDNS, answers over the hand-edited zone
// otherwise than *file*, and as fakemx does.
func TestNSDIsRightWhereFileIsNot(t *testing.T) {
	for _, c := range []struct {
		say     string
		records []string
		other   []string // of another zone
		stanza  *stanza
		name    string
		kind    uint16
	}{
		{
			say:     "an alias to a sink, and a type that the sink has not: the SOA says NODATA (RFC 2308 section 2.2)",
			records: []string{"example.org. 60 IN MX 10 mail.example.org.", "www.example.org. 60 IN CNAME fake.example.org."},
			stanza:  &stanza{highest: []fake{{"fake", []string{"192.0.2.1"}}}},
			name:    "www.example.org.", kind: dns.TypeTXT,
		},
		{
			say:     "a wildcard, and the name between a sink and the apex: it exists, so NODATA (RFC 4592 section 2.2.2)",
			records: []string{"*.example.org. 60 IN A 192.0.2.9"},
			stanza:  &stanza{highest: []fake{{"fake.mx", []string{"192.0.2.1"}}}},
			name:    "mx.example.org.", kind: dns.TypeA,
		},
		{
			say:    "an alias to a sink in another zone, and a type that the sink has not: the SOA is of the sink's zone (RFC 2308 section 2.2)",
			other:  []string{"www.example.net. 60 IN CNAME fake.example.org."},
			stanza: &stanza{zones: []string{"example.org."}, highest: []fake{{"fake", []string{"192.0.2.1"}}}},
			name:   "www.example.net.", kind: dns.TypeTXT,
		},
		{
			say:    "an alias to the name above a sink in another zone: the SOA is of that zone",
			other:  []string{"www.example.net. 60 IN CNAME mx.example.org."},
			stanza: &stanza{zones: []string{"example.org."}, highest: []fake{{"fake.mx", []string{"192.0.2.1"}}}},
			name:   "www.example.net.", kind: dns.TypeA,
		},
		{
			say:     "an alias to a name below a sink in another zone: the SOA is of that zone (RFC 2308 section 2.1)",
			records: []string{"*.example.org. 60 IN A 192.0.2.9"},
			other:   []string{"www.example.net. 60 IN CNAME x.fake.example.org."},
			stanza:  &stanza{zones: []string{"example.org."}, highest: []fake{{"fake", []string{"192.0.2.1"}}}},
			name:    "www.example.net.", kind: dns.TypeA,
		},
	} {
		t.Run(c.say, func(t *testing.T) {
			b := &block{
				zones:   []*zone{zoneOf("example.org.", c.records), zoneOf("example.net.", c.other)},
				stanzas: []*stanza{c.stanza},
			}
			edited := &block{zones: b.handEdit()}
			q := question{name: c.name, kind: c.kind, class: dns.ClassINET}
			nsd := meaningOf(t, &server{udp: startNSD(t, edited.zones)}, q)
			file := meaningOf(t, serve(t, []*world{{blocks: []*block{edited}}}, false), q)
			fakemx := meaningOf(t, serve(t, []*world{{blocks: []*block{b}}}, true), q)
			if nsd == file {
				t.Errorf("*file* agrees with NSD on %s, the rule about it can go:\n%s", q, file)
			}
			if nsd != fakemx {
				t.Errorf("fakemx and NSD on %s:\n%s\n%s", q, fakemx, nsd)
			}
		})
	}
}

// zoneOf returns a zone of these records, with a SOA and an NS record.
func zoneOf(origin string, records []string) *zone {
	z := &zone{origin: origin}
	z.addText("%[1]s 60 IN SOA ns1.%[1]s hostmaster.%[1]s 1 7200 900 1209600 60", origin)
	z.addText("%s 60 IN NS ns1.provider.invalid.", origin)
	for _, rr := range records {
		z.addText("%s", rr)
	}
	return z
}

// meaningOf returns what s says to q, without what servers are free to add: the
// NS set beside an answer, and addresses.
func meaningOf(t *testing.T, s *server, q question) string {
	t.Helper()
	wire, err := s.askSocket(q)
	if err != nil {
		t.Fatal(err)
	}
	m := new(dns.Msg)
	if err := m.Unpack(wire); err != nil {
		t.Fatal(err)
	}
	m.Ns = slices.DeleteFunc(m.Ns, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeNS })
	return fmt.Sprint(dns.RcodeToString[m.Rcode], " ", m.Authoritative, " ", set(m.Answer), " ", set(m.Ns))
}

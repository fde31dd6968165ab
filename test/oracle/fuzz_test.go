package oracle

import (
	"fmt"
	"testing"

	"github.com/miekg/dns"
)

// fuzzed is the world that FuzzQuery asks about: an MX set at the apex, below a
// name, from a wildcard and behind an alias, and sinks of both kinds.
func fuzzed() *world {
	z := &zone{origin: "example.org."}
	for _, text := range []string{
		"example.org. 60 IN SOA ns1.example.org. hostmaster.example.org. 1 7200 900 1209600 60",
		"example.org. 60 IN NS ns1.example.org.",
		"example.org. 60 IN MX 10 mail.example.org.",
		"example.org. 60 IN MX 20 backup.example.org.",
		"a.example.org. 60 IN MX 0 mail.example.org.",
		"a.example.org. 60 IN MX 65535 backup.example.org.",
		"*.w.example.org. 60 IN MX 5 mail.example.org.",
		"c.example.org. 60 IN CNAME a.example.org.",
		"d.example.org. 60 IN DNAME example.org.",
		"n.example.org. 60 IN MX 0 .",
		"mail.example.org. 60 IN A 198.51.100.1",
		"backup.example.org. 60 IN AAAA 2001:db8:1::1",
		"ns1.example.org. 60 IN A 203.0.113.1",
	} {
		z.addText("%s", text)
	}
	return &world{blocks: []*block{{zones: []*zone{z}, stanzas: []*stanza{{
		lowest:  []fake{{"fake0.mx", []string{"192.0.2.1"}}},
		highest: []fake{{"fake[1-2].mx", []string{"192.0.2.2", "2001:db8::2"}}},
		real:    "_realmx",
	}}}}}
}

// FuzzQuery puts any query to a whole server.
func FuzzQuery(f *testing.F) {
	made := fuzzed()
	s := serve(f, []*world{made}, true)
	for _, name := range []string{
		"example.org.", "a.example.org.", "x.w.example.org.", "c.example.org.", "a.d.example.org.", "n.example.org.",
		"fake0.mx.example.org.", "_25._tcp.fake1.mx.example.org.", "mx.example.org.", "_realmx.a.example.org.", "elsewhere.invalid.",
	} {
		wire := make([]byte, 256)
		n, err := dns.PackDomainName(name, wire, 0, nil, false)
		if err != nil {
			f.Fatal(err)
		}
		for _, kind := range []uint16{dns.TypeMX, dns.TypeA, dns.TypeTLSA, dns.TypeANY} {
			f.Add(wire[:n], kind, uint16(dns.ClassINET), uint16(1232), uint8(0))
		}
	}
	f.Fuzz(func(t *testing.T, wire []byte, kind, class, size uint16, flags uint8) {
		name, _, err := dns.UnpackDomainName(wire, 0)
		if err != nil || kind == dns.TypeAXFR || kind == dns.TypeIXFR {
			return
		}
		q := question{
			name: name, kind: kind, class: class, edns: size, do: flags&1 != 0, rd: flags&2 != 0,
			cd: flags&4 != 0, ad: flags&8 != 0, tcp: flags&16 != 0,
		}
		if flags&32 != 0 {
			q.opcode = dns.OpcodeNotify
		}
		answer, err := s.ask(q)
		if err != nil {
			t.Fatalf("%s: %v", q, err)
		}
		if answer == nil {
			return
		}
		if err := soundAnswer(q, answer); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	})
}

// soundAnswer returns what is wrong in an answer about the fuzzed world, by what
// must hold for every query.
func soundAnswer(q question, wire []byte) error {
	if len(wire) > q.limit() {
		return fmt.Errorf("answer of %d octets, the client takes %d", len(wire), q.limit())
	}
	m := new(dns.Msg)
	if err := m.Unpack(wire); err != nil {
		return fmt.Errorf("answer can't be read: %w", err)
	}
	if !m.Response || m.Id != 4711 || m.Opcode != q.opcode {
		return fmt.Errorf("header %v is not that of an answer", m.MsgHdr)
	}
	if len(m.Question) != 1 || canonical(m.Question[0].Name) != canonical(q.name) || m.Question[0].Qtype != q.kind || m.Question[0].Qclass != q.class {
		return fmt.Errorf("question %v is not the one asked", m.Question)
	}
	if _, err := m.Pack(); err != nil {
		return fmt.Errorf("answer can't be packed again: %w", err)
	}
	if m.Truncated {
		return nil
	}
	return soundSet(m.Answer)
}

// soundSet returns what is wrong in the MX set of an answer: each fake is there
// once and outside the real ones, or none is, and all real records are there.
func soundSet(answer []dns.RR) error {
	preferences := map[string]int{}
	owner := ""
	for _, rr := range answer {
		mx, ok := rr.(*dns.MX)
		if !ok {
			continue
		}
		if _, twice := preferences[canonical(mx.Mx)]; twice {
			return fmt.Errorf("%s stands in the set twice", mx.Mx)
		}
		preferences[canonical(mx.Mx)] = int(mx.Preference)
		owner = canonical(mx.Hdr.Name)
	}
	if _, null := preferences["."]; null || len(preferences) == 0 {
		if len(preferences) > 1 {
			return fmt.Errorf("null MX beside other records: %v", preferences)
		}
		return nil
	}
	mail, ok := preferences["mail.example.org."]
	if !ok {
		return fmt.Errorf("the real record is missing: %v", preferences)
	}
	backup, two := preferences["backup.example.org."]
	if wildcard := within("w.example.org.", owner); two == wildcard || two && mail >= backup {
		return fmt.Errorf("the real records of %s are not all there, in their order: %v", owner, preferences)
	}
	last := max(mail, backup)
	low, l := preferences["fake0.mx.example.org."]
	high, h := preferences["fake1.mx.example.org."]
	higher, hh := preferences["fake2.mx.example.org."]
	if untouched := firstLabel(owner) == "_realmx"; l == untouched || h == untouched || hh == untouched {
		return fmt.Errorf("the fakes of %s: %v", owner, preferences)
	}
	if l && (low >= mail || high <= last || higher <= high) {
		return fmt.Errorf("the order is lowest, real, highest: %v", preferences)
	}
	return nil
}

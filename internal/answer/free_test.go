package answer

import (
	"net"
	"testing"

	"github.com/miekg/dns"
)

// A zone begins a line with its apex; each stanza has the sink fake0 alone.
func TestASinkIsFree(t *testing.T) {
	for _, tc := range []struct {
		sentence, zone string
		free           bool
	}{
		{"where the zone has nothing at its name", "", true},
		{"where the zone has other types there", "fake0 TXT x", true},
		{"where its name is an empty non-terminal", "x.fake0 A 192.0.2.1", true},
		{"where the zone has exactly the addresses, whatever the TTL", "fake0 60 A 198.51.100.1\nfake0 60 AAAA 2001:db8::1", true},
		{"but not where it has one of them only", "fake0 A 198.51.100.1", false},
		{"nor where it has one more", "fake0 A 198.51.100.1\nfake0 A 198.51.100.2\nfake0 AAAA 2001:db8::1", false},
		{"nor with the addresses and an MX set", "fake0 A 198.51.100.1\nfake0 AAAA 2001:db8::1\nfake0 MX 10 mail", false},
		{"nor where it has another address", "fake0 A 192.0.2.1", false},
		{"nor an AAAA record alone", "fake0 AAAA 2001:db8::77", false},
		{"nor an MX set alone", "fake0 MX 10 mail", false},
		{"nor an alias", "fake0 CNAME mail", false},
	} {
		t.Run(tc.sentence, func(t *testing.T) {
			b := newBackend(t, map[string]string{"example.org.": "@ MX 10 mail\nmail A 192.0.2.10\n" + tc.zone + "\n"})
			e := editor(t, "fakemx example.org {\nlowest fake0 198.51.100.1 2001:db8::1\n}", b)
			set := "mail"
			if tc.free {
				set = "fake0 mail"
			}
			want(t, "the MX set", exchanges(ask(t, e, "example.org", dns.TypeMX)), set)
			plain, _ := b.answer(new(dns.Msg).SetQuestion("fake0.example.org.", dns.TypeA))
			got := ask(t, e, "fake0.example.org", dns.TypeA)
			switch {
			case tc.free && (len(got.Answer) != 1 || got.Answer[0].(*dns.A).A.String() != "198.51.100.1"):
				t.Errorf("got %v, want the address of the sink", got)
			case !tc.free && len(got.Answer) != len(plain.Answer):
				t.Errorf("got %v, want what the zone has: %v", got, plain.Answer)
			}
		})
	}
}

func TestASinkIsNotFreeWhereAZoneBegins(t *testing.T) {
	b := newBackend(t, map[string]string{"example.org.": "@ MX 10 mail\n", "fake0.example.org.": ""})
	e := editor(t, "fakemx example.org {\nlowest fake0 198.51.100.1\n}", b)
	want(t, "the MX set", exchanges(ask(t, e, "example.org", dns.TypeMX)), "mail")
}

// Signatures tell by themselves, whatever is in the authority section.
func TestASinkInASignedZoneIsNotFree(t *testing.T) {
	b := newBackend(t, map[string]string{"example.org.": "@ MX 10 mail\n", "sub.example.org.": "@ MX 10 mail\n"})
	signature := &dns.RRSIG{Hdr: dns.RR_Header{Name: "example.org.", Rrtype: dns.TypeRRSIG, Class: dns.ClassINET}, TypeCovered: dns.TypeSOA, SignerName: "example.org."}
	b.before = func(w dns.ResponseWriter, r *dns.Msg) (int, bool) {
		m, _ := b.answer(r)
		if len(m.Answer) > 0 {
			m.Ns = nil // as minimal-responses has it
		} else if opt := r.IsEdns0(); opt != nil && opt.Do() && m.Ns[0].Header().Name == "example.org." {
			m.Ns = append([]dns.RR{signature}, m.Ns...)
		}
		return dns.RcodeSuccess, w.WriteMsg(m) == nil
	}
	e := editor(t, "fakemx example.org {\nlowest fake0 198.51.100.1\n}", b)
	want(t, "the MX set of the unsigned zone below", exchanges(ask(t, e, "sub.example.org", dns.TypeMX)), "mail.sub")
	if m := ask(t, e, "fake0.example.org", dns.TypeA); m.Rcode != dns.RcodeNameError {
		t.Errorf("the sink: got %v, want the name error of the signed zone", m)
	}
}

func TestAnAliasIntoASignedZoneSignsNoOther(t *testing.T) {
	b := newBackend(t, map[string]string{"example.org.": "@ MX 10 mail\nmail A 192.0.2.10\n"})
	b.before = func(w dns.ResponseWriter, r *dns.Msg) (int, bool) {
		name := r.Question[0].Name
		if name == "example.org." || name == "mail.example.org." {
			return 0, false
		}
		m := new(dns.Msg).SetReply(r)
		m.Authoritative = true
		m.Answer = []dns.RR{
			&dns.CNAME{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeCNAME, Class: dns.ClassINET}, Target: "www.signed.example."},
			&dns.A{Hdr: dns.RR_Header{Name: "www.signed.example.", Rrtype: dns.TypeA, Class: dns.ClassINET}, A: net.IPv4(192, 0, 2, 80)},
		}
		if opt := r.IsEdns0(); opt != nil && opt.Do() {
			m.Answer = append(m.Answer, &dns.RRSIG{
				Hdr:         dns.RR_Header{Name: "www.signed.example.", Rrtype: dns.TypeRRSIG, Class: dns.ClassINET},
				TypeCovered: dns.TypeA, SignerName: "signed.example.",
			})
		}
		return dns.RcodeSuccess, w.WriteMsg(m) == nil
	}
	e := editor(t, "fakemx example.org {\nlowest fake0 198.51.100.1\n}", b)
	want(t, "the MX set", exchanges(ask(t, e, "example.org", dns.TypeMX)), "fake0 mail")
	if m := ask(t, e, "fake0.example.org", dns.TypeA); len(m.Answer) != 1 || m.Answer[0].(*dns.A).A.String() != "198.51.100.1" {
		t.Errorf("the sink: got %v, want its address", m)
	}
	if m := ask(t, e, "x.fake0.example.org", dns.TypeA); m.Rcode != dns.RcodeNameError {
		t.Errorf("below the sink: got %v, want a name error, as the wildcard does not reach there", m)
	}
}

func TestARealHostIsNeverHidden(t *testing.T) {
	b := newBackend(t, map[string]string{"example.org.": "@ MX 10 mail\nmail A 192.0.2.10\nwww A 192.0.2.80\nwww AAAA 2001:db8::80\n"})
	e := editor(t, "fakemx example.org {\nlowest www 198.51.100.1\nhighest mail 198.51.100.9\nhighest fake1 198.51.100.2\nreal _realmx\n}", b)
	want(t, "the MX set", exchanges(ask(t, e, "example.org", dns.TypeMX)), "mail fake1")
	want(t, "the untouched set", exchanges(ask(t, e, "_realmx.example.org", dns.TypeMX)), "mail")
	for name, address := range map[string]string{"mail.example.org": "192.0.2.10", "www.example.org": "192.0.2.80"} {
		if m := ask(t, e, name, dns.TypeA); len(m.Answer) != 1 || m.Answer[0].(*dns.A).A.String() != address {
			t.Errorf("%s: got %v, want its own address", name, m)
		}
	}
	if m := ask(t, e, "www.example.org", dns.TypeAAAA); len(m.Answer) != 1 {
		t.Errorf("www: got %v, want its AAAA record", m)
	}
}

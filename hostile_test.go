package fakemx_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/pkg/dnstest"
	"github.com/coredns/coredns/plugin/test"
	"github.com/fakemx/fakemx/internal/servertest"
	"github.com/miekg/dns"
)

// raw sends octets over UDP and returns the answer, which may not be a message
// that was asked for.
func raw(t *testing.T, s *servertest.Server, packet []byte) *dns.Msg {
	t.Helper()
	conn, err := net.DialTimeout("udp", s.UDP, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write(packet); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(500 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, dns.MaxMsgSize)
	n, err := conn.Read(answer)
	if err != nil {
		return nil
	}
	m := new(dns.Msg)
	if err := m.Unpack(answer[:n]); err != nil {
		t.Fatalf("the answer cannot be read: %v", err)
	}
	return m
}

func packed(t *testing.T, m *dns.Msg) []byte {
	t.Helper()
	packet, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return packet
}

// Whatever comes in, the server neither panics nor stops answering.
func TestOddQueries(t *testing.T) {
	log := servertest.CaptureLog(t)
	s := start(t, bothFakes+"\nreal _realmx\nexcept except", mail+"\n*.wild MX 10 mail")
	still := func(t *testing.T) {
		t.Helper()
		wantSet(t, s, "example.org", dns.TypeMX, mailWithFakes)
		if got := log.Lines("panic"); len(got) > 0 {
			t.Errorf("got the lines %q, want no panic", got)
		}
	}

	t.Run("no question", func(t *testing.T) {
		if m := raw(t, s, packed(t, &dns.Msg{MsgHdr: dns.MsgHdr{Id: 1}})); m != nil && len(m.Answer) > 0 {
			t.Errorf("got %v, want no answer in it", m)
		}
		still(t)
	})
	t.Run("two questions", func(t *testing.T) {
		query := servertest.Query("example.org", dns.TypeMX)
		query.Question = append(query.Question, query.Question[0])
		if m := raw(t, s, packed(t, query)); m != nil && len(m.Answer) > 0 {
			t.Errorf("got %v, want no answer in it", m)
		}
		still(t)
	})
	t.Run("classes other than IN", func(t *testing.T) {
		for _, class := range []uint16{0, dns.ClassCHAOS, dns.ClassHESIOD, dns.ClassNONE, dns.ClassANY, 65535} {
			query := servertest.Query("example.org", dns.TypeMX)
			query.Question[0].Qclass = class
			if m := raw(t, s, packed(t, query)); m != nil && len(m.Answer) > 0 {
				t.Errorf("class %d: got %v, want no answer in it", class, m)
			}
		}
		still(t)
	})
	t.Run("every opcode", func(t *testing.T) {
		for opcode := 1; opcode < 16; opcode++ {
			query := servertest.Query("example.org", dns.TypeMX)
			query.Opcode = opcode
			if m := raw(t, s, packed(t, query)); m != nil && len(m.Answer) > 0 {
				t.Errorf("opcode %d: got %v, want no answer in it", opcode, m)
			}
		}
		still(t)
	})
	t.Run("every type at the apex, at a sink and between", func(t *testing.T) {
		for _, name := range []string{"example.org", "fake0.mx.example.org", "mx.example.org", "_realmx.example.org"} {
			for qtype := range uint16(300) {
				if qtype == dns.TypeAXFR || qtype == dns.TypeIXFR {
					continue
				}
				s.Ask(servertest.Query(name, qtype))
			}
		}
		still(t)
	})
	t.Run("packets cut short", func(t *testing.T) {
		packet := packed(t, servertest.EDNS(servertest.Query("example.org", dns.TypeMX), 1232, true))
		conn, err := net.Dial("udp", s.UDP)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		for n := range packet {
			if _, err := conn.Write(packet[:n]); err != nil {
				t.Fatal(err)
			}
		}
		still(t)
	})
	t.Run("a query with an answer in it already", func(t *testing.T) {
		query := servertest.Query("example.org", dns.TypeMX)
		query.Answer = servertest.Records(t, "example.org", "@ MX 1 evil")
		if m := raw(t, s, packed(t, query)); m != nil && strings.Contains(m.String(), "evil") {
			t.Errorf("got %v, want nothing of the query's answer in it", m)
		}
		still(t)
	})
	t.Run("EDNS of another version", func(t *testing.T) {
		query := servertest.EDNS(servertest.Query("example.org", dns.TypeMX), 1232, false)
		query.IsEdns0().SetVersion(1)
		if m := s.Ask(query); m.Rcode&0xf != dns.RcodeBadVers&0xf || len(m.Answer) > 0 {
			t.Errorf("got %v, want BADVERS", m)
		}
		still(t)
	})
	t.Run("EDNS with a buffer of 0", func(t *testing.T) {
		m := s.Ask(servertest.EDNS(servertest.Query("example.org", dns.TypeMX), 0, false))
		if m.Truncated || len(m.Answer) != 4 {
			t.Errorf("got %v, want the answer for a buffer of 512", m)
		}
	})
	t.Run("EDNS options", func(t *testing.T) {
		query := servertest.EDNS(servertest.Query("fake0.mx.example.org", dns.TypeA), 1232, false)
		query.IsEdns0().Option = append(query.IsEdns0().Option,
			&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0102030405060708"},
			&dns.EDNS0_NSID{Code: dns.EDNS0NSID},
			&dns.EDNS0_LOCAL{Code: dns.EDNS0LOCALSTART, Data: []byte{0, 0xff}})
		if m := s.Ask(query); len(m.Answer) != 1 || len(optRecords(m)) != 1 {
			t.Errorf("got %v, want the address and one OPT record", m)
		}
	})
	t.Run("flags that a query has not", func(t *testing.T) {
		query := servertest.Query("fake0.mx.example.org", dns.TypeA)
		query.Authoritative, query.RecursionAvailable, query.Truncated, query.AuthenticatedData, query.CheckingDisabled = true, true, true, true, true
		servertest.Check(t, s.Ask(query), servertest.Message{Origin: "example.org", Answer: "fake0.mx A 198.51.100.1", Authority: ns})
	})
}

// oddNames are names below the zone, as text with escapes.
func oddNames() []string {
	names := []string{
		`\000`, `\255\254`, `\195\040`, `a\.b`, `\\`, `\"`, `\;`, `\(\)`, `\@`, `\032`, `*`, `*.*`, `_`, `-`, `\*`,
		`fake0\.mx`, `\102ake0.mx`, `fake0.mx\000`, `\000.fake0.mx`, `fake0.mx.example.org`, `_25._tcp.`, `fake0`,
		`_realmx._realmx`, `_realmx.\255`, `\095realmx`, `x.\255.fake0.mx`, `_fakemx.*`, `_fakemx.*.mx`,
		strings.Repeat("a", 63), strings.Repeat(`\255`, 63), strings.Repeat("_realmx.", 20) + "x", strings.Repeat("_25._tcp.", 10) + "fake0.mx",
		// With .example.org. below, 127 labels and 255 octets.
		strings.TrimSuffix(strings.Repeat("a.", 121), "."),
		strings.TrimSuffix(strings.Repeat("a.", 114), ".") + ".fake0.mx",
		strings.Repeat(strings.Repeat("b", 63)+".", 3) + strings.Repeat("c", 49),
		strings.Repeat(strings.Repeat(`\200`, 63)+".", 3) + strings.Repeat(`\201`, 49),
	}
	names = slices.Grow(names, 2*256)
	for c := range 256 {
		names = append(names, fmt.Sprintf(`x\%03d`, c), fmt.Sprintf(`\%03d.fake0.mx`, c))
	}
	return names
}

func TestOddNames(t *testing.T) {
	log := servertest.CaptureLog(t)
	zone := zoneFile(t, "example.org", mail+"\n*.wild MX 10 mail")
	s := servertest.Start(t, `example.org:0 {
		bind 127.0.0.1
		fakemx {
			`+bothFakes+`
			real _realmx
			except except
		}
		file `+zone+`
	}`)
	hand := servertest.Start(t, `example.org:0 {
		bind 127.0.0.1
		file `+zoneFile(t, "example.org", mail+`
			*.wild MX 0 fake0.mx
			*.wild MX 10 mail
			*.wild MX 20 fake9.mx
			@ MX 0 fake0.mx
			@ MX 30 fake9.mx
			_realmx MX 10 mail
			_realmx MX 20 backup
			fake0.mx A 198.51.100.1
			fake9.mx A 198.51.100.9
			_25._tcp.fake0.mx TLSA 3 1 1 `+zeroDigest+`
			_25._tcp.fake9.mx TLSA 3 1 1 `+zeroDigest)+`
	}`)
	for _, relative := range oddNames() {
		for _, suffix := range []string{".example.org.", ".wild.example.org."} {
			name := strings.TrimSuffix(relative, ".") + suffix
			if _, ok := dns.IsDomainName(name); !ok {
				continue
			}
			if _, err := dns.PackDomainName(name, make([]byte, 300), 0, nil, false); err != nil {
				continue
			}
			if owner := canonicalText(relative + "."); strings.HasPrefix(owner, "_realmx.") && suffix != ".example.org." {
				continue // below a wildcard there are sets that hand has not
			}
			for _, qtype := range []uint16{dns.TypeMX, dns.TypeA, dns.TypeTLSA, dns.TypeANY} {
				query := servertest.Query(name, qtype)
				m := s.Ask(query.Copy())
				if len(m.Question) != 1 || canonicalText(m.Question[0].Name) != canonicalText(name) {
					t.Errorf("%s: got the question %v", name, m.Question)
				}
				if got, want := servertest.Text(m), servertest.Text(hand.Ask(query)); got != want {
					t.Errorf("%s %s: got\n%s\nwant what the hand-edited zone answers\n%s", name, dns.TypeToString[qtype], got, want)
				}
			}
		}
	}
	if got := log.Lines("panic"); len(got) > 0 {
		t.Errorf("got the lines %q, want no panic", got)
	}
}

// canonicalText spells a name as it comes from the wire.
func canonicalText(name string) string {
	wire := make([]byte, 256)
	n, err := dns.PackDomainName(name, wire, 0, nil, false)
	if err != nil {
		return name
	}
	text, _, err := dns.UnpackDomainName(wire[:n], 0)
	if err != nil {
		return name
	}
	return text
}

func TestTheLongestSink(t *testing.T) {
	sink := strings.Repeat(label63+".", 3) + strings.Repeat("b", 49)
	s := start(t, "highest "+sink+" 198.51.100.1", mail)
	wantSet(t, s, sink+".example.org", dns.TypeA, sink+" A 198.51.100.1")
	wantSet(t, s, "example.org", dns.TypeMX, "@ MX 10 mail\n@ MX 20 backup\n@ MX 30 "+sink)
}

// handler returns fakemx for example.org over a plugin that does what it is told.
func handler(t *testing.T, next plugin.HandlerFunc) plugin.Handler {
	t.Helper()
	if err := servertest.Prepare(); err != nil {
		t.Fatal(err)
	}
	c := caddy.NewTestController("dns", "fakemx example.org {\n"+bothFakes+"\nreal _realmx\n}")
	setup, err := caddy.DirectiveAction("dns", "fakemx")
	if err != nil {
		t.Fatal(err)
	}
	if err := setup(c); err != nil {
		t.Fatal(err)
	}
	return dnsserver.GetConfig(c).Plugin[0](next)
}

// What a plugin behind may do, however odd, is none of fakemx's to fail on.
func TestOddPluginsBehind(t *testing.T) {
	mx := servertest.Records(t, "example.org", "@ MX 10 mail")
	reply := func(change func(*dns.Msg)) plugin.HandlerFunc {
		return func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
			m := new(dns.Msg).SetReply(r)
			m.Answer = mx
			change(m)
			return dns.RcodeSuccess, w.WriteMsg(m)
		}
	}
	const nothingWritten, nilWritten = "that says it wrote and did not", "that writes a nil message"
	for _, tc := range []struct {
		sentence string
		next     plugin.HandlerFunc
	}{
		{nilWritten, func(_ context.Context, w dns.ResponseWriter, _ *dns.Msg) (int, error) {
			return dns.RcodeSuccess, w.WriteMsg(nil)
		}},
		{nothingWritten, func(context.Context, dns.ResponseWriter, *dns.Msg) (int, error) { return dns.RcodeSuccess, nil }},
		{"that fails without an error", func(context.Context, dns.ResponseWriter, *dns.Msg) (int, error) { return dns.RcodeServerFailure, nil }},
		{"that returns an error", func(context.Context, dns.ResponseWriter, *dns.Msg) (int, error) {
			return dns.RcodeServerFailure, fmt.Errorf("no backend")
		}},
		{"that writes and returns an error", func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
			_ = w.WriteMsg(new(dns.Msg).SetReply(r))
			return dns.RcodeServerFailure, fmt.Errorf("too late")
		}},
		{"that writes twice", func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
			_ = w.WriteMsg(new(dns.Msg).SetReply(r))
			return dns.RcodeSuccess, w.WriteMsg(new(dns.Msg).SetReply(r))
		}},
		{"that leaves the question out", reply(func(m *dns.Msg) { m.Question = nil })},
		{"that answers another question", reply(func(m *dns.Msg) { m.Question[0].Name = "example.net." })},
		{"that puts an MX record of the root there", reply(func(m *dns.Msg) { m.Answer = servertest.Records(t, ".", ". MX 10 mail") })},
		{"that has an SOA record only in the answer", reply(func(m *dns.Msg) {
			m.Answer = servertest.Records(t, "example.org", "@ SOA ns1 hostmaster 1 1 1 1 1")
		})},
		{"that has an alias of itself", reply(func(m *dns.Msg) { m.Answer = servertest.Records(t, "example.org", "@ CNAME @") })},
		{"that has aliases in a circle", reply(func(m *dns.Msg) { m.Answer = servertest.Records(t, "example.org", "@ CNAME a\na CNAME @") })},
		{"that has an alias of a sink, and its MX", reply(func(m *dns.Msg) {
			m.Answer = servertest.Records(t, "example.org", "@ CNAME fake0.mx\nfake0.mx MX 10 mail")
		})},
		{"that has an exchange without a final dot", reply(func(m *dns.Msg) { m.Answer = []dns.RR{&dns.MX{Hdr: *mx[0].Header(), Mx: "mail"}} })},
		{"that has an empty exchange", reply(func(m *dns.Msg) { m.Answer = []dns.RR{&dns.MX{Hdr: *mx[0].Header()}} })},
		{"that has a broken escape in a name", reply(func(m *dns.Msg) {
			m.Answer = []dns.RR{&dns.MX{Hdr: dns.RR_Header{Name: `\2.example.org.`, Rrtype: dns.TypeMX, Class: dns.ClassINET}, Mx: `\`}}
		})},
		{"that has an MX record of class CH", reply(func(m *dns.Msg) {
			m.Answer = []dns.RR{&dns.MX{Hdr: dns.RR_Header{Name: "example.org.", Rrtype: dns.TypeMX, Class: dns.ClassCHAOS}, Mx: "mail."}}
		})},
	} {
		t.Run(tc.sentence, func(t *testing.T) {
			f := handler(t, tc.next)
			for _, name := range []string{"example.org.", "fake0.mx.example.org.", "mx.example.org.", "x.fake0.mx.example.org.", "_realmx.example.org.", "example.net."} {
				for _, qtype := range []uint16{dns.TypeMX, dns.TypeA, dns.TypeANY, dns.TypeTLSA, dns.TypeCNAME} {
					for _, do := range []bool{false, true} {
						w := dnstest.NewMultiRecorder(&test.ResponseWriter{})
						query := servertest.Query(name, qtype)
						if do {
							servertest.EDNS(query, 1232, true)
						}
						rcode, _ := f.ServeDNS(t.Context(), w, query)
						what := fmt.Sprintf("%s %s, DO %v", name, dns.TypeToString[qtype], do)
						switch {
						case len(w.Msgs) > 1:
							t.Errorf("%s: got %d messages, want one at most", what, len(w.Msgs))
						case len(w.Msgs) == 1 && w.Msgs[0] == nil:
							t.Errorf("%s: got a nil message", what)
						case len(w.Msgs) == 0 && plugin.ClientWrite(rcode) && tc.sentence != nothingWritten && tc.sentence != nilWritten:
							t.Errorf("%s: got nothing and rcode %d, for which the server writes nothing: the client would wait", what, rcode)
						}
					}
				}
			}
		})
	}
}

func TestAnswersOfAnotherClassStay(t *testing.T) {
	chaos := &dns.MX{Hdr: dns.RR_Header{Name: "example.org.", Rrtype: dns.TypeMX, Class: dns.ClassCHAOS}, Preference: 10, Mx: "mail."}
	f := handler(t, func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
		m := new(dns.Msg).SetReply(r)
		m.Answer = []dns.RR{chaos}
		return dns.RcodeSuccess, w.WriteMsg(m)
	})
	w := dnstest.NewRecorder(&test.ResponseWriter{})
	query := servertest.Query("example.org", dns.TypeMX)
	query.Question[0].Qclass = dns.ClassCHAOS
	if _, err := f.ServeDNS(t.Context(), w, query); err != nil {
		t.Fatal(err)
	}
	if len(w.Msg.Answer) != 1 {
		t.Errorf("got %v, want the answer as it was", w.Msg)
	}
}

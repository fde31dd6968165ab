package fakemx_test

import (
	"strings"
	"testing"

	"github.com/fakemx/fakemx/internal/servertest"
	"github.com/miekg/dns"
)

// The zone of most tests, and what its answers carry beside the answer itself.
const (
	mail = `
		@      MX   10 mail
		@      MX   20 backup
		mail   A    192.0.2.10
		mail   AAAA 2001:db8::10
		backup A    192.0.2.20`
	mailGlue = `
		mail   A    192.0.2.10
		mail   AAAA 2001:db8::10
		backup A    192.0.2.20`
	ns = `
		@ NS ns1
		@ NS ns2`
	soa = `@ SOA ns1 hostmaster 1 7200 900 1209600 300`
)

// start runs fakemx with the properties over a zone of file, in example.org.
func start(t testing.TB, properties, zone string) *servertest.Server {
	t.Helper()
	return servertest.Start(t, corefile(t, properties, zone))
}

// zoneFile writes a zone file from text that is indented like the test.
func zoneFile(t testing.TB, origin, text string) string {
	t.Helper()
	return servertest.Zone(t, origin, servertest.Flush(text))
}

func corefile(t testing.TB, properties, zone string) string {
	t.Helper()
	return `example.org:0 {
		bind 127.0.0.1
		fakemx {
			` + properties + `
		}
		file ` + zoneFile(t, "example.org", zone) + `
	}`
}

// check asks over UDP, with room for any answer, and compares the whole message.
func check(t testing.TB, s *servertest.Server, name, qtype string, want servertest.Message) {
	t.Helper()
	if want.Origin == "" {
		want.Origin = "example.org"
	}
	servertest.Check(t, s.Ask(servertest.EDNS(servertest.Query(name, dns.StringToType[qtype]), 4096, false)), want)
}

func TestFakesStandRoundTheRealSet(t *testing.T) {
	s := start(t, `
		lowest  fake0.mx 198.51.100.1 2001:db8::1
		highest fake9.mx 198.51.100.9`, mail)

	t.Run("an MX query gets them, with the addresses of real hosts and sinks", func(t *testing.T) {
		check(t, s, "example.org", "MX", servertest.Message{
			Answer: `
				@ MX 0 fake0.mx
				@ MX 10 mail
				@ MX 20 backup
				@ MX 30 fake9.mx`,
			Authority: ns,
			Additional: mailGlue + `
				fake0.mx A 198.51.100.1
				fake0.mx AAAA 2001:db8::1
				fake9.mx A 198.51.100.9`,
		})
	})
	t.Run("a sink answers for its addresses", func(t *testing.T) {
		check(t, s, "fake0.mx.example.org", "A", servertest.Message{Answer: "fake0.mx A 198.51.100.1", Authority: ns})
		check(t, s, "fake0.mx.example.org", "AAAA", servertest.Message{Answer: "fake0.mx AAAA 2001:db8::1", Authority: ns})
		check(t, s, "fake9.mx.example.org", "AAAA", servertest.Message{Authority: soa})
	})
	t.Run("other answers pass through", func(t *testing.T) {
		check(t, s, "mail.example.org", "A", servertest.Message{Answer: "mail A 192.0.2.10", Authority: ns})
		check(t, s, "other.example.org", "MX", servertest.Message{Rcode: "NXDOMAIN", Authority: soa})
	})
}

func TestTransports(t *testing.T) {
	s := start(t, "lowest fake0.mx 198.51.100.1", mail)
	want := servertest.Message{
		Origin: "example.org",
		Answer: `
			@ MX 0 fake0.mx
			@ MX 10 mail
			@ MX 20 backup`,
		Authority:  ns,
		Additional: mailGlue + "\nfake0.mx A 198.51.100.1",
	}
	for _, transport := range []struct {
		name string
		ask  func(*dns.Msg) *dns.Msg
	}{{"UDP", s.Ask}, {"TCP", s.AskTCP}} {
		t.Run(transport.name+" without EDNS has no OPT record in the answer", func(t *testing.T) {
			m := transport.ask(servertest.Query("example.org", dns.TypeMX))
			servertest.Check(t, m, want)
			if opt := m.IsEdns0(); opt != nil {
				t.Errorf("got %v, want no OPT record", opt)
			}
		})
		for _, do := range []bool{false, true} {
			t.Run(transport.name+" with EDNS has one OPT record, with the DO bit of the query", func(t *testing.T) {
				m := transport.ask(servertest.EDNS(servertest.Query("example.org", dns.TypeMX), 1232, do))
				servertest.Check(t, m, want)
				if got := optRecords(m); len(got) != 1 || got[0].Do() != do {
					t.Errorf("got %v, want one OPT record with DO %v", got, do)
				}
			})
		}
	}
}

func optRecords(m *dns.Msg) []*dns.OPT {
	var opts []*dns.OPT
	for _, rr := range m.Extra {
		if opt, ok := rr.(*dns.OPT); ok {
			opts = append(opts, opt)
		}
	}
	return opts
}

// Resolvers vary the case of a question and compare it with the answer's.
func TestTheQuestionIsEchoedAsAsked(t *testing.T) {
	s := start(t, `
		lowest fake0.mx 198.51.100.1
		real _realmx`, mail)
	for _, q := range []struct {
		name  string
		qtype uint16
	}{
		{"eXaMpLe.OrG.", dns.TypeMX},
		{"FaKe0.Mx.ExAmPlE.oRg.", dns.TypeA},
		{"FaKe0.Mx.ExAmPlE.oRg.", dns.TypeTXT},
		{"MX.example.ORG.", dns.TypeA},
		{"X.FAKE0.mx.example.org.", dns.TypeA},
		{"_25._TCP.fake0.MX.example.org.", dns.TypeTLSA},
		{"_REALMX.example.org.", dns.TypeMX},
	} {
		m := s.Ask(servertest.Query(q.name, q.qtype))
		if len(m.Question) != 1 || m.Question[0].Name != q.name {
			t.Errorf("%s %s: got the question %v, want it as asked", q.name, dns.TypeToString[q.qtype], m.Question)
		}
		lower := s.Ask(servertest.Query(strings.ToLower(q.name), q.qtype))
		if got, want := strings.ToLower(servertest.Text(m)), strings.ToLower(servertest.Text(lower)); got != want {
			t.Errorf("%s %s: got\n%s\nwant the answer for the name in lower case\n%s", q.name, dns.TypeToString[q.qtype], got, want)
		}
	}
}

// The owner of a fake is spelled like that of the real records.
func TestTheOwnerKeepsTheCaseOfTheZone(t *testing.T) {
	s := start(t, "lowest fake0.mx 198.51.100.1", "SuB MX 10 MaIl\nMaIl A 192.0.2.10")
	m := s.Ask(servertest.Query("sub.example.org", dns.TypeMX))
	for _, rr := range m.Answer {
		if got, want := rr.Header().Name, m.Answer[len(m.Answer)-1].Header().Name; got != want {
			t.Errorf("got the owner %s, want %s as in the real set", got, want)
		}
	}
	if len(m.Answer) != 2 {
		t.Errorf("got %v, want the real record and the fake", m.Answer)
	}
}

package fakemx_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/fakemx/fakemx/internal/servertest"
	"github.com/miekg/dns"
)

// The backend of the rows in docs/deploy.md that say what MX sets get which
// cannot be asked for as fakemx asks: a name server of its own, behind forward.
func TestBackendsThatLackSomething(t *testing.T) {
	const unknown, notFree = "unknown", "not_free"
	for _, tc := range []struct {
		sentence string
		// lack answers in its way, or returns false.
		lack   func(w dns.ResponseWriter, r *dns.Msg) bool
		result string
	}{
		{"refuses questions with the DO bit", failing(withDO, dns.RcodeRefused), unknown},
		{"fails at questions with the DO bit", failing(withDO, dns.RcodeServerFailure), unknown},
		{"drops questions with the DO bit", func(_ dns.ResponseWriter, r *dns.Msg) bool { return withDO(r) }, unknown},
		{"sends a large set truncated, and has no TCP", truncating, unknown},
		{"refuses to answer about the sinks", failing(aboutSinks, dns.RcodeRefused), notFree},
		{"gives no SOA record", withoutSOA, notFree},
	} {
		t.Run(tc.sentence, func(t *testing.T) {
			plain := plainServer(t)
			backend := servertest.Serve(t, func(w dns.ResponseWriter, r *dns.Msg) {
				if !tc.lack(w, r) {
					plain(w, r)
				}
			})
			metrics := "127.0.0.1:" + servertest.FreePort(t)
			s := servertest.Start(t, `example.org:0 {
				bind 127.0.0.1
				prometheus `+metrics+`
				fakemx {
					lowest fake0 198.51.100.1
				}
				forward . `+backend+`
			}`)

			before := scrape(t, metrics)
			m := s.Ask(servertest.Query("example.org", dns.TypeMX))
			if n := len(m.Answer); m.Rcode != dns.RcodeSuccess || n > 1 || n == 0 && !m.Truncated {
				t.Errorf("got %v\nwant the MX set as it is", m)
			}
			answers := added(before, scrape(t, metrics))
			maps.DeleteFunc(answers, func(name string, _ float64) bool { return !strings.HasPrefix(name, "coredns_fakemx_answers_total{") })
			for name := range answers {
				if len(answers) != 1 || !strings.Contains(name, `result="`+tc.result+`"`) {
					t.Errorf("got %v, want one answer with the result %s", answers, tc.result)
				}
			}
			if len(answers) == 0 {
				t.Errorf("got no answer counted, want one with the result %s", tc.result)
			}
			if tc.result != notFree {
				return
			}
			if m := s.Ask(servertest.Query("fake0.example.org", dns.TypeA)); m.Rcode != dns.RcodeServerFailure {
				t.Errorf("the sink: got %v, want SERVFAIL", m)
			}
		})
	}
}

// plainServer answers for a zone with one MX record.
func plainServer(t *testing.T) dns.HandlerFunc {
	t.Helper()
	zone := servertest.Records(t, "example.org", "@ SOA ns1 hostmaster 1 7200 900 1209600 300\n@ NS ns1\n@ MX 10 mail\nmail A 192.0.2.10")
	return func(w dns.ResponseWriter, r *dns.Msg) {
		m := new(dns.Msg).SetRcode(r, dns.RcodeNameError)
		m.Authoritative = true
		for _, rr := range zone {
			if rr.Header().Name != dns.CanonicalName(r.Question[0].Name) {
				continue
			}
			m.Rcode = dns.RcodeSuccess
			if rr.Header().Rrtype == r.Question[0].Qtype {
				m.Answer = append(m.Answer, rr)
			}
		}
		if len(m.Answer) == 0 {
			m.Ns = zone[:1]
		}
		_ = w.WriteMsg(m)
	}
}

func withDO(r *dns.Msg) bool { return r.IsEdns0() != nil && r.IsEdns0().Do() }

func aboutSinks(r *dns.Msg) bool { return dns.IsSubDomain("fake0.example.org.", r.Question[0].Name) }

func failing(at func(*dns.Msg) bool, rcode int) func(dns.ResponseWriter, *dns.Msg) bool {
	return func(w dns.ResponseWriter, r *dns.Msg) bool {
		if at(r) {
			_ = w.WriteMsg(new(dns.Msg).SetRcode(r, rcode))
		}
		return at(r)
	}
}

func truncating(w dns.ResponseWriter, r *dns.Msg) bool {
	switch {
	case w.RemoteAddr().Network() == "tcp":
		_ = w.Close()
	case r.Question[0].Qtype == dns.TypeMX && withDO(r):
		m := new(dns.Msg).SetReply(r)
		m.Authoritative, m.Truncated = true, true
		_ = w.WriteMsg(m)
	default:
		return false
	}
	return true
}

func withoutSOA(w dns.ResponseWriter, r *dns.Msg) bool {
	if r.Question[0].Qtype == dns.TypeMX && !aboutSinks(r) {
		return false
	}
	m := new(dns.Msg).SetReply(r)
	m.Authoritative = true
	if aboutSinks(r) {
		m.Rcode = dns.RcodeNameError
	}
	_ = w.WriteMsg(m)
	return true
}

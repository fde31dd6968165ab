package load

import (
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// serve runs a DNS server on the loopback address until the test ends.
func serve(t *testing.T, network string, handler dns.HandlerFunc) string {
	t.Helper()
	server := &dns.Server{Net: network, Handler: handler, MaxTCPQueries: -1}
	started := make(chan struct{})
	server.NotifyStartedFunc = func() { close(started) }
	var addr string
	if network == "udp" {
		c, err := net.ListenPacket("udp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		server.PacketConn, addr = c, c.LocalAddr().String()
	} else {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		server.Listener, addr = l, l.Addr().String()
	}
	go server.ActivateAndServe()
	<-started
	t.Cleanup(func() { server.Shutdown() })
	return addr
}

// reply writes the records as the answer.
func reply(w dns.ResponseWriter, r *dns.Msg, records ...string) {
	m := new(dns.Msg)
	m.SetReply(r)
	for _, text := range records {
		rr, err := dns.NewRR(text)
		if err != nil {
			panic(err)
		}
		m.Answer = append(m.Answer, rr)
	}
	w.WriteMsg(m)
}

const (
	first  = "example.org. 3600 IN MX 10 mail1.example.org."
	second = "example.org. 3600 IN MX 20 mail2.example.org."
	fake   = "example.org. 3600 IN MX 0 fake0.example.org."
)

// planFor wants each of the record sets as an alternative.
func planFor(sets ...[]string) *Plan {
	p := &Plan{}
	query := Query{Name: "example.org.", Type: dns.TypeMX}
	for _, set := range sets {
		m := new(dns.Msg)
		for _, text := range set {
			rr, err := dns.NewRR(text)
			if err != nil {
				panic(err)
			}
			m.Answer = append(m.Answer, rr)
		}
		query.Want = append(query.Want, p.AnswerOf(m))
	}
	p.Queries = []Query{query}
	return p
}

// short is a run that no slowness of the machine changes: only what is never
// answered is lost.
func short(network, server string) Config {
	return Config{Server: server, Network: network, Conns: 2, Window: 4,
		Warmup: 20 * time.Millisecond, Duration: 200 * time.Millisecond, Timeout: time.Minute}
}

func TestRun(t *testing.T) {
	both := func(w dns.ResponseWriter, r *dns.Msg) { reply(w, r, first, second) }

	for _, network := range []string{"udp", "tcp"} {
		t.Run("counts every answer over "+network, func(t *testing.T) {
			var asked atomic.Uint64
			addr := serve(t, network, func(w dns.ResponseWriter, r *dns.Msg) {
				asked.Add(1)
				both(w, r)
			})
			report, err := Run(short(network, addr), planFor([]string{second, first}))
			if err != nil {
				t.Fatal(err)
			}
			if err := report.Failed(); err != nil {
				t.Error(err)
			}
			if report.Answered != report.Sent || report.Sent != asked.Load() {
				t.Errorf("answered %d, sent %d, the server saw %d; want all equal", report.Answered, report.Sent, asked.Load())
			}
		})
	}

	t.Run("counts queries without an answer as lost", func(t *testing.T) {
		c := short("udp", serve(t, "udp", func(dns.ResponseWriter, *dns.Msg) {}))
		c.Timeout = 200 * time.Millisecond
		report, err := Run(c, planFor([]string{first, second}))
		if err != nil {
			t.Fatal(err)
		}
		if report.Lost != report.Sent || report.Sent == 0 {
			t.Errorf("lost %d of %d, want all", report.Lost, report.Sent)
		}
		if report.Failed() == nil {
			t.Error("Failed() = nil, want an error")
		}
	})

	wrong := map[string]dns.HandlerFunc{
		"a record missing": func(w dns.ResponseWriter, r *dns.Msg) { reply(w, r, first) },
		"a record too many": func(w dns.ResponseWriter, r *dns.Msg) {
			reply(w, r, first, second, fake)
		},
		"another TTL": func(w dns.ResponseWriter, r *dns.Msg) {
			reply(w, r, first, strings.Replace(second, "3600", "60", 1))
		},
		"another rcode": func(w dns.ResponseWriter, r *dns.Msg) {
			m := new(dns.Msg)
			w.WriteMsg(m.SetRcode(r, dns.RcodeServerFailure))
		},
		"another question": func(w dns.ResponseWriter, r *dns.Msg) {
			r.Question[0].Name = "example.net."
			both(w, r)
		},
	}
	for what, handler := range wrong {
		t.Run("counts as wrong an answer with "+what, func(t *testing.T) {
			report, err := Run(short("udp", serve(t, "udp", handler)), planFor([]string{first, second}))
			if err != nil {
				t.Fatal(err)
			}
			if report.Wrong == 0 || report.Wrong != report.Sent || report.FirstWrong == "" {
				t.Errorf("wrong %d of %d (%q), want all", report.Wrong, report.Sent, report.FirstWrong)
			}
		})
	}

	t.Run("asks again what a closed TCP connection left unanswered", func(t *testing.T) {
		var n atomic.Uint64
		addr := serve(t, "tcp", func(w dns.ResponseWriter, r *dns.Msg) {
			if n.Add(1) == 2 {
				w.Close()
				return
			}
			both(w, r)
		})
		c := short("tcp", addr)
		c.Retries = 1
		report, err := Run(c, planFor([]string{first, second}))
		if err != nil {
			t.Fatal(err)
		}
		if report.Retried == 0 || report.Answered != report.Sent {
			t.Errorf("sent again %d, answered %d of %d; want all answered", report.Retried, report.Answered, report.Sent)
		}
	})

	t.Run("reports when the new answers began", func(t *testing.T) {
		old, new := []string{first}, []string{fake, first}
		plan := planFor(old, new)
		plan.Ordered = true
		var n, changed atomic.Int64
		addr := serve(t, "udp", func(w dns.ResponseWriter, r *dns.Msg) {
			if n.Add(1) <= 3 {
				reply(w, r, old...)
				return
			}
			changed.CompareAndSwap(0, time.Now().UnixNano())
			reply(w, r, new...)
		})
		report, err := Run(short("udp", addr), plan)
		if err != nil {
			t.Fatal(err)
		}
		if err := report.Failed(); err != nil {
			t.Error(err)
		}
		if change := time.Unix(0, changed.Load()); report.FirstNew.Before(change) || report.FirstNew.After(time.Now()) {
			t.Errorf("first new answer at %v, want one between %v and now", report.FirstNew, change)
		}
	})
}

func TestReadQueries(t *testing.T) {
	t.Run("reads names and types, and skips comments", func(t *testing.T) {
		got, err := ReadQueries(strings.NewReader("# comment\nexample.org MX\n\nfake0.mx.example.org. a ; sink\n"))
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != 2 || got[0].Name != "example.org." || got[0].Type != dns.TypeMX || got[1].Type != dns.TypeA {
			t.Errorf("got %+v", got)
		}
	})
	for _, line := range []string{"example.org", "example.org MX IN", "example.org NOTYPE", "example..org MX"} {
		t.Run("refuses "+line, func(t *testing.T) {
			if got, err := ReadQueries(strings.NewReader(line)); err == nil {
				t.Errorf("got %+v, want an error", got)
			}
		})
	}
}

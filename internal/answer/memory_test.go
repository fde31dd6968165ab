package answer

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
)

const oneFake = "fakemx example.org {\nlowest fake0 198.51.100.1\n}"

func TestWhatIsRememberedEnds(t *testing.T) {
	t.Run("with the version of the zone, for the sink", func(t *testing.T) {
		b := newBackend(t, map[string]string{"example.org.": "@ MX 10 mail\n"})
		e := editor(t, oneFake, b)
		ask(t, e, "fake0.example.org", dns.TypeA)
		b.load(t, "example.org.", "@ MX 10 mail\nfake0 A 192.0.2.66\n")
		if m := ask(t, e, "fake0.example.org", dns.TypeA); len(m.Answer) != 1 || m.Answer[0].(*dns.A).A.String() != "192.0.2.66" {
			t.Errorf("got %v, want the zone's new record", m)
		}
	})
	t.Run("with the version of the zone, for the MX set", func(t *testing.T) {
		b := newBackend(t, map[string]string{"example.org.": "@ MX 10 mail\n"})
		e := editor(t, oneFake, b)
		want(t, "before", exchanges(ask(t, e, "example.org", dns.TypeMX)), "fake0 mail")
		b.load(t, "example.org.", "@ MX 10 mail\nfake0 A 192.0.2.66\n")
		want(t, "after", exchanges(ask(t, e, "example.org", dns.TypeMX)), "mail")
		b.load(t, "example.org.", "@ MX 10 mail\n")
		want(t, "and back", exchanges(ask(t, e, "example.org", dns.TypeMX)), "fake0 mail")
	})
	t.Run("after a minute, where no SOA record shows it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := newBackend(t, map[string]string{"example.org.": "@ MX 10 mail\n"})
			e := editor(t, "fakemx example.org {\nlowest fake0.sub 198.51.100.1\n}", b)
			want(t, "before", exchanges(ask(t, e, "example.org", dns.TypeMX)), "fake0.sub mail")
			b.load(t, "sub.example.org.", "fake0 A 192.0.2.66\n")
			for range 60 {
				time.Sleep(time.Second)
				ask(t, e, "example.org", dns.TypeMX)
				ask(t, e, "fake0.sub.example.org", dns.TypeA)
				synctest.Wait()
			}
			want(t, "after", exchanges(ask(t, e, "example.org", dns.TypeMX)), "mail")
			if m := ask(t, e, "fake0.sub.example.org", dns.TypeA); m.Answer[0].(*dns.A).A.String() != "192.0.2.66" {
				t.Errorf("got %v, want the new zone's record", m)
			}
		})
	})
}

// silent makes names below suffix a matter of waiting.
func silent(suffix string) func(dns.ResponseWriter, *dns.Msg) (int, bool) {
	return func(_ dns.ResponseWriter, r *dns.Msg) (int, bool) {
		if !strings.HasSuffix(r.Question[0].Name, suffix) {
			return 0, false
		}
		time.Sleep(4 * time.Second)
		return dns.RcodeServerFailure, true
	}
}

func TestASilentZoneHoldsNothingUpForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend(t, map[string]string{"example.org.": "@ MX 10 mail\n"})
		b.before = silent("drop.test.")
		e := editor(t, "fakemx example.org drop.test {\nlowest fake0 198.51.100.1\nhighest s[0-9].drop.test. 198.51.100.2\n}", b)
		start := time.Now()
		for i := range 20 {
			m := ask(t, e, "example.org", dns.TypeMX)
			want(t, fmt.Sprintf("answer %d", i), exchanges(m), "fake0 mail")
			if i == 0 && m.Answer[0].Header().Ttl > shortTTL {
				t.Errorf("got the TTL %d while not all is known, want %d at most", m.Answer[0].Header().Ttl, shortTTL)
			}
		}
		if waited := time.Since(start); waited > patience {
			t.Errorf("20 clients waited %v, want %v at most for all", waited, patience)
		}
		time.Sleep(time.Minute)
		for range 120 { // two minutes in which its sinks are tried again and again
			asked := time.Now()
			ask(t, e, "example.org", dns.TypeMX)
			if waited := time.Since(asked); waited > patience {
				t.Fatalf("a client waited %v", waited)
			}
			time.Sleep(time.Second)
		}
		if n := len(b.questions()); n > 600 {
			t.Errorf("%d questions for 140 answers in three minutes", n)
		}
	})
}

func TestABackendThatDropsTheDOBit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend(t, map[string]string{"example.org.": "@ MX 10 mail\n"})
		b.before = func(_ dns.ResponseWriter, r *dns.Msg) (int, bool) {
			if r.IsEdns0() == nil {
				return 0, false
			}
			time.Sleep(4 * time.Second)
			return dns.RcodeServerFailure, true
		}
		e := editor(t, oneFake, b)
		for i := range 5 {
			start := time.Now()
			m := ask(t, e, "example.org", dns.TypeMX)
			want(t, "the set as it is", exchanges(m), "mail")
			most := time.Duration(0)
			if i == 0 {
				most = patience
			}
			if waited := time.Since(start); waited > most {
				t.Errorf("answer %d: the client waited %v, want %v at most", i, waited, most)
			}
		}
		time.Sleep(10 * time.Second) // for what goes on behind the answers
	})
}

func TestQuestionsAreBounded(t *testing.T) {
	const most = maxQuestions + 1 // the client's own
	count := func(t *testing.T, b *backend, e *Editor, name string, qtype uint16) {
		t.Helper()
		for range 3 {
			ask(t, e, name, qtype)
			if n := len(b.questions()); n > most {
				t.Errorf("%s %s: %d questions, want %d at most", name, dns.TypeToString[qtype], n, most)
			}
		}
	}
	t.Run("whatever owners an answer has", func(t *testing.T) {
		b := newBackend(t, map[string]string{"example.org.": ""})
		b.before = func(w dns.ResponseWriter, r *dns.Msg) (int, bool) {
			m := new(dns.Msg).SetReply(r)
			for i := range 2000 {
				m.Answer = append(m.Answer, &dns.MX{Hdr: dns.RR_Header{Name: fmt.Sprintf("o%d.example.org.", i), Rrtype: dns.TypeMX, Class: dns.ClassINET}, Mx: "mail."})
			}
			return dns.RcodeSuccess, w.WriteMsg(m) == nil
		}
		count(t, b, editor(t, oneFake, b), "example.org", dns.TypeMX)
	})
	t.Run("however long a chain of aliases is", func(t *testing.T) {
		var chain strings.Builder
		for i := range 1500 {
			fmt.Fprintf(&chain, "a%d.fake0 CNAME a%d.fake0\n", i, i+1)
		}
		b := newBackend(t, map[string]string{"example.org.": chain.String(), "example.net.": "start CNAME a0.fake0.example.org.\n"})
		b.before = func(w dns.ResponseWriter, r *dns.Msg) (int, bool) {
			if !strings.HasSuffix(r.Question[0].Name, "example.net.") {
				return 0, false
			}
			m := new(dns.Msg).SetReply(r)
			m.Answer = append(slices.Clone(b.zones["example.net."][2:]), b.zones["example.org."][2:]...)
			return dns.RcodeSuccess, w.WriteMsg(m) == nil
		}
		e := editor(t, oneFake, b)
		for _, qtype := range []uint16{dns.TypeMX, dns.TypeA, dns.TypeANY} {
			count(t, b, e, "start.example.net", qtype)
		}
	})
	t.Run("between server blocks whose aliases lead to and fro", func(t *testing.T) {
		b := newBackend(t, map[string]string{"z1.test.": "x.sink CNAME x.sink.z2.test.\n", "z2.test.": "x.sink CNAME x.sink.z1.test.\n"})
		blocks := map[string]*Editor{
			"z1.test.": editor(t, "fakemx z1.test {\nlowest sink 198.51.100.1\nreal _realmx\n}", b),
			"z2.test.": editor(t, "fakemx z2.test {\nlowest sink 198.51.100.2\nreal _realmx\n}", b),
		}
		inside := 0
		b.server = func(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) {
			depth, _ := ctx.Value(depthKey{}).(int)
			inside++
			if depth > 10 { // as CoreDNS counts
				return
			}
			ctx = context.WithValue(ctx, depthKey{}, depth+1)
			for zone, e := range blocks {
				if strings.HasSuffix(r.Question[0].Name, zone) {
					if reply := e.serve(ctx, w, r); reply.Msg != nil {
						_ = w.WriteMsg(reply.Msg)
					}
				}
			}
		}
		for _, qtype := range []uint16{dns.TypeA, dns.TypeMX, dns.TypeANY, dns.TypeTXT} {
			inside = 0
			blocks["z1.test."].serve(t.Context(), client{}, new(dns.Msg).SetQuestion("x.sink.z1.test.", qtype))
			if inside > most*11 {
				t.Errorf("%s: %d requests inside the server", dns.TypeToString[qtype], inside)
			}
		}
	})
}

type depthKey struct{}

// The table of docs/deploy.md: what a query costs the backend.
func TestQuestionsBehind(t *testing.T) {
	zone := "@ MX 10 mail\nmail A 192.0.2.10\nwww A 192.0.2.80\nalias CNAME www\n"
	for _, tc := range []struct {
		query, name string
		qtype       uint16
		cold, warm  string
	}{
		{"an MX set, 3 fakes", "example.org", dns.TypeMX, "MX A A A", "MX"},
		{"the address of a sink", "fake0.example.org", dns.TypeA, "A A A SOA", "SOA"},
		{"another type of a sink", "fake0.example.org", dns.TypeTXT, "A A A TXT", "TXT"},
		{"the TLSA set of a sink", "_25._tcp.fake0.example.org", dns.TypeTLSA, "A A A TLSA SOA", "TLSA SOA"},
		{"a name below a sink", "x.fake0.example.org", dns.TypeA, "A A A A", "A"},
		{"an untouched set", "_realmx.example.org", dns.TypeMX, "MX MX", "MX MX"},
		{"any other name", "www.example.org", dns.TypeA, "A", "A"},
		{"a name that is not there", "nothing.example.org", dns.TypeA, "A", "A"},
		{"no MX set", "www.example.org", dns.TypeMX, "MX", "MX"},
	} {
		t.Run(tc.query, func(t *testing.T) {
			b := newBackend(t, map[string]string{"example.org.": zone})
			e := editor(t, "fakemx example.org {\nlowest fake0 198.51.100.1\nhighest decoy[1-2] 198.51.100.2\nreal _realmx\n}", b)
			for _, expected := range []string{tc.cold, tc.warm} {
				ask(t, e, tc.name, tc.qtype)
				asked := b.questions()
				types := make([]string, 0, len(asked))
				for _, q := range asked {
					_, qtype, _ := strings.Cut(q, " ")
					types = append(types, qtype)
				}
				want(t, "questions", strings.Join(types, " "), expected)
			}
		})
	}
}

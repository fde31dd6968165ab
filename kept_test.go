package fakemx

import (
	"context"
	"slices"
	"testing"

	"github.com/coredns/coredns/plugin/pkg/dnstest"
	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
)

// An answer that is kept is given for the same records of the backend alone, and
// to a client that it fits. After each change the answer must be that of a handler
// that has kept nothing.
func TestAnAnswerIsKeptForTheSameRecordsAlone(t *testing.T) {
	mx := question("example.org.", dns.TypeMX)
	for _, tc := range []struct {
		sentence string
		change   func(b *backend, r *dns.Msg)
	}{
		{"nothing changes", func(*backend, *dns.Msg) {}},
		{"a real record has another preference", changed(mx, func(m *dns.Msg) {
			another := dns.Copy(m.Answer[0])
			another.(*dns.MX).Preference = 99
			m.Answer = slices.Concat([]dns.RR{another}, m.Answer[1:])
		})},
		{"a real record is gone", changed(mx, func(m *dns.Msg) { m.Answer = m.Answer[1:] })},
		{"all real records are gone", changed(mx, func(m *dns.Msg) { m.Answer = nil })},
		{"the set becomes a null MX", changed(mx, func(m *dns.Msg) {
			m.Answer = []dns.RR{test.MX("example.org. 3600 IN MX 0 .")}
		})},
		{"the order of the real records is another", changed(mx, func(m *dns.Msg) {
			m.Answer = []dns.RR{m.Answer[1], m.Answer[0]}
		})},
		{"an alias stands before the set", changed(mx, func(m *dns.Msg) {
			m.Answer = slices.Concat([]dns.RR{test.CNAME("alias.example.org. 3600 IN CNAME example.org.")}, m.Answer)
		})},
		{"the set is signed", changed(mx, func(m *dns.Msg) {
			m.Answer = slices.Concat(m.Answer, []dns.RR{test.RRSIG("example.org. 3600 IN RRSIG MX 8 2 3600 20300101000000 20200101000000 12345 example.org. c2ln")})
		})},
		{"a real host has another address", changed(mx, func(m *dns.Msg) {
			m.Extra = slices.Concat([]dns.RR{test.A("mail0.example.org. 3600 IN A 192.0.2.99")}, m.Extra[1:])
		})},
		{"there are no name servers", changed(mx, func(m *dns.Msg) { m.Ns = nil })},
		{"the answer is not authoritative", changed(mx, func(m *dns.Msg) { m.Authoritative = false })},
		{"the backend fails", changed(mx, func(m *dns.Msg) { m.Rcode = dns.RcodeServerFailure })},
		{"the client wants no signatures", func(_ *backend, r *dns.Msg) { r.Extra = nil; r.SetEdns0(1232, false) }},
		{"the client knows no EDNS", func(_ *backend, r *dns.Msg) { r.Extra = nil }},
		{"the buffer of the client is small", func(_ *backend, r *dns.Msg) { r.Extra = nil; r.SetEdns0(600, true) }},
	} {
		for _, client := range []struct {
			name string
			ask  *dns.Msg
		}{
			{"a resolver", resolver("example.org.", dns.TypeMX)},
			{"a client without EDNS", new(dns.Msg).SetQuestion("example.org.", dns.TypeMX)},
		} {
			t.Run(tc.sentence+", "+client.name, func(t *testing.T) {
				next := zoneWith(t, 8) // more than a client without EDNS takes
				if client.ask.IsEdns0() == nil {
					next = zoneWith(t, 2)
				}
				stanza := fakesOf(3)
				h := newHandlerOf(t, stanza, next)
				r := client.ask.Copy()
				for range 3 { // learn, keep, and give what is kept
					answerOf(t, h, r)
				}
				tc.change(next, r)
				want := answerOf(t, newHandlerOf(t, stanza, next), r).String()
				for range 3 {
					if got := answerOf(t, h, r).String(); got != want {
						t.Fatalf("got %s\nwant what a handler answers that has kept nothing: %s", got, want)
					}
				}
			})
		}
	}
}

// A client without EDNS costs no more than one with it once an answer is kept: its
// question goes as it is.
func TestAKeptAnswerIsAskedForAsTheClientDoes(t *testing.T) {
	next := &asked{backend: zoneWith(t, 2)}
	h := newHandlerOf(t, fakesOf(3), next)
	r := new(dns.Msg).SetQuestion("example.org.", dns.TypeMX)
	for range 3 { // learn, keep, and give what is kept
		answerOf(t, h, r)
	}
	next.edns = nil
	for range 3 {
		answerOf(t, h, r)
	}
	if want := []bool{false, false, false}; !slices.Equal(next.edns, want) {
		t.Errorf("the backend was asked with EDNS: %v, want %v", next.edns, want)
	}
}

// asked notes of each question whether it came with EDNS.
type asked struct {
	*backend
	edns []bool
}

func (a *asked) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	a.edns = append(a.edns, r.IsEdns0() != nil)
	return a.backend.ServeDNS(ctx, w, r)
}

// What a client of the answer does to it stays with that client.
func TestAKeptAnswerIsNobodysToChange(t *testing.T) {
	h := newHandlerOf(t, fakesOf(3), zoneWith(t, 2))
	r := resolver("example.org.", dns.TypeMX)
	answerOf(t, h, r)
	want := answerOf(t, h, r).String()
	m := answerOf(t, h, r)
	slices.Reverse(m.Answer)
	clear(m.Extra)
	m.Answer, m.Extra = append(m.Answer, nil), append(m.Extra, nil)
	if got := answerOf(t, h, r).String(); got != want {
		t.Errorf("after a change of the answer: got %s\nwant %s", got, want)
	}
}

// An answer with the fakes in it costs less once it is kept.
func TestAnAnswerIsKept(t *testing.T) {
	h := newHandlerOf(t, fakesOf(3), zoneWith(t, 2))
	r, w := resolver("example.org.", dns.TypeMX), newDiscard()
	serve := func() {
		if _, err := h.ServeDNS(context.Background(), w, r); err != nil {
			t.Fatal(err)
		}
	}
	serve()
	if got := testing.AllocsPerRun(100, serve); got > 6 {
		t.Errorf("got %v allocations with the backend's two, want 6 at most", got)
	}
}

func changed(q dns.Question, change func(*dns.Msg)) func(*backend, *dns.Msg) {
	return func(b *backend, _ *dns.Msg) {
		m := b.answers[q]
		change(&m)
		b.answers[q] = m
	}
}

func answerOf(t *testing.T, h *FakeMX, r *dns.Msg) *dns.Msg {
	t.Helper()
	w := dnstest.NewRecorder(&test.ResponseWriter{})
	if _, err := h.ServeDNS(context.Background(), w, r.Copy()); err != nil {
		t.Fatal(err)
	}
	return w.Msg
}

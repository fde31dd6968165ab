package fakemx

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/coredns/coredns/plugin"
	"github.com/miekg/dns"
)

// keeper records the answer that is written to it.
type keeper struct {
	discard
	msg *dns.Msg
}

func (k *keeper) WriteMsg(m *dns.Msg) error {
	k.msg = m
	return nil
}

func answerOf(t *testing.T, h plugin.Handler, r *dns.Msg) *dns.Msg {
	t.Helper()
	w := &keeper{discard: *newDiscard()}
	if _, err := h.ServeDNS(context.Background(), w, r); err != nil || w.msg == nil {
		t.Fatalf("got %v, %v, want an answer", w.msg, err)
	}
	return w.msg
}

// message is the text of a message without its ID.
func message(m *dns.Msg) string {
	out := *m
	out.Id = 0
	return out.String()
}

// warm returns a handler that keeps the answer to the query r, and that answer.
func warm(t *testing.T, next plugin.Handler, r *dns.Msg) (plugin.Handler, *dns.Msg) {
	t.Helper()
	h := newHandler(t, fakesOf(3), next)
	first := answerOf(t, h, r)
	answerOf(t, h, r)
	kept := answerOf(t, h, r)
	if again := answerOf(t, h, r); kept.Answer[0] != again.Answer[0] {
		t.Fatal("the fakes of an answer to the same records are made anew, want them kept")
	}
	if message(first) != message(kept) {
		t.Fatalf("got at first\n%v\nand of the same records later\n%v", first, kept)
	}
	return h, kept
}

func TestAKeptAnswerIsTheAnswerMadeAnew(t *testing.T) {
	for name, r := range map[string]*dns.Msg{
		"to a resolver":           resolver("example.org.", dns.TypeMX),
		"without EDNS":            new(dns.Msg).SetQuestion("example.org.", dns.TypeMX),
		"in other letters":        resolver("eXample.org.", dns.TypeMX),
		"which drops some glue":   new(dns.Msg).SetQuestion("example.org.", dns.TypeMX).SetEdns0(520, false),
		"as a part of all it has": resolver("example.org.", dns.TypeANY),
	} {
		t.Run(name, func(t *testing.T) {
			next := zoneWith(t, 6)
			question := dns.Question{Name: "example.org.", Qclass: dns.ClassINET}
			question.Qtype = dns.TypeMX
			mx := next.answers[question]
			question.Qtype = dns.TypeANY
			next.answers[question] = mx
			question.Name, question.Qtype = "eXample.org.", dns.TypeMX
			next.answers[question] = mx
			warm(t, next, r)
		})
	}
}

// Whatever changes below, the answer is the one that is due now.
func TestAKeptAnswerFollowsTheZone(t *testing.T) {
	question := dns.Question{Name: "example.org.", Qtype: dns.TypeMX, Qclass: dns.ClassINET}
	r := resolver("example.org.", dns.TypeMX)

	t.Run("another version of the zone", func(t *testing.T) {
		next := zoneWith(t, 2)
		h, _ := warm(t, next, r)
		next.answers[question] = zoneWith(t, 3).answers[question]
		if m := answerOf(t, h, r); len(m.Answer) != 6 {
			t.Errorf("got\n%v\nwant 3 real MX records and 3 fakes", m)
		}
	})
	t.Run("other addresses beside the same set", func(t *testing.T) {
		next := zoneWith(t, 2)
		h, _ := warm(t, next, r)
		m := next.answers[question]
		m.Extra = records(t, "mail0 A 192.0.2.99\n")
		next.answers[question] = m
		if got := answerOf(t, h, r).Extra[0]; got != m.Extra[0] {
			t.Errorf("got %v, want %v", got, m.Extra[0])
		}
	})
	t.Run("a record that counts its TTL down", func(t *testing.T) {
		next := zoneWith(t, 2)
		h, _ := warm(t, next, r)
		next.answers[question].Answer[1].Header().Ttl = 60
		for _, rr := range answerOf(t, h, r).Answer {
			if rr.Header().Ttl != 60 {
				t.Errorf("got %v, want the smallest TTL of the set, 60", rr)
			}
		}
	})
	t.Run("signatures for who asks for them", func(t *testing.T) {
		plain := new(dns.Msg).SetQuestion("example.org.", dns.TypeMX)
		next := &signing{backend: zoneWith(t, 2)}
		h, _ := warm(t, next, plain)
		next.signature = records(t, "@ RRSIG MX 13 2 3600 20300101000000 20250101000000 1 example.org. AAAA\n")
		if m := answerOf(t, h, plain); len(m.Answer) != 2 {
			t.Errorf("got\n%v\nwant the set of a signed zone as it is", m)
		}
	})
}

// signing is a backend with a signature for clients that want it.
type signing struct {
	*backend
	signature []dns.RR
}

func (s *signing) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	if opt := r.IsEdns0(); opt != nil && opt.Do() {
		w = &appending{w, s.signature}
	}
	return s.backend.ServeDNS(ctx, w, r)
}

type appending struct {
	dns.ResponseWriter
	rrs []dns.RR
}

func (a *appending) WriteMsg(m *dns.Msg) error {
	m.Answer = slices.Concat(m.Answer, a.rrs)
	return a.ResponseWriter.WriteMsg(m)
}

func TestWhatPluginsAboveAppendIsNotKept(t *testing.T) {
	r := resolver("example.org.", dns.TypeMX)
	h, kept := warm(t, zoneWith(t, 2), r)
	want := message(kept)
	appended := records(t, "appended TXT appended\n")[0]
	kept.Answer = append(kept.Answer, appended)
	kept.Ns = append(kept.Ns, appended)
	kept.Extra = append(kept.Extra, appended)
	next := answerOf(t, h, r)
	for _, section := range sectionsOf(next) {
		if cap(section) > len(section) && section[:len(section)+1][len(section)] == appended {
			t.Error("what was appended to one answer stands behind a section of the next")
		}
	}
	if got := message(next); got != want || strings.Contains(got, "appended") {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

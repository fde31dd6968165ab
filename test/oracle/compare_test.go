package oracle

import (
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// A reply is an answer in the form in which two are compared: the header and the
// question as they stand, each section as a set, in which a record that is there
// twice counts twice.
type reply struct {
	header     dns.MsgHdr
	question   string
	answer     []string
	authority  []string
	additional []string
	edns       string
	size       int
}

func readReply(wire []byte) (reply, error) {
	if wire == nil {
		return reply{question: "no answer"}, nil
	}
	m := new(dns.Msg)
	if err := m.Unpack(wire); err != nil {
		return reply{}, fmt.Errorf("answer of %d octets: %w", len(wire), err)
	}
	r := reply{header: m.MsgHdr, question: fmt.Sprint(m.Question), size: len(wire)}
	r.answer, r.authority = set(m.Answer), set(m.Ns)
	r.additional = set(slices.DeleteFunc(m.Extra, func(rr dns.RR) bool {
		if rr.Header().Rrtype == dns.TypeOPT {
			r.edns += rr.String()
			return true
		}
		return false
	}))
	return r, nil
}

func set(rrs []dns.RR) (all []string) {
	for _, rr := range rrs {
		all = append(all, rr.String())
	}
	slices.Sort(all)
	return all
}

// equal reports whether a client can't tell r from o. The size is not part of it.
func (r reply) equal(o reply) bool {
	return r.header == o.header && r.question == o.question && r.edns == o.edns &&
		slices.Equal(r.answer, o.answer) && slices.Equal(r.authority, o.authority) && slices.Equal(r.additional, o.additional)
}

// difference lists what want has and got hasn't, and the other way round.
func difference(want, got reply) string {
	var s strings.Builder
	line := func(part, want, got string) {
		if want != got {
			fmt.Fprintf(&s, "%s\n\t- %s\n\t+ %s\n", part, want, got)
		}
	}
	section := func(part string, want, got []string) {
		missing, surplus := without(want, got), without(got, want)
		if len(missing)+len(surplus) == 0 {
			return
		}
		s.WriteString(part + "\n")
		for _, rr := range missing {
			s.WriteString("\t- " + rr + "\n")
		}
		for _, rr := range surplus {
			s.WriteString("\t+ " + rr + "\n")
		}
	}
	line("header", want.header.String(), got.header.String())
	line("question", want.question, got.question)
	section("answer", want.answer, got.answer)
	section("authority", want.authority, got.authority)
	section("additional", want.additional, got.additional)
	line("edns", want.edns, got.edns)
	return s.String()
}

// without returns a less b, both sorted; what is in a twice and in b once stays once.
func without(a, b []string) (rest []string) {
	b = slices.Clone(b)
	for _, x := range a {
		if i, found := slices.BinarySearch(b, x); found {
			b = slices.Delete(b, i, i+1)
			continue
		}
		rest = append(rest, x)
	}
	return rest
}

func subset(a, b []string) bool { return len(without(a, b)) == 0 }

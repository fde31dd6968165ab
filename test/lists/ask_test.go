package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// question is one that a client of a list asks.
type question struct {
	name  string
	qtype uint16
}

// askAll asks a server everything, some at a time, and returns what it answers
// in the order of the questions. What gets lost on the way is asked again.
func askAll(t *testing.T, server string, questions []question) []string {
	t.Helper()
	conn, err := net.Dial("udp", server)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const together = 64
	answers := make([]string, len(questions))
	for first := 0; first < len(questions); first += together {
		last := min(first+together, len(questions))
		for end := time.Now().Add(patience); slices.Contains(answers[first:last], ""); {
			if time.Now().After(end) {
				t.Fatalf("%s: no answer to %v within %v", server, questions[first:last], patience)
			}
			askSome(t, conn, questions, answers, first, last)
		}
	}
	return answers
}

// askSome asks those of the questions first to last that have no answer yet. The
// number of a question is the ID of its message.
func askSome(t *testing.T, conn net.Conn, questions []question, answers []string, first, last int) {
	t.Helper()
	for i := first; i < last; i++ {
		if answers[i] != "" {
			continue
		}
		m := new(dns.Msg).SetQuestion(questions[i].name, questions[i].qtype)
		m.Id, m.RecursionDesired = uint16(i), false
		wire, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write(wire); err != nil {
			t.Fatal(err)
		}
	}
	reply := make([]byte, 4096)
	for slices.Contains(answers[first:last], "") {
		if err := conn.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		n, err := conn.Read(reply)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		for i := first; i < last; i++ {
			if n >= 2 && binary.BigEndian.Uint16(reply) == uint16(i) {
				answers[i] = text(t, reply[:n])
			}
		}
	}
}

// text is an answer as one line: all that a client can see, but for the order of
// records, and OPT.
func text(t *testing.T, wire []byte) string {
	t.Helper()
	m := new(dns.Msg)
	if err := m.Unpack(wire); err != nil {
		t.Fatal(err)
	}
	line := fmt.Sprintf("%s aa=%v tc=%v", dns.RcodeToString[m.Rcode], m.Authoritative, m.Truncated)
	for _, section := range [][]dns.RR{m.Answer, m.Ns, m.Extra} {
		records := make([]string, 0, len(section))
		for _, rr := range section {
			records = append(records, strings.Join(strings.Fields(rr.String()), " "))
		}
		slices.Sort(records)
		line += " | " + strings.Join(records, " + ")
	}
	return line
}

// oneAnswer asks one question.
func oneAnswer(t *testing.T, server, name string, qtype uint16) string {
	t.Helper()
	return askAll(t, server, []question{{name, qtype}})[0]
}

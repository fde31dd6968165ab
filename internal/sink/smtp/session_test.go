package smtp

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// talk feeds in and returns the codes of the replies, and the session. In TLS
// it goes on as if the handshake had been done.
func talk(s *Session, in string) []string {
	var codes []string
	for rest := []byte(in); len(rest) > 0; {
		n, r := s.Feed(rest)
		rest = rest[n:]
		if r == TLSReady {
			s.Secured()
		}
		if r != None {
			codes = append(codes, string(r.Append(nil, "s")[:3]))
		}
	}
	return codes
}

func newSession(afterData, tls bool) *Session {
	return &Session{AfterData: afterData, TLS: tls, MaxLine: UsualLine}
}

func TestSession(t *testing.T) {
	const (
		rcpt = 1 << iota // holds where no recipient is taken
		data             // holds where messages are read and dropped
		both = rcpt | data
	)
	for _, c := range []struct {
		what, in, codes string
		mode            int
	}{
		{"no recipient is taken, and no message asked for",
			"EHLO a.example\r\nMAIL FROM:<a@a.example>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nRSET\r\nQUIT\r\n", "250 250 451 451 250 221", rcpt},
		{"a message is read, dropped, and asked for again later",
			"EHLO a.example\r\nMAIL FROM:<a@a.example>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nHello\r\n.\r\nQUIT\r\n", "250 250 250 354 451 221", data},
		{"only CRLF dot CRLF ends a message",
			"MAIL FROM:<>\r\nRCPT TO:<b@e>\r\nDATA\r\na\n.\nb\r\n.\nc\n.\r\nd\r\n..\r\n\r.\r\n\r\n.\r\nNOOP\r\n", "250 250 354 451 250", data},
		{"an empty message ends at once", "MAIL FROM:<>\r\nRCPT TO:<b@e>\r\nDATA\r\n.\r\nNOOP\r\n", "250 250 354 451 250", data},
		{"after a message a new transaction begins", "MAIL FROM:<>\r\nRCPT TO:<b@e>\r\nDATA\r\n.\r\nDATA\r\nRCPT TO:<b@e>\r\n", "250 250 354 451 451 451", data},
		{"DATA without a recipient gets no 354", "MAIL FROM:<>\r\nDATA\r\n", "250 451", both},
		{"RCPT without MAIL is not rejected", "RCPT TO:<b@e>\r\n", "451", both},
		{"every parameter is taken",
			"MAIL FROM:<a@b> SIZE=99999999999999999999 BODY=8BITMIME SMTPUTF8 RET=FULL ENVID=x AUTH=<> NEW=1\r\n" +
				"RCPT TO:<b@e> NOTIFY=NEVER ORCPT=rfc822;b@e X\r\n", "250 451", rcpt},
		{"BDAT is swallowed by its count", "BDAT 7 LAST\r\nQUIT\r\n\nNOOP\r\n", "451 250", both},
		{"BDAT in several chunks", "BDAT 3\r\nabcBDAT 0 LAST\r\nNOOP\r\n", "451 451 250", both},
		{"BDAT with a bad count", "BDAT\r\nBDAT x\r\nBDAT -1 LAST\r\nBDAT 99999999999999999999\r\nBDAT 1 FIRST\r\n", "451 451 451 451 451", both},
		{"AUTH fails for now", "AUTH PLAIN AGEAYg==\r\nAUTH\r\n", "454 454", both},
		{"unknown, empty, binary and half commands", "\r\nFOO\r\n\x00\xff\x00\r\nMAIL\r\nMAIL TO:<a>\r\nRCPT\r\nXCLIENT ADDR=1\r\nmail from\r\nLHLO x\r\nETRN y\r\n",
			"451 451 451 451 451 451 451 451 451 451", both},
		{"letters of any case, line ends of LF, spaces where none belong", "ehlo x\nmAiL fRoM: <a@b>\nrcpt to: b@e\nquit\n", "250 250 451 221", rcpt},
		{"VRFY, EXPN, HELP, NOOP with an argument", "VRFY x\r\nEXPN x\r\nHELP x\r\nNOOP x\r\n", "252 451 214 250", both},
		{"STARTTLS without a certificate", "STARTTLS\r\n", "454", both},
		{"a line that is too long is one command", "NOOP " + strings.Repeat("x", UsualLine) + "\r\nNOOP\r\n", "451 250", both},
		{"a line of exactly the length", "NOOP " + strings.Repeat("x", UsualLine-7) + "\r\n", "250", both},
		{"a line of one octet more", "NOOP " + strings.Repeat("x", UsualLine-6) + "\r\n", "451", both},
	} {
		t.Run(c.what, func(t *testing.T) {
			for mode, afterData := range map[int]bool{rcpt: false, data: true} {
				if c.mode&mode == 0 {
					continue
				}
				if got := strings.Join(talk(newSession(afterData, false), c.in), " "); got != c.codes {
					t.Errorf("after data %t: got %s, want %s", afterData, got, c.codes)
				}
			}
		})
	}
}

func TestSTARTTLS(t *testing.T) {
	t.Run("what came with STARTTLS is dropped", func(t *testing.T) {
		s := newSession(true, true)
		got := talk(s, "EHLO x\r\nSTARTTLS\r\nMAIL FROM:<evil@e>\r\nRCPT TO:<b@e>\r\n")
		if fmt.Sprint(got) != "[250 220]" || len(s.Heard().Mails) > 0 {
			t.Errorf("got %v and %v, want no reply to what was injected", got, s.Heard().Mails)
		}
	})
	t.Run("a transaction does not outlive it", func(t *testing.T) {
		s := newSession(true, true)
		talk(s, "MAIL FROM:<a@b>\r\nRCPT TO:<b@e>\r\n")
		talk(s, "STARTTLS\r\n")
		if got := talk(s, "DATA\r\nRCPT TO:<b@e>\r\n"); fmt.Sprint(got) != "[451 451]" {
			t.Errorf("got %v, want nothing left of the transaction", got)
		}
	})
	t.Run("it is not offered again, nor done", func(t *testing.T) {
		s := newSession(true, true)
		talk(s, "STARTTLS\r\n")
		if got := talk(s, "EHLO x\r\nSTARTTLS\r\n"); fmt.Sprint(got) != "[250 454]" || !s.Heard().TLS {
			t.Errorf("got %v and TLS %t", got, s.Heard().TLS)
		}
	})
	t.Run("with a parameter", func(t *testing.T) {
		if got := talk(newSession(true, true), "STARTTLS now\r\n"); fmt.Sprint(got) != "[454]" {
			t.Errorf("got %v", got)
		}
	})
}

func TestHeard(t *testing.T) {
	s := newSession(false, false)
	talk(s, "EHLO [192.0.2.1]\r\n"+
		"MAIL FROM:<Ann.B@A.Example> SIZE=1\r\nRCPT TO:<@x,@y:\"b>@c\"@Example.Org>\r\nRCPT TO:postmaster\r\n"+
		"MAIL FROM:<>\r\nRCPT TO:<c@example.org>\r\nQUIT\r\n")
	want := Heard{
		Helo: "[192.0.2.1]", Recipients: 3, Commands: 7, Quit: true, kept: 3,
		Mails: []Mail{
			{Path{"Ann.B", "a.example"}, []Path{{"\"b>@c\"", "example.org"}, {Local: "postmaster"}}},
			{Path{}, []Path{{"c", "example.org"}}},
		},
	}
	if got := *s.Heard(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if !want.Mails[1].From.Null() || want.Mails[0].From.Null() {
		t.Error("the null reverse path is not told from others")
	}
}

func TestHeardIsBounded(t *testing.T) {
	s := newSession(true, false)
	var in strings.Builder
	for range 50 {
		in.WriteString("EHLO " + strings.Repeat("h", 1000) + "\r\nMAIL FROM:<" + strings.Repeat("l", 500) + "@" + strings.Repeat("d", 500) + ">\r\n")
		for range 50 {
			in.WriteString("RCPT TO:<" + strings.Repeat("l", 500) + "@" + strings.Repeat("d", 500) + ">\r\n")
		}
	}
	talk(s, in.String())
	h := s.Heard()
	kept := 0
	for _, m := range h.Mails {
		kept += len(m.To)
		for _, p := range append(m.To, m.From) {
			if len(p.Local) > maxText || len(p.Domain) > maxText {
				t.Fatalf("%d and %d octets are kept of a path", len(p.Local), len(p.Domain))
			}
		}
	}
	if len(h.Mails) != maxMails || kept != maxRecipients || len(h.Helo) != maxText || h.Recipients != 2500 {
		t.Errorf("%d mails, %d recipients, HELO of %d octets are kept, %d counted", len(h.Mails), kept, len(h.Helo), h.Recipients)
	}
}

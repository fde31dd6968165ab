package main

import (
	"bufio"
	"net"
	"net/netip"
	"strings"
	"testing"
)

// talk plays a client's lines against a smtpd and returns its last replies.
func talk(t *testing.T, d *smtpd, lines ...string) []string {
	t.Helper()
	client, server := net.Pipe()
	defer client.Close()
	s := &session{smtpd: d, addr: netip.MustParseAddr("192.0.2.60")}
	s.use(server)
	go func() {
		defer server.Close()
		s.serve()
	}()
	in := bufio.NewReader(client)
	var replies []string
	for _, line := range append([]string{""}, lines...) {
		if line != "" {
			if _, err := client.Write([]byte(line + "\r\n")); err != nil {
				t.Fatal(err)
			}
		}
		for more := true; more; {
			reply, err := in.ReadString('\n')
			if err != nil {
				t.Fatalf("after %q: %v", line, err)
			}
			if more = reply[3] == '-'; !more {
				replies = append(replies, reply[:3])
			}
		}
	}
	return replies
}

func TestSMTPD(t *testing.T) {
	t.Run("a message is entered once a recipient, under its local part", func(t *testing.T) {
		d := &smtpd{name: "mail.example.org", ledger: newLedger()}
		got := talk(t, d, "EHLO a.example.net", "MAIL FROM:<m1@bounce.example.net> SIZE=20",
			"RCPT TO:<m1@none.example.org>", "RCPT TO:<m2@none.example.org>", "DATA", "Subject: x\r\n\r\n..\r\n.", "QUIT")
		if want := "220 250 250 250 250 354 250 221"; strings.Join(got, " ") != want {
			t.Errorf("replies %v, want %s", got, want)
		}
		for _, id := range []string{"m1", "m2"} {
			r := d.ledger.of(id)
			if len(r) != 1 || r[0].from != "m1@bounce.example.net" || r[0].host != netip.MustParseAddr("192.0.2.60") {
				t.Errorf("receipts of %s: %v", id, r)
			}
		}
	})
	t.Run("a bounce has no sender", func(t *testing.T) {
		d := &smtpd{name: "mail.example.org", ledger: newLedger()}
		talk(t, d, "HELO a.example.net", "MAIL FROM:<>", "RCPT TO:<m1@bounce.example.net>", "DATA", ".")
		if r := d.ledger.of("m1"); len(r) != 1 || r[0].from != "" {
			t.Errorf("receipts: %v", r)
		}
	})
	t.Run("without a recipient there is no message", func(t *testing.T) {
		d := &smtpd{name: "mail.example.org", ledger: newLedger()}
		got := talk(t, d, "HELO a.example.net", "MAIL FROM:<m1@bounce.example.net>", "DATA", "STARTTLS", "VRFY")
		if want := "220 250 250 503 502 502"; strings.Join(got, " ") != want {
			t.Errorf("replies %v, want %s", got, want)
		}
	})
}

package main

import (
	"strings"
	"testing"
	"time"
)

func TestGreylist(t *testing.T) {
	g := &greylist{wait: time.Hour, until: map[string]time.Time{}}
	d := &smtpd{name: "mail.example.org", ledger: newLedger(), waiting: g}
	const to = "m1@grey.example.org"
	offer := func(to string) string {
		replies := talk(t, d, "HELO a.example.net", "MAIL FROM:<m1@bounce.example.net>", "RCPT TO:<"+to+">", "RSET")
		return replies[3]
	}
	t.Run("a message is put off at its first attempt and at the next", func(t *testing.T) {
		if got := offer(to) + " " + offer(to); got != "451 451" {
			t.Errorf("replies %s, want 451 451", got)
		}
	})
	t.Run("it is taken when the greylist is lifted, another is not", func(t *testing.T) {
		g.lift(to)
		if got := offer(to) + " " + offer("m2@grey.example.org"); got != "250 451" {
			t.Errorf("replies %s, want 250 451", got)
		}
	})
	t.Run("it is taken when its time is over", func(t *testing.T) {
		g.until["m3@grey.example.org"] = time.Now().Add(-time.Second)
		if got := offer("m3@grey.example.org"); got != "250" {
			t.Errorf("reply %s, want 250", got)
		}
	})
	t.Run("without a greylist nothing is put off", func(t *testing.T) {
		d := &smtpd{name: "mail.example.org", ledger: newLedger()}
		got := talk(t, d, "HELO a.example.net", "MAIL FROM:<m1@bounce.example.net>", "RCPT TO:<"+to+">")
		if strings.Join(got, " ") != "220 250 250 250" {
			t.Errorf("replies %v", got)
		}
	})
}

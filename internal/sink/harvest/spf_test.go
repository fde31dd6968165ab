package harvest

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/fakemx/fakemx/internal/sink/smtp"
	"github.com/fakemx/fakemx/internal/sink/store"
	"github.com/fakemx/fakemx/internal/sink/visit"
)

func TestEvaluate(t *testing.T) {
	dns := newNames()
	dns.txt["pass.example"] = "v=spf1 ip4:13.1.1.1 -all"
	dns.txt["fail.example"] = "v=spf1 -all"
	dns.txt["soft.example"] = "v=spf1 ~all"
	dns.txt["neutral.example"] = "v=spf1 ?all"
	dns.txt["broken.example"] = "v=spf1 ip4:nothing -all"
	dns.txt["local.example"] = "v=spf1 exists:%{l}.users.example -all"
	dns.txt["mx.example"] = "v=spf1 mx -all"
	dns.mx["mx.example"] = []string{"mail.mx.example"}
	dns.addresses["mail.mx.example"] = []netip.Addr{ip("13.1.1.1"), ip("2600::1")}
	dns.addresses["ann.users.example"] = []netip.Addr{ip("127.0.0.2")}
	dns.dead["dead.example"] = true
	for _, c := range []struct{ name, client, local, domain, want string }{
		{"an address that is named", "13.1.1.1", "ann", "pass.example", "pass"},
		{"another address", "13.1.1.2", "ann", "pass.example", "fail"},
		{"nobody", "13.1.1.1", "ann", "fail.example", "fail"},
		{"softly nobody", "13.1.1.1", "ann", "soft.example", "softfail"},
		{"neutral", "13.1.1.1", "ann", "neutral.example", "neutral"},
		{"no record", "13.1.1.1", "ann", "none.example", "none"},
		{"its MX", "13.1.1.1", "ann", "mx.example", "pass"},
		{"its MX over IPv6", "2600::1", "ann", "mx.example", "pass"},
		{"a record that can't be read", "13.1.1.1", "ann", "broken.example", "permerror"},
		{"a server that doesn't answer", "13.1.1.1", "ann", "dead.example", "temperror"},
		{"a local part that the record asks for", "13.1.1.1", "ann", "local.example", "pass"},
		{"a local part that the record asks for and nobody knows", "13.1.1.1", "", "local.example", "temperror"},
		{"a quoted local part", "13.1.1.1", `"a@b"`, "pass.example", "permerror"},
		{"a name of one label", "13.1.1.1", "ann", "localhost", "none"},
		{"an address literal", "13.1.1.1", "ann", "[13.1.1.1]", "none"},
		{"an address without brackets", "13.1.1.1", "ann", "13.1.1.1", "none"},
		{"no name", "13.1.1.1", "ann", "", "none"},
		{"a name with an empty label", "13.1.1.1", "ann", "a..example", "none"},
		{"a name that isn't ASCII", "13.1.1.1", "ann", "bücher.example", "permerror"},
		{"octets that are no text", "13.1.1.1", "ann", "\ufffd.example", "permerror"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := evaluate(t.Context(), dns, ip(c.client), "helo.example", c.local, c.domain); got != c.want {
				t.Errorf("%s, expected %s", got, c.want)
			}
		})
	}
}

func TestEveryReversePathIsEvaluatedOnce(t *testing.T) {
	dns := newNames()
	dns.txt["local.example"] = "v=spf1 exists:%{l}.users.example -all"
	dns.addresses["ann.users.example"] = []netip.Addr{ip("127.0.0.2")}
	v := &visit.Visit{Client: ip("13.1.1.1")}
	v.Hear(&smtp.Heard{Helo: "bot.example", Mails: []smtp.Mail{
		mailFrom("ann@local.example"), mailFrom("<>"), mailFrom("bob@local.example"), mailFrom("ann@local.example"), mailFrom("eve@none.example"),
	}}, visit.NewKey())
	helo, from := checkSPF(t.Context(), dns, v)
	if want := (store.SPF{Domain: "bot.example", Result: "none"}); helo != want {
		t.Errorf("HELO: %v, expected %v", helo, want)
	}
	want := []store.SPF{{Domain: "local.example", Result: "pass"}, {Domain: "local.example", Result: "fail"}, {Domain: "none.example", Result: "none"}}
	if !slices.Equal(from, want) {
		t.Errorf("reverse paths: %v, expected %v", from, want)
	}
}

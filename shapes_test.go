package fakemx_test

import (
	"testing"

	"github.com/fakemx/fakemx/internal/servertest"
	"github.com/miekg/dns"
)

// What operators publish by hand, and what becomes of sets at the ends of the
// range of preferences.
func TestShapes(t *testing.T) {
	for _, tc := range []struct {
		shape            string
		properties, zone string
		want             string
	}{
		{
			"highest only",
			"highest fake 198.51.100.1",
			"@ MX 10 mail\n@ MX 20 backup",
			"@ MX 10 mail\n@ MX 20 backup\n@ MX 30 fake",
		},
		{
			"lowest and highest",
			"lowest fake0 198.51.100.1\nhighest fake1 198.51.100.2",
			"@ MX 10 mail\n@ MX 20 backup",
			"@ MX 0 fake0\n@ MX 10 mail\n@ MX 20 backup\n@ MX 30 fake1",
		},
		{
			"many on top",
			"lowest fake0 198.51.100.1\nhighest fake[1-5] 198.51.100.2",
			"@ MX 20 real",
			"@ MX 10 fake0\n@ MX 20 real\n@ MX 30 fake1\n@ MX 40 fake2\n@ MX 50 fake3\n@ MX 60 fake4\n@ MX 70 fake5",
		},
		{
			"tight numbers, with room for one below",
			"lowest mail1 198.51.100.1\nhighest mail2 198.51.100.2\nhighest mail3 198.51.100.3\nstep 2",
			"@ MX 5 master\n@ MX 6 slave2",
			"@ MX 3 mail1\n@ MX 5 master\n@ MX 6 slave2\n@ MX 8 mail2\n@ MX 10 mail3",
		},
		{
			"tight numbers, with no room for a second one below",
			"lowest mail0 198.51.100.1\nlowest mail1 198.51.100.1\nhighest mail2 198.51.100.2\nstep 2",
			"@ MX 1 master\n@ MX 2 slave2",
			"@ MX 0 mail0\n@ MX 2 mail1\n@ MX 4 master\n@ MX 5 slave2\n@ MX 7 mail2",
		},
		{
			"less room than a step, so closer",
			"lowest a 198.51.100.1\nlowest b 198.51.100.1",
			"@ MX 5 mail",
			"@ MX 1 a\n@ MX 3 b\n@ MX 5 mail",
		},
		{
			"a third party's sink on top",
			"highest tarpit.example.net.",
			"@ MX 10 mail",
			"@ MX 10 mail\n@ MX 20 tarpit.example.net.",
		},
		{
			"no room below a real 0",
			"lowest fake0 198.51.100.1",
			"@ MX 0 mail",
			"@ MX 0 fake0\n@ MX 10 mail",
		},
		{
			"no room above a real 65535",
			"highest fake9 198.51.100.1",
			"@ MX 65535 mail",
			"@ MX 65525 mail\n@ MX 65535 fake9",
		},
		{
			"room on neither side of 0 and 65535, so spaced anew with ties kept",
			"lowest fake0 198.51.100.1\nhighest fake9 198.51.100.1",
			"@ MX 0 a\n@ MX 0 b\n@ MX 7 c\n@ MX 65535 d",
			"@ MX 0 fake0\n@ MX 10 a\n@ MX 10 b\n@ MX 20 c\n@ MX 30 d\n@ MX 40 fake9",
		},
		{
			"a step of one",
			"lowest fake0 198.51.100.1\nhighest fake9 198.51.100.1\nstep 1",
			"@ MX 10 mail",
			"@ MX 9 fake0\n@ MX 10 mail\n@ MX 11 fake9",
		},
		{
			"a step as large as there is room for",
			"highest fake8 198.51.100.1\nhighest fake9 198.51.100.1\nstep 65535",
			"@ MX 10 mail",
			"@ MX 10 mail\n@ MX 32772 fake8\n@ MX 65534 fake9",
		},
		{
			"equal preferences stay equal",
			"highest fake 198.51.100.1",
			"@ MX 10 a\n@ MX 10 b",
			"@ MX 10 a\n@ MX 10 b\n@ MX 20 fake",
		},
		{
			"a fake has the TTL of the set",
			"highest fake 198.51.100.1\nttl 60",
			"@ 7200 MX 10 mail",
			"@ 7200 MX 10 mail\n@ 7200 MX 20 fake",
		},
		{
			"TTLs that differ in a set become the smallest",
			"highest fake 198.51.100.1",
			"@ 7200 MX 10 mail\n@ 600 MX 20 backup",
			"@ 600 MX 10 mail\n@ 600 MX 20 backup\n@ 600 MX 30 fake",
		},
		{
			"a range with leading zeros keeps the width",
			"highest decoy[08-10].mx 198.51.100.1",
			"@ MX 10 mail",
			"@ MX 10 mail\n@ MX 20 decoy08.mx\n@ MX 30 decoy09.mx\n@ MX 40 decoy10.mx",
		},
		{
			"a fake that the zone has already is not added",
			"lowest fake0 198.51.100.1\nhighest fake9 198.51.100.1",
			"@ MX 5 FAKE0\n@ MX 10 mail",
			"@ MX 5 fake0\n@ MX 10 mail\n@ MX 20 fake9",
		},
	} {
		t.Run(tc.shape, func(t *testing.T) {
			s := start(t, tc.properties, tc.zone)
			wantSet(t, s, "example.org", dns.TypeMX, tc.want)
		})
	}
}

// wantSet compares an answer section.
func wantSet(t *testing.T, s *servertest.Server, name string, qtype uint16, want string) {
	t.Helper()
	m := s.AskTCP(servertest.Query(name, qtype))
	got := servertest.Text(&dns.Msg{MsgHdr: dns.MsgHdr{Rcode: m.Rcode}, Answer: m.Answer})
	expected := servertest.Text(&dns.Msg{Answer: servertest.Records(t, "example.org", want)})
	if got != expected {
		t.Errorf("%s %s: got\n%s\nwant\n%s", name, dns.TypeToString[qtype], got, expected)
	}
}

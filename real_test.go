package fakemx_test

import (
	"testing"

	"github.com/fakemx/fakemx/internal/servertest"
)

func TestRealPublishesTheUntouchedSet(t *testing.T) {
	s := start(t, bothFakes+`
		real   _RealMX
		except except
		ttl    60`, mail+`
		sub     7200 MX 10 mail
		null    MX 0 .
		mixed   MX 10 mail
		mixed   MX 0 .
		www     A 192.0.2.80
		except  MX 10 mail
		both    MX 5 fake0.mx
		both    MX 9 fake9.mx
		*.wild  MX 10 mail
		alias   CNAME sub`)
	for _, tc := range []struct {
		sentence, name, qtype string
		want                  servertest.Message
	}{
		{
			"at the apex", "_realmx.example.org", "MX",
			servertest.Message{Answer: "_realmx MX 10 mail\n_realmx MX 20 backup", Authority: ns, Additional: mailGlue},
		},
		{
			"with the TTL of the set", "_realmx.sub.example.org", "MX",
			servertest.Message{Answer: "_realmx.sub 7200 MX 10 mail", Authority: ns, Additional: "mail A 192.0.2.10\nmail AAAA 2001:db8::10"},
		},
		{"and nothing else is there", "_realmx.example.org", "TXT", servertest.Message{Authority: soa}},
		{"nor below", "x._realmx.example.org", "MX", servertest.Message{Rcode: "NXDOMAIN", Authority: soa}},
		{"not for a null MX", "_realmx.null.example.org", "MX", servertest.Message{Rcode: "NXDOMAIN", Authority: soa}},
		{"not for a null MX among others", "_realmx.mixed.example.org", "MX", servertest.Message{Rcode: "NXDOMAIN", Authority: soa}},
		{"not for a name without MX", "_realmx.www.example.org", "MX", servertest.Message{Rcode: "NXDOMAIN", Authority: soa}},
		{"not for an excepted name", "_realmx.except.example.org", "MX", servertest.Message{Rcode: "NXDOMAIN", Authority: soa}},
		{
			"also for a set that has all fakes", "_realmx.both.example.org", "MX",
			servertest.Message{Answer: "_realmx.both MX 5 fake0.mx\n_realmx.both MX 9 fake9.mx", Authority: ns},
		},
		{"not for a name that is not there", "_realmx.nothing.example.org", "MX", servertest.Message{Rcode: "NXDOMAIN", Authority: soa}},
		{"not for an alias", "_realmx.alias.example.org", "MX", servertest.Message{Rcode: "NXDOMAIN", Authority: soa}},
		{"not for itself", "_realmx._realmx.example.org", "MX", servertest.Message{Rcode: "NXDOMAIN", Authority: soa}},
		{"not outside the zone", "_realmx.example.net", "MX", servertest.Message{Rcode: "REFUSED", Flags: "-"}},
		{
			"not for a name that a wildcard answers for: the wildcard does", "_realmx.any.wild.example.org", "MX",
			servertest.Message{
				Answer: "_realmx.any.wild MX 0 fake0.mx\n_realmx.any.wild MX 10 mail\n_realmx.any.wild MX 20 fake9.mx", Authority: ns,
				Additional: "mail A 192.0.2.10\nmail AAAA 2001:db8::10\nfake0.mx 60 A 198.51.100.1\nfake9.mx 60 A 198.51.100.9",
			},
		},
	} {
		t.Run(tc.sentence, func(t *testing.T) {
			check(t, s, tc.name, tc.qtype, tc.want)
		})
	}
}

// A sink stops the wildcards above it, so nothing below it has a set.
func TestRealIsNotForAWildcardThatASinkStops(t *testing.T) {
	s := start(t, "lowest fake0.wild 198.51.100.1\nreal _realmx", mail+`
		*.wild  MX    10 mail
		away    DNAME fake0.wild`)
	check(t, s, "any.wild.example.org", "MX", servertest.Message{
		Answer: "any.wild MX 0 fake0.wild\nany.wild MX 10 mail", Authority: ns,
		Additional: "fake0.wild A 198.51.100.1\nmail A 192.0.2.10\nmail AAAA 2001:db8::10",
	})
	for _, name := range []string{"x.fake0.wild", "_realmx.x.fake0.wild"} {
		check(t, s, name+".example.org", "MX", servertest.Message{Rcode: "NXDOMAIN", Authority: soa})
	}
	check(t, s, "_realmx.x.away.example.org", "MX", servertest.Message{
		Rcode: "NXDOMAIN", Answer: "away DNAME fake0.wild\n_realmx.x.away CNAME _realmx.x.fake0.wild", Authority: soa,
	})
}

// An alias that leads to an untouched set ends there, also where a wildcard of the
// zone would go on, or have a set of its own.
func TestAnAliasToAnUntouchedSet(t *testing.T) {
	for _, wildcard := range []string{"* CNAME host.example.net.", "* MX 30 backup"} {
		t.Run("over "+wildcard, func(t *testing.T) {
			s := start(t, "lowest fake0 198.51.100.1\nreal _realmx", mail+"\naway DNAME example.org.\n"+wildcard)
			check(t, s, "_realmx.away.example.org", "MX", servertest.Message{
				Answer:    "away DNAME example.org.\n_realmx.away CNAME _realmx\n_realmx MX 10 mail\n_realmx MX 20 backup",
				Authority: ns,
			})
		})
	}
}

func TestWithoutRealThereIsNoSuchName(t *testing.T) {
	s := start(t, bothFakes, mail)
	check(t, s, "_realmx.example.org", "MX", servertest.Message{Rcode: "NXDOMAIN", Authority: soa})
}

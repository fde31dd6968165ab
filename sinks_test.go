package fakemx_test

import (
	"strings"
	"testing"

	"github.com/fakemx/fakemx/internal/servertest"
	"github.com/miekg/dns"
)

var zeroDigest = strings.Repeat("0", 64)

func TestSinkAnswers(t *testing.T) {
	s := start(t, `
		lowest fake0.mx 198.51.100.1 198.51.100.2 2001:db8::1
		highest four 198.51.100.4
		highest six 2001:db8::6
		ttl 60`, mail)
	t.Run("A and AAAA are the addresses, with the TTL of the stanza", func(t *testing.T) {
		check(t, s, "fake0.mx.example.org", "A", servertest.Message{
			Answer: "fake0.mx 60 A 198.51.100.1\nfake0.mx 60 A 198.51.100.2", Authority: ns,
		})
		check(t, s, "fake0.mx.example.org", "AAAA", servertest.Message{Answer: "fake0.mx 60 AAAA 2001:db8::1", Authority: ns})
	})
	t.Run("an address family that it has not is no data", func(t *testing.T) {
		check(t, s, "four.example.org", "AAAA", servertest.Message{Authority: soa})
		check(t, s, "six.example.org", "A", servertest.Message{Authority: soa})
	})
	for _, qtype := range []string{"MX", "TXT", "ANY", "NS", "SOA", "CNAME", "DS", "SRV", "TLSA"} {
		t.Run(qtype+" is no data with the zone's SOA", func(t *testing.T) {
			check(t, s, "fake0.mx.example.org", qtype, servertest.Message{Authority: soa})
		})
	}
	t.Run("below it nothing exists", func(t *testing.T) {
		check(t, s, "below.fake0.mx.example.org", "A", servertest.Message{Rcode: "NXDOMAIN", Authority: soa})
		check(t, s, "far.below.fake0.mx.example.org", "MX", servertest.Message{Rcode: "NXDOMAIN", Authority: soa})
	})
	t.Run("the names between it and the zone exist", func(t *testing.T) {
		check(t, s, "mx.example.org", "A", servertest.Message{Authority: soa})
		check(t, s, "mx.example.org", "MX", servertest.Message{Authority: soa})
		check(t, s, "other.mx.example.org", "A", servertest.Message{Rcode: "NXDOMAIN", Authority: soa})
	})
	t.Run("its TLSA set is one that no certificate matches", func(t *testing.T) {
		check(t, s, "_25._tcp.fake0.mx.example.org", "TLSA", servertest.Message{
			Answer: "_25._tcp.fake0.mx 60 TLSA 3 1 1 " + zeroDigest, Authority: ns,
		})
		check(t, s, "_25._tcp.fake0.mx.example.org", "A", servertest.Message{Authority: soa})
		check(t, s, "_tcp.fake0.mx.example.org", "A", servertest.Message{Authority: soa})
		check(t, s, "_443._tcp.fake0.mx.example.org", "TLSA", servertest.Message{Rcode: "NXDOMAIN", Authority: soa})
		check(t, s, "below._25._tcp.fake0.mx.example.org", "TLSA", servertest.Message{Rcode: "NXDOMAIN", Authority: soa})
		check(t, s, "_25._udp.fake0.mx.example.org", "TLSA", servertest.Message{Rcode: "NXDOMAIN", Authority: soa})
	})
}

// The hand-edited zone is what the names round a sink are measured by, where
// they meet with names that the zone has.
func TestNamesRoundSinksAreThoseOfTheHandEditedZone(t *testing.T) {
	const (
		stanza = `
			lowest  fake0.a.b   198.51.100.1
			highest own         198.51.100.2
			highest x.wild      198.51.100.3
			highest sub.has     198.51.100.4
			highest in.child    198.51.100.5
			highest in.dname    198.51.100.6
			highest any.host.wd 198.51.100.7`
		plain = `
			@       MX    10 mail
			mail    A     192.0.2.10
			*       TXT   "wildcard at the apex"
			real.b  A     192.0.2.11
			*.wild  A     192.0.2.12
			*.wild  MX    10 mail
			has     A     192.0.2.13
			has     MX    10 mail
			child   NS    ns.child
			ns.child A    192.0.2.14
			dname   DNAME elsewhere
			*.wd    CNAME mail`
		fakes = `
			@ MX 0 fake0.a.b
			@ MX 20 own
			@ MX 30 x.wild
			@ MX 40 sub.has
			@ MX 50 any.host.wd
			has MX 0 fake0.a.b
			has MX 20 own
			has MX 30 x.wild
			has MX 40 sub.has
			has MX 50 any.host.wd
			*.wild MX 0 fake0.a.b
			*.wild MX 20 own
			*.wild MX 30 x.wild
			*.wild MX 40 sub.has
			*.wild MX 50 any.host.wd
			fake0.a.b   A 198.51.100.1
			own         A 198.51.100.2
			x.wild      A 198.51.100.3
			sub.has     A 198.51.100.4
			any.host.wd A 198.51.100.7`
	)
	edited := plain + fakes
	for _, sink := range []string{"fake0.a.b", "own", "x.wild", "sub.has", "any.host.wd"} {
		edited += "\n_25._tcp." + sink + " TLSA 3 1 1 " + zeroDigest
	}
	with := start(t, stanza, plain)
	hand := servertest.Start(t, `example.org:0 {
		bind 127.0.0.1
		file `+zoneFile(t, "example.org", edited)+`
	}`)
	for _, name := range []string{
		"example.org", "b.example.org", "a.b.example.org", "fake0.a.b.example.org", "x.fake0.a.b.example.org",
		"x.a.b.example.org", "x.b.example.org", "real.b.example.org", "x.real.b.example.org",
		"own.example.org", "x.own.example.org", "*.own.example.org", "_tcp.own.example.org", "_25._tcp.own.example.org", "x._tcp.own.example.org",
		"x.wild.example.org", "y.wild.example.org", "z.x.wild.example.org", "wild.example.org", "z.y.wild.example.org", "*.wild.example.org",
		"has.example.org", "sub.has.example.org", "x.sub.has.example.org", "other.has.example.org",
		"child.example.org", "in.child.example.org", "x.child.example.org", "_25._tcp.in.child.example.org",
		"dname.example.org", "in.dname.example.org", "x.in.dname.example.org",
		"wd.example.org", "any.host.wd.example.org", "x.host.wd.example.org", "x.any.host.wd.example.org", "x.wd.example.org",
		"nothing.example.org", "nothing.at.all.example.org",
	} {
		t.Run(name, func(t *testing.T) {
			for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeMX, dns.TypeTXT, dns.TypeTLSA, dns.TypeANY, dns.TypeNS, dns.TypeCNAME, dns.TypeDNAME} {
				compareGlueAside(t, with, hand, name, qtype)
			}
		})
	}
}

// The file plugin lets a wildcard CNAME answer at an empty non-terminal, against
// RFC 4592 section 2.2.2. Here the RFC holds.
func TestAWildcardAliasDoesNotReachAboveASink(t *testing.T) {
	s := start(t, "lowest fake0.mx 198.51.100.1", mail+`
		*     CNAME mail
		above CNAME mx
		below CNAME x.fake0.mx`)
	check(t, s, "mx.example.org", "A", servertest.Message{Authority: soa})
	check(t, s, "fake0.mx.example.org", "A", servertest.Message{Answer: "fake0.mx A 198.51.100.1", Authority: ns})
	check(t, s, "fake0.mx.example.org", "TXT", servertest.Message{Authority: soa})
	check(t, s, "x.fake0.mx.example.org", "A", servertest.Message{Rcode: "NXDOMAIN", Authority: soa})
	check(t, s, "x.example.org", "A", servertest.Message{Answer: "x CNAME mail\nmail A 192.0.2.10", Authority: ns})
	check(t, s, "above.example.org", "A", servertest.Message{Answer: "above CNAME mx", Authority: soa})
	check(t, s, "below.example.org", "A", servertest.Message{Rcode: "NXDOMAIN", Answer: "below CNAME x.fake0.mx", Authority: soa})
}

// compareGlueAside compares whole answers but for address glue that is there
// for one exchange or NS target twice: file repeats it, fakemx does not.
func compareGlueAside(t *testing.T, with, hand *servertest.Server, name string, qtype uint16) {
	t.Helper()
	ask := func(s *servertest.Server) string {
		m := s.Ask(servertest.EDNS(servertest.Query(name, qtype), 4096, false))
		m.Extra = dns.Dedup(m.Extra, nil)
		return servertest.Text(m)
	}
	if got, want := ask(with), ask(hand); got != want {
		t.Errorf("%s %s: got\n%s\nwant what the hand-edited zone answers\n%s", name, dns.TypeToString[qtype], got, want)
	}
}

func TestAliasesOfSinks(t *testing.T) {
	s := start(t, "lowest fake0.mx 198.51.100.1", mail+`
		alias CNAME fake0.mx
		first CNAME alias
		between CNAME mx
		below CNAME x.fake0.mx
		own CNAME own.fake0.mx
		own.fake0.mx CNAME last
		last CNAME alias`)
	check(t, s, "alias.example.org", "A", servertest.Message{Answer: "alias CNAME fake0.mx\nfake0.mx A 198.51.100.1", Authority: ns})
	check(t, s, "first.example.org", "A", servertest.Message{Answer: "first CNAME alias\nalias CNAME fake0.mx\nfake0.mx A 198.51.100.1", Authority: ns})
	check(t, s, "alias.example.org", "TXT", servertest.Message{Answer: "alias CNAME fake0.mx", Authority: soa})
	check(t, s, "between.example.org", "A", servertest.Message{Answer: "between CNAME mx", Authority: soa})
	check(t, s, "below.example.org", "A", servertest.Message{Rcode: "NXDOMAIN", Answer: "below CNAME x.fake0.mx", Authority: soa})
	check(t, s, "own.example.org", "A", servertest.Message{
		Answer: "own CNAME own.fake0.mx\nown.fake0.mx CNAME last\nlast CNAME alias\nalias CNAME fake0.mx\nfake0.mx A 198.51.100.1", Authority: ns,
	})
	check(t, s, "alias.example.org", "CNAME", servertest.Message{Answer: "alias CNAME fake0.mx", Authority: ns})
}

// The zone wins at a name that it uses, and where it cuts the sink off.
func TestADNAMEThatLeadsInCirclesHidesASink(t *testing.T) {
	log := servertest.CaptureLog(t)
	s := start(t, "lowest in.dname 198.51.100.1\nhighest host 198.51.100.2\nhighest alias 198.51.100.3", mail+`
		dname     DNAME dname
		_tcp.host DNAME _tcp.host
		alias     CNAME alias`)
	check(t, s, "in.dname.example.org", "A", servertest.Message{Rcode: "SERVFAIL", Flags: "-"})
	check(t, s, "_25._tcp.host.example.org", "TLSA", servertest.Message{Rcode: "SERVFAIL", Flags: "-"})
	check(t, s, "_25._tcp.host.example.org", "A", servertest.Message{Rcode: "SERVFAIL", Flags: "-"})
	check(t, s, "host.example.org", "A", servertest.Message{Answer: "host A 198.51.100.2", Authority: ns})
	check(t, s, "alias.example.org", "A", servertest.Message{Rcode: "SERVFAIL", Flags: "-"})
	wantSet(t, s, "example.org", dns.TypeMX, "@ MX 10 mail\n@ MX 20 backup\n@ MX 30 host")
	if got := log.Lines("no fake points to"); len(got) != 2 {
		t.Errorf("got the lines %q, want one for each sink that is not free", got)
	}
}

// A wildcard that answers at a sink is no data of the sink's own.
func TestAWildcardOverASinkIsNoDataOfItsOwn(t *testing.T) {
	log := servertest.CaptureLog(t)
	s := start(t, "lowest fake0.mx 198.51.100.1", mail+"\n* A 192.0.2.66\n* TXT \"wild\"")
	check(t, s, "fake0.mx.example.org", "A", servertest.Message{Answer: "fake0.mx A 198.51.100.1", Authority: ns})
	check(t, s, "fake0.mx.example.org", "TXT", servertest.Message{Authority: soa})
	check(t, s, "mx.example.org", "TXT", servertest.Message{Authority: soa})
	check(t, s, "x.mx.example.org", "A", servertest.Message{Rcode: "NXDOMAIN", Authority: soa})
	check(t, s, "x.example.org", "A", servertest.Message{Answer: "x A 192.0.2.66", Authority: ns})
	if got := log.Lines("records of its own"); len(got) > 0 {
		t.Errorf("got the lines %q, want none", got)
	}
}

func TestWithoutTheSOAASinkIsAServerFailure(t *testing.T) {
	for _, below := range []struct{ sentence, plugins string }{
		{"a backend that refuses", "template ANY ANY {\nrcode REFUSED\n}"},
		{"a backend that fails", "template ANY ANY {\nrcode SERVFAIL\n}"},
		{"a backend that denies without a SOA", "template ANY ANY {\nrcode NXDOMAIN\n}"},
		{"a backend with an empty answer", "template ANY ANY {\nrcode NOERROR\n}"},
		{"a backend for another zone", "file " + zoneFile(t, "example.net", "") + " example.net"},
	} {
		t.Run(below.sentence, func(t *testing.T) {
			s := servertest.Start(t, `example.org:0 {
				bind 127.0.0.1
				fakemx {
					lowest fake0.mx 198.51.100.1
				}
				`+below.plugins+`
			}`)
			for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
				m := s.Ask(servertest.Query("fake0.mx.example.org", qtype))
				if m.Rcode != dns.RcodeServerFailure || len(m.Answer)+len(m.Ns)+len(m.Extra) > 0 {
					t.Errorf("%s: got %v, want SERVFAIL with nothing in it", dns.TypeToString[qtype], m)
				}
			}
		})
	}
}

// A stanza with dry_run round the zone changes nothing about its sinks.
func TestDryRunHidesNoSinkOfAnotherStanza(t *testing.T) {
	zone := servertest.Zone(t, "example.org", "*.part A 192.0.2.77\n")
	s := servertest.Start(t, `example.org:0 {
		bind 127.0.0.1
		fakemx part.example.org {
			highest mx 192.0.2.1
		}
		fakemx example.org {
			lowest below.mx.part 192.0.2.2
			dry_run
		}
		file `+zone+`
	}`)
	for _, name := range []string{"below.mx.part.example.org", "x.below.mx.part.example.org"} {
		if m := s.Ask(servertest.Query(name, dns.TypeA)); m.Rcode != dns.RcodeNameError {
			t.Errorf("%s: got %v, want NXDOMAIN: it is below a sink, where no wildcard reaches", name, m)
		}
	}
}

package fakemx_test

import (
	"testing"

	"github.com/fakemx/fakemx/internal/servertest"
	"github.com/miekg/dns"
)

// Caches hold one MX set of a name, whichever way they came to it.
func TestASetIsTheSameDirectlyAndBehindAnAlias(t *testing.T) {
	aliases := servertest.Zone(t, "example.net", servertest.Flush(`
		cut    CNAME example.org.
		dname  CNAME sub.example.org.
		other  CNAME customer.example.org.
		bare   CNAME bare.example.org.
		hidden CNAME hidden.cut.example.org.`))
	domain := servertest.Zone(t, "example.org", servertest.Flush(`
		@          MX 10 mail
		mail       A  192.0.2.10
		cut        NS ns.provider.invalid.
		hidden.cut MX 10 mail
		inside     CNAME hidden.cut
		gone       DNAME elsewhere.invalid.
		there.gone MX 10 mail
		behind     CNAME there.gone
		sub        NS ns.provider.invalid.
		customer   NS ns.provider.invalid.
		bare       NS ns.provider.invalid.`))
	sub := servertest.Zone(t, "sub.example.org", "@ MX 10 mail\ncut DNAME elsewhere.invalid.\n")
	customer := servertest.Zone(t, "customer.example.org", "@ MX 10 mail\n")
	bare := servertest.Zone(t, "bare.example.org", "@ MX 10 mail\n")
	s := servertest.Start(t, `
		example.org:0 example.net:0 sub.example.org:0 {
			bind 127.0.0.1
			fakemx example.org sub.example.org {
				highest fake0.cut 192.0.2.1
				highest fake1 192.0.2.2
			}
			file `+domain+` example.org
			file `+aliases+` example.net
			file `+sub+` sub.example.org
		}
		customer.example.org:0 {
			bind 127.0.0.1
			fakemx {
				lowest fake2 192.0.2.3
			}
			file `+customer+` customer.example.org
		}
		bare.example.org:0 {
			bind 127.0.0.1
			file `+bare+` bare.example.org
		}`)
	for _, test := range []struct {
		sentence, alias, owner, want string
	}{
		{
			"a sink that a zone cut hides", "cut.example.net", "example.org",
			"@ MX 10 mail\n@ MX 20 fake1",
		},
		{
			"a sink that a DNAME hides", "dname.example.net", "sub.example.org",
			"sub MX 10 mail.sub\nsub MX 20 fake1.sub",
		},
		{
			"a zone of another server block with fakes of its own", "other.example.net", "customer.example.org",
			"customer MX 0 fake2.customer\ncustomer MX 10 mail.customer",
		},
		{
			"a zone of another server block without fakes", "bare.example.net", "bare.example.org",
			"bare MX 10 mail.bare",
		},
	} {
		t.Run(test.sentence, func(t *testing.T) {
			wantSet(t, s, test.owner, dns.TypeMX, test.want)
			wantSet(t, s, test.alias, dns.TypeMX, test.alias+". CNAME "+test.owner+".\n"+test.want)
		})
	}
	t.Run("a set that a zone cut hides is not the zone's", func(t *testing.T) {
		wantSet(t, s, "hidden.cut.example.org", dns.TypeMX, "")
		for _, alias := range []string{"hidden.example.net", "inside.example.org"} {
			wantSet(t, s, alias, dns.TypeMX, alias+". CNAME hidden.cut.example.org.")
		}
	})
	t.Run("nor is one that a DNAME hides, though file shows it behind an alias", func(t *testing.T) {
		wantSet(t, s, "behind.example.org", dns.TypeMX, "behind CNAME there.gone\nthere.gone MX 10 mail")
	})
}

// RFC 2308 section 2.2: the SOA record is of the zone that the denied name is in.
func TestADenialBehindAnAliasHasTheSOAOfTheSink(t *testing.T) {
	aliases := servertest.Zone(t, "example.net", "sink CNAME fake0.mx.example.org.\nabove CNAME mx.example.org.\n")
	domain := servertest.Zone(t, "example.org", "@ MX 10 mail\n")
	s := servertest.Start(t, `example.org:0 example.net:0 {
		bind 127.0.0.1
		fakemx example.org {
			highest fake0.mx 192.0.2.1
		}
		file `+domain+` example.org
		file `+aliases+` example.net
	}`)
	for _, qtype := range []string{"MX", "TXT", "AAAA"} {
		check(t, s, "sink.example.net", qtype, servertest.Message{Answer: "sink.example.net. CNAME fake0.mx", Authority: soa})
		check(t, s, "above.example.net", qtype, servertest.Message{Answer: "above.example.net. CNAME mx", Authority: soa})
	}
	check(t, s, "above.example.net", "A", servertest.Message{Answer: "above.example.net. CNAME mx", Authority: soa})
}

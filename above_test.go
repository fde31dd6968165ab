package fakemx_test

import (
	"testing"

	"github.com/fakemx/fakemx/internal/servertest"
	"github.com/miekg/dns"
)

// TestPartOfAZone has fakes for a domain that is a part of the backend's zone.
func TestPartOfAZone(t *testing.T) {
	zone := servertest.Zone(t, "example.org", "*.wild MX 10 mail\nmail A 192.0.2.10\n")
	s := servertest.Start(t, `example.org:0 {
		bind 127.0.0.1
		fakemx a.dept.example.org customer.wild.example.org {
			highest fake0 192.0.2.1
		}
		file `+zone+`
	}`)
	for _, test := range []struct {
		name, why string
		rcode     int
	}{
		{"a.dept.example.org", "the apex exists: the sink is below it", dns.RcodeSuccess},
		{"dept.example.org", "so does what is between it and the zone's apex", dns.RcodeSuccess},
		{"fake0.a.dept.example.org", "the sink has other types", dns.RcodeSuccess},
		{"b.dept.example.org", "nothing else does", dns.RcodeNameError},
		{"x.a.dept.example.org", "nor anything below", dns.RcodeNameError},
	} {
		m := s.Ask(servertest.Query(test.name, dns.TypeTXT))
		if m.Rcode != test.rcode || len(m.Answer) > 0 || len(m.Ns) != 1 || m.Ns[0].Header().Rrtype != dns.TypeSOA {
			t.Errorf("%s, %s: got %v", test.name, test.why, m)
		}
	}
	// The MX set of a domain that only a wildcard answers for is not lost.
	if m := s.Ask(servertest.Query("customer.wild.example.org", dns.TypeMX)); len(m.Answer) != 2 {
		t.Errorf("MX from a wildcard: got %v, want the real record and the fake", m)
	}
}

// TestAliasToAPartOfAZone has what a direct question has, at the end of an alias.
func TestAliasToAPartOfAZone(t *testing.T) {
	zone := zoneFile(t, "example.org", `
		apex    CNAME a.dept
		between CNAME dept
		first   CNAME apex
		none    CNAME b.dept`)
	s := servertest.Start(t, `example.org:0 {
		bind 127.0.0.1
		fakemx a.dept.example.org {
			highest fake0 192.0.2.1
		}
		file `+zone+`
	}`)
	for _, test := range []struct{ name, answer string }{
		{"apex", "apex CNAME a.dept"},
		{"between", "between CNAME dept"},
		{"first", "first CNAME apex\napex CNAME a.dept"},
	} {
		for _, qtype := range []string{"A", "MX"} {
			check(t, s, test.name+".example.org", qtype, servertest.Message{Answer: test.answer, Authority: soa})
		}
	}
	check(t, s, "none.example.org", "A", servertest.Message{Rcode: "NXDOMAIN", Answer: "none CNAME b.dept", Authority: soa})
}

// TestPartOfAZoneWithinAnother has a stanza for a part of the zone of another one,
// which changes nothing about the part.
func TestPartOfAZoneWithinAnother(t *testing.T) {
	zone := servertest.Zone(t, "example.org", "mail A 192.0.2.10\n")
	for _, outer := range []string{"lowest fake0.mx 192.0.2.2", "lowest fake0.mx 192.0.2.2\ndry_run"} {
		s := servertest.Start(t, `example.org:0 {
			bind 127.0.0.1
			fakemx mx.example.org a.dept.example.org {
				highest fake1.mx 192.0.2.1
			}
			fakemx example.org {
				`+outer+`
			}
			fakemx b.dept.example.org dry.example.org {
				highest fake1.mx 192.0.2.1
				dry_run
			}
			file `+zone+`
		}`)
		for name, rcode := range map[string]int{
			"mx":     dns.RcodeSuccess, // fake1.mx.mx is below it
			"a.dept": dns.RcodeSuccess,
			"dept":   dns.RcodeSuccess, // because of a.dept
			"b.dept": dns.RcodeNameError,
			"dry":    dns.RcodeNameError,
			"other":  dns.RcodeNameError,
		} {
			if m := s.Ask(servertest.Query(name+".example.org", dns.TypeA)); m.Rcode != rcode || len(m.Answer) > 0 {
				t.Errorf("with %q, %s: got %v, want %s", outer, name, m, dns.RcodeToString[rcode])
			}
		}
	}
}

// TestZoneOfItsOwnWithinAnother has fakes for a zone that the one above it does
// not delegate: that zone stays as it is.
func TestZoneOfItsOwnWithinAnother(t *testing.T) {
	above := servertest.Zone(t, "example.org", "mail A 192.0.2.10\n")
	own := servertest.Zone(t, "own.dept.example.org", "@ MX 10 mail\nmail A 192.0.2.10\n")
	s := servertest.Start(t, `example.org:0 {
		bind 127.0.0.1
		fakemx own.dept.example.org {
			highest fake1.mx 192.0.2.1
		}
		file `+own+` own.dept.example.org
		file `+above+` example.org
	}`)
	for name, rcode := range map[string]int{
		"dept":        dns.RcodeNameError,
		"own.dept":    dns.RcodeSuccess,
		"mx.own.dept": dns.RcodeSuccess,
	} {
		if m := s.Ask(servertest.Query(name+".example.org", dns.TypeA)); m.Rcode != rcode || len(m.Answer) > 0 {
			t.Errorf("%s: got %v, want %s", name, m, dns.RcodeToString[rcode])
		}
	}
}

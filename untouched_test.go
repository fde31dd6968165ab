package fakemx_test

import (
	"fmt"
	"testing"

	"github.com/fakemx/fakemx/internal/servertest"
	"github.com/miekg/dns"
)

// bothFakes is a stanza that shows in every set that it touches.
const bothFakes = `
	lowest  fake0.mx 198.51.100.1
	highest fake9.mx 198.51.100.9`

// compareWithout asks a server with fakemx and one without, and compares.
func compareWithout(t *testing.T, with, without *servertest.Server, name string, qtype uint16) {
	t.Helper()
	for _, do := range []bool{false, true} {
		query := servertest.EDNS(servertest.Query(name, qtype), 4096, do)
		got, want := servertest.Text(with.Ask(query.Copy())), servertest.Text(without.Ask(query))
		if got != want {
			t.Errorf("%s %s, DO %v: got\n%s\nwant what the plugin below answers\n%s", name, dns.TypeToString[qtype], do, got, want)
		}
	}
}

// Only the addresses of the sinks join a set that names them already, as in the
// zone that has both typed in.
func TestFakesThatAreThereAlreadyAreNotAdded(t *testing.T) {
	s := start(t, bothFakes, "@ MX 5 fake0.mx\n@ MX 10 mail\n@ MX 20 fake9.mx\nmail A 192.0.2.10")
	check(t, s, "example.org", "MX", servertest.Message{
		Answer:     "@ MX 5 fake0.mx\n@ MX 10 mail\n@ MX 20 fake9.mx",
		Authority:  ns,
		Additional: "mail A 192.0.2.10\nfake0.mx A 198.51.100.1\nfake9.mx A 198.51.100.9",
	})
}

// Each of these answers is the one of the plugins below, whole.
func TestUntouched(t *testing.T) {
	zone := zoneFile(t, "example.org", mail+`
		null      MX 0  .
		nulls     MX 0  .
		nulls     MX 10 mail
		www       A  192.0.2.80
		ent.below A  192.0.2.81
		child     NS ns.child
		ns.child  A  192.0.2.54
		except    MX 10 mail
		a.except  MX 10 mail
		*.w.except MX 10 mail
		alias     CNAME mail
		dangling  CNAME nowhere
		abroad    CNAME mail.example.net.`)
	block := func(stanza string) string {
		return `example.org:0 {
			bind 127.0.0.1
			` + stanza + `
			file ` + zone + `
		}`
	}
	without := servertest.Start(t, block(""))
	with := servertest.Start(t, block("fakemx {\n"+bothFakes+"\nexcept except\n}"))
	for _, tc := range []struct {
		sentence, name string
		qtype          uint16
	}{
		{"no MX at a name with an address (RFC 5321 section 5.1 makes that the mail host)", "www.example.org", dns.TypeMX},
		{"no MX at a name server", "ns1.example.org", dns.TypeMX},
		{"no data at an empty non-terminal", "below.example.org", dns.TypeMX},
		{"no such name", "nowhere.example.org", dns.TypeMX},
		{"a referral", "child.example.org", dns.TypeMX},
		{"a referral from below the cut", "mail.child.example.org", dns.TypeMX},
		{"a null MX (RFC 7505)", "null.example.org", dns.TypeMX},
		{"a null MX in an ANY answer", "null.example.org", dns.TypeANY},
		{"a null MX beside others, which the RFC forbids", "nulls.example.org", dns.TypeMX},
		{"an excepted name", "except.example.org", dns.TypeMX},
		{"an excepted name, ANY", "except.example.org", dns.TypeANY},
		{"a name below an excepted one", "a.except.example.org", dns.TypeMX},
		{"a wildcard below an excepted name", "x.w.except.example.org", dns.TypeMX},
		{"an alias of a name without MX", "alias.example.org", dns.TypeMX},
		{"an alias of nothing", "dangling.example.org", dns.TypeMX},
		{"an alias to outside", "abroad.example.org", dns.TypeMX},
		{"an address query", "mail.example.org", dns.TypeA},
		{"the SOA record", "example.org", dns.TypeSOA},
		{"the NS set", "example.org", dns.TypeNS},
		{"a type without data at the apex", "example.org", dns.TypeTXT},
		{"a name outside the zone", "example.net", dns.TypeMX},
	} {
		t.Run(tc.sentence, func(t *testing.T) { compareWithout(t, with, without, tc.name, tc.qtype) })
	}
	t.Run("the set beside them is changed", func(t *testing.T) {
		wantSet(t, with, "example.org", dns.TypeMX, "@ MX 0 fake0.mx\n@ MX 10 mail\n@ MX 20 backup\n@ MX 30 fake9.mx")
	})
}

// Whatever rcode there is, an answer that is no success is none to add to.
func TestErrorsFromBelowPassThrough(t *testing.T) {
	for _, rcode := range []string{"SERVFAIL", "REFUSED", "NOTIMP", "FORMERR", "NXDOMAIN"} {
		t.Run(rcode+" with an MX set in it", func(t *testing.T) {
			block := func(stanza string) string {
				return fmt.Sprintf(`example.org:0 {
					bind 127.0.0.1
					%s
					template IN MX {
						rcode %s
						answer "{{ .Name }} 60 IN MX 10 mail.example.org."
					}
				}`, stanza, rcode)
			}
			without := servertest.Start(t, block(""))
			with := servertest.Start(t, block("fakemx {\n"+bothFakes+"\n}"))
			compareWithout(t, with, without, "example.org", dns.TypeMX)
		})
	}
	for _, below := range []string{"erratic {\ntruncate 1\ndrop 0\ndelay 0\n}", "acl {\nblock type A\n}"} {
		t.Run("nothing but "+below, func(t *testing.T) {
			block := func(stanza string) string {
				return "example.org:0 {\nbind 127.0.0.1\n" + stanza + "\n" + below + "\n}"
			}
			without := servertest.Start(t, block(""))
			with := servertest.Start(t, block("fakemx {\n"+bothFakes+"\n}"))
			compareWithout(t, with, without, "example.org", dns.TypeMX)
			compareWithout(t, with, without, "example.org", dns.TypeTXT)
		})
	}
}

// A backend that is a server of its own may have had to truncate.
func TestATruncatedAnswerWithoutTheSetPassesThrough(t *testing.T) {
	upstream := servertest.Serve(t, func(w dns.ResponseWriter, r *dns.Msg) {
		m := new(dns.Msg).SetReply(r)
		m.Truncated = true
		_ = w.WriteMsg(m)
	})
	s := servertest.Start(t, `example.org:0 {
		bind 127.0.0.1
		fakemx {
			`+bothFakes+`
		}
		forward . `+upstream+`
	}`)
	servertest.Check(t, s.Ask(servertest.Query("example.org", dns.TypeMX)), servertest.Message{Flags: "tc"})
}

// Sets that come on another way than by a plain question are sets all the same.
func TestEveryWayToASet(t *testing.T) {
	s := start(t, bothFakes, `
		@       MX 10 mail
		mail    A 192.0.2.10
		*.wild  MX 10 mail
		alias   CNAME twice
		twice   CNAME target
		target  MX 10 mail
		old     DNAME new
		a.new   MX 10 mail`)
	t.Run("a wildcard", func(t *testing.T) {
		wantSet(t, s, "any.wild.example.org", dns.TypeMX,
			"any.wild MX 0 fake0.mx\nany.wild MX 10 mail\nany.wild MX 20 fake9.mx")
	})
	t.Run("CNAME records", func(t *testing.T) {
		wantSet(t, s, "alias.example.org", dns.TypeMX,
			"alias CNAME twice\ntwice CNAME target\ntarget MX 0 fake0.mx\ntarget MX 10 mail\ntarget MX 20 fake9.mx")
	})
	t.Run("a DNAME record", func(t *testing.T) {
		wantSet(t, s, "a.old.example.org", dns.TypeMX,
			"old DNAME new\na.old CNAME a.new\na.new MX 0 fake0.mx\na.new MX 10 mail\na.new MX 20 fake9.mx")
	})
}

// The file plugin does not answer ANY, other servers do.
func TestAnANYAnswerKeepsItsOtherRecords(t *testing.T) {
	answer := servertest.Records(t, "example.org", `
		@ MX 10 mail
		@ TXT "text"
		@ MX 20 backup
		other MX 10 mail`)
	soa := servertest.Records(t, "example.org", "@ SOA ns1 hostmaster 1 7200 900 1209600 300")
	upstream := servertest.Serve(t, func(w dns.ResponseWriter, r *dns.Msg) {
		m := new(dns.Msg).SetReply(r)
		m.Answer = answer
		if r.Question[0].Name != "example.org." {
			m.SetRcode(r, dns.RcodeNameError)
			m.Answer, m.Ns = nil, soa
		}
		_ = w.WriteMsg(m)
	})
	s := servertest.Start(t, `example.org:0 {
		bind 127.0.0.1
		fakemx {
			`+bothFakes+`
			except other
		}
		forward . `+upstream+`
	}`)
	wantSet(t, s, "example.org", dns.TypeANY, `
		@ TXT "text"
		@ MX 0 fake0.mx
		@ MX 10 mail
		@ MX 20 backup
		@ MX 30 fake9.mx
		other MX 10 mail`)
}

// A client must not see from the sets alone whether fakemx runs twice.
func TestFakesOverFakesAreAddedOnce(t *testing.T) {
	inner := start(t, bothFakes, mail)
	outer := servertest.Start(t, `example.org:0 {
		bind 127.0.0.1
		fakemx {
			`+bothFakes+`
		}
		forward . `+inner.UDP+`
	}`)
	for _, qtype := range []uint16{dns.TypeMX, dns.TypeANY} {
		compareWithout(t, outer, inner, "example.org", qtype)
	}
	compareWithout(t, outer, inner, "fake0.mx.example.org", dns.TypeA)
	compareWithout(t, outer, inner, "fake0.mx.example.org", dns.TypeTXT)
}

func TestDryRunChangesNothing(t *testing.T) {
	zone := zoneFile(t, "example.org", mail)
	block := func(stanza string) string {
		return "example.org:0 {\nbind 127.0.0.1\n" + stanza + "\nfile " + zone + "\n}"
	}
	without := servertest.Start(t, block(""))
	with := servertest.Start(t, block("fakemx {\n"+bothFakes+"\nreal _realmx\ndry_run\n}"))
	for _, name := range []string{"example.org", "fake0.mx.example.org", "mx.example.org", "_25._tcp.fake0.mx.example.org", "_realmx.example.org"} {
		for _, qtype := range []uint16{dns.TypeMX, dns.TypeA, dns.TypeTLSA, dns.TypeANY} {
			compareWithout(t, with, without, name, qtype)
		}
	}
}

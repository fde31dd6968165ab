package fakemx_test

import (
	"strings"
	"testing"

	"github.com/fakemx/fakemx/internal/servertest"
	"github.com/miekg/dns"
)

// over runs fakemx over the zone mail, with further plugins in the block.
func over(t *testing.T, plugins string) *servertest.Server {
	t.Helper()
	return servertest.Start(t, `example.org:0 {
		bind 127.0.0.1
		`+plugins+`
		fakemx {
			`+bothFakes+`
			real _realmx
		}
		file `+zoneFile(t, "example.org", mail)+`
	}`)
}

const mailWithFakes = `
	@ MX 0 fake0.mx
	@ MX 10 mail
	@ MX 20 backup
	@ MX 30 fake9.mx`

func TestWithCache(t *testing.T) {
	address := "127.0.0.1:" + servertest.FreePort(t)
	s := over(t, "cache\nprometheus "+address)
	before := scrape(t, address)
	for range 3 {
		wantSet(t, s, "example.org", dns.TypeMX, mailWithFakes)
		wantSet(t, s, "fake0.mx.example.org", dns.TypeA, "fake0.mx A 198.51.100.1")
		wantSet(t, s, "fake0.mx.example.org", dns.TypeTXT, "")
	}
	injected := `coredns_fakemx_answers_total{result="injected",server="dns://` + s.UDP + `",view=""}`
	if got := added(before, scrape(t, address))[injected]; got != 1 {
		t.Errorf("got %v answers from fakemx, want 1 and the others from the cache", got)
	}
}

func TestWithLoadbalance(t *testing.T) {
	s := over(t, "loadbalance round_robin")
	first := make(map[string]bool)
	for range 100 {
		m := s.AskTCP(servertest.Query("example.org", dns.TypeMX))
		first[m.Answer[0].(*dns.MX).Mx] = true
		if got := strings.Join(servertest.Sorted(m.Answer), "\n"); got != strings.Join(servertest.Sorted(servertest.Records(t, "example.org", mailWithFakes)), "\n") {
			t.Fatalf("got another set:\n%s", got)
		}
	}
	if len(first) < 2 {
		t.Errorf("got %v first in all of 100 answers, want them in turn", first)
	}
}

func TestWithMinimal(t *testing.T) {
	s := over(t, "minimal")
	check(t, s, "example.org", "MX", servertest.Message{Answer: mailWithFakes})
	check(t, s, "fake0.mx.example.org", "A", servertest.Message{Answer: "fake0.mx A 198.51.100.1"})
	check(t, s, "fake0.mx.example.org", "TXT", servertest.Message{Authority: soa})
}

func TestWithView(t *testing.T) {
	zone := zoneFile(t, "example.org", mail)
	s := servertest.Start(t, `example.org:0 {
		bind 127.0.0.1
		view tcp {
			expr proto() == 'tcp'
		}
		fakemx {
			`+bothFakes+`
		}
		file `+zone+`
	}
	example.org:0 {
		bind 127.0.0.1
		file `+zone+`
	}`)
	wantSet(t, s, "example.org", dns.TypeMX, mailWithFakes) // over TCP
	check(t, s, "example.org", "MX", servertest.Message{Answer: "@ MX 10 mail\n@ MX 20 backup", Authority: ns, Additional: mailGlue})
	check(t, s, "fake0.mx.example.org", "A", servertest.Message{Rcode: "NXDOMAIN", Authority: soa})
}

func TestWithRewrite(t *testing.T) {
	t.Run("of the name, and of the answer back", func(t *testing.T) {
		block := func(stanza, zone string) string {
			return `.:0 {
				bind 127.0.0.1
				rewrite name exact alias.example.net example.org answer auto
				` + stanza + `
				file ` + zoneFile(t, "example.org", zone) + ` example.org
			}`
		}
		with := servertest.Start(t, block("fakemx example.org {\n"+bothFakes+"\n}", mail))
		hand := servertest.Start(t, block("", mail+`
			@ MX 0 fake0.mx
			@ MX 30 fake9.mx
			fake0.mx A 198.51.100.1
			fake9.mx A 198.51.100.9`))
		compareWithout(t, with, hand, "alias.example.net", dns.TypeMX)
	})
	t.Run("of the type", func(t *testing.T) {
		s := over(t, "rewrite type TXT MX")
		wantSet(t, s, "example.org", dns.TypeTXT, mailWithFakes)
	})
}

func TestWithACL(t *testing.T) {
	t.Run("a blocked query gets no fakes", func(t *testing.T) {
		s := over(t, "acl {\nblock type MX net *\n}")
		check(t, s, "example.org", "MX", servertest.Message{Rcode: "REFUSED", Flags: "-"})
		wantSet(t, s, "fake0.mx.example.org", dns.TypeA, "fake0.mx A 198.51.100.1")
	})
}

func TestWithHeader(t *testing.T) {
	s := over(t, "header {\nresponse set ra\n}")
	check(t, s, "fake0.mx.example.org", "A", servertest.Message{Flags: "aa ra", Answer: "fake0.mx A 198.51.100.1", Authority: ns})
}

func TestWithHosts(t *testing.T) {
	hosts := servertest.File(t, "hosts", "192.0.2.99 extra.example.org\n")
	s := servertest.Start(t, `example.org:0 {
		bind 127.0.0.1
		fakemx {
			`+bothFakes+`
		}
		hosts `+hosts+` {
			fallthrough
		}
		file `+zoneFile(t, "example.org", mail)+`
	}`)
	wantSet(t, s, "example.org", dns.TypeMX, mailWithFakes)
	wantSet(t, s, "fake0.mx.example.org", dns.TypeA, "fake0.mx A 198.51.100.1")
	m := s.Ask(servertest.Query("extra.example.org", dns.TypeA))
	if len(m.Answer) != 1 {
		t.Errorf("a name of hosts: got %v, want its address", m)
	}
}

func TestWithBufsize(t *testing.T) {
	s := over(t, "bufsize 700")
	m := s.Ask(servertest.EDNS(servertest.Query("example.org", dns.TypeMX), 4096, false))
	if m.Truncated || len(m.Answer) != 4 {
		t.Errorf("got TC %v and %d MX records, want 4 and no TC", m.Truncated, len(m.Answer))
	}
}

func TestTheResultIsInTheLog(t *testing.T) {
	for _, tc := range []struct {
		name  string
		qtype uint16
		want  string
	}{
		{"example.org", dns.TypeMX, "result=injected;"},
		{"null.example.org", dns.TypeMX, "result=null_mx;"},
		{"www.example.org", dns.TypeMX, "result=no_mx;"},
		{"example.org", dns.TypeA, "result=-;"},
		{"fake0.mx.example.org", dns.TypeA, "result=-;"},
	} {
		t.Run(tc.name+" "+dns.TypeToString[tc.qtype], func(t *testing.T) {
			log := servertest.CaptureLog(t)
			s := servertest.Start(t, `example.org:0 {
				bind 127.0.0.1
				metadata
				log . "{type} {name} result={/fakemx/result};"
				fakemx {
					`+bothFakes+`
				}
				file `+zoneFile(t, "example.org", mail+"\nnull MX 0 .\nwww A 192.0.2.80")+`
			}`)
			s.Ask(servertest.Query(tc.name, tc.qtype))
			line := dns.TypeToString[tc.qtype] + " " + tc.name + ". "
			wantLines(t, log.Wait(t, "result="), "[INFO] "+line+tc.want)
		})
	}
}

// In a chain with several fakes for one set, each stanza sees the set of the one
// below: an inner server's fakes are real records to the outer one.
func TestWithForwardToAnotherFakemx(t *testing.T) {
	inner := over(t, "")
	outer := servertest.Start(t, `example.org:0 {
		bind 127.0.0.1
		fakemx {
			lowest first.mx 198.51.100.3
		}
		forward . `+inner.UDP+`
	}`)
	wantSet(t, outer, "example.org", dns.TypeMX, `
		@ MX 0 first.mx
		@ MX 10 fake0.mx
		@ MX 20 mail
		@ MX 30 backup
		@ MX 40 fake9.mx`)
}

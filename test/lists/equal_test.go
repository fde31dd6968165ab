package main

import (
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/fakemx/fakemx/internal/sink/dnsl"
)

var listedFlag = flag.Int("listed", 5_000, "how many addresses are listed where servers are compared; .ci/run has 100,000")

// TestServersAgree asks three servers about the same addresses, and about a fifth as
// many that are not listed. Each answer is compared with what RFC 5782 and
// the list want, the whole of it.
func TestServersAgree(t *testing.T) {
	t.Parallel()
	listed := *listedFlag
	others := listed / 5
	w, dir := newWriter(t)
	now := time.Now()
	done := write(t, w, now, entries(0, listed, now.Add(time.Hour)))
	if done.Entries != listed || len(done.Warnings) != 0 {
		t.Fatalf("wrote %+v", done)
	}
	file := startFile(t, w, "0").UDP

	soa := fmt.Sprintf("%s 300 IN SOA localhost. hostmaster.%s %d 300 60 3600 300", zone, zone, done.Serial)
	ns := zone + " 300 IN NS localhost."
	hit := func(owner, rdata string) string {
		return fmt.Sprintf("NOERROR aa=true tc=false | %s 300 IN %s | %s | ", owner, rdata, ns)
	}
	txt := `TXT "` + dnsl.DefaultText + `"`
	miss, empty := "NXDOMAIN aa=true tc=false |  | "+soa+" | ", "NOERROR aa=true tc=false |  | "+soa+" | "

	var questions []question
	var want []string
	add := func(name string, qtype uint16, answer string) {
		questions, want = append(questions, question{name, qtype}), append(want, answer)
	}
	for i := range listed {
		owner := dnsl.Owner(made(i), zone)
		add(owner, dns.TypeA, hit(owner, "A 127.0.0.2"))
		const each = 10
		if i%each == 0 {
			add(owner, dns.TypeTXT, hit(owner, txt))
			add(owner, dns.TypeAAAA, empty)
		}
	}
	for i := range others {
		add(dnsl.Owner(made(listed+i), zone), dns.TypeA, miss)
	}
	// RFC 5782 section 5: in each list the first is there and the second is not.
	const ipv6Test = ".0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0."
	for _, owner := range []string{"2.0.0.127." + zone, "2" + ipv6Test + zone} {
		add(owner, dns.TypeA, hit(owner, "A 127.0.0.2"))
		add(owner, dns.TypeTXT, hit(owner, txt))
	}
	add("1.0.0.127."+zone, dns.TypeA, miss)
	add("1"+ipv6Test+zone, dns.TypeA, miss)
	add(zone, dns.TypeA, empty)
	add(zone, dns.TypeSOA, strings.Replace(hit(zone, ""), zone+" 300 IN ", soa, 1))

	servers := []struct {
		name  string
		start func(*testing.T) string
	}{
		{"file", func(*testing.T) string { return file }},
		{"rbldnsd", func(t *testing.T) string {
			t.Helper()
			return startRbldnsd(t, dir)
		}},
		{"NSD by transfer from file", func(t *testing.T) string {
			t.Helper()
			return startNSD(t, file)
		}},
	}
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			wrong := 0
			for i, got := range askAll(t, s.start(t), questions) {
				if got == want[i] {
					continue
				}
				const shown = 5
				if wrong++; wrong <= shown {
					t.Errorf("%v:\ngot  %s\nwant %s", questions[i], got, want[i])
				}
			}
			if wrong > 0 {
				t.Errorf("%d of %d answers differ", wrong, len(questions))
			}
		})
	}
}

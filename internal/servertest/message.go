package servertest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// Message says what an answer has to be, all of it but the question and the OPT
// record. Sections are zone text relative to Origin, with a TTL of 3600 where
// none is written; the order of records does not matter.
type Message struct {
	Origin string
	// Rcode is a name such as NXDOMAIN; "" is NOERROR.
	Rcode string
	// Flags are those of AA, TC, RA and AD that are set, as in "aa tc"; "" is "aa" and
	// "-" none.
	Flags                         string
	Answer, Authority, Additional string
}

// Check compares the whole of got with want.
func Check(t testing.TB, got *dns.Msg, want Message) {
	t.Helper()
	if g, w := Text(got), want.text(t); g != w {
		t.Errorf("got:\n%s\nwant:\n%s", g, w)
	}
}

// Text returns the header and the sections of m, sorted, one record a line.
func Text(m *dns.Msg) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s%s\n", dns.RcodeToString[m.Rcode], flags(m))
	section(&b, "answer", m.Answer)
	section(&b, "authority", m.Ns)
	section(&b, "additional", m.Extra)
	return b.String()
}

func flags(m *dns.Msg) string {
	var b strings.Builder
	for _, flag := range []struct {
		set  bool
		name string
	}{{m.Authoritative, "aa"}, {m.Truncated, "tc"}, {m.RecursionAvailable, "ra"}, {m.AuthenticatedData, "ad"}} {
		if flag.set {
			b.WriteString(" " + flag.name)
		}
	}
	return b.String()
}

func section(b *strings.Builder, name string, rrs []dns.RR) {
	for _, line := range Sorted(rrs) {
		fmt.Fprintf(b, "  %s: %s\n", name, line)
	}
}

// Sorted returns the records of a section as text, sorted, without an OPT record.
func Sorted(rrs []dns.RR) []string {
	lines := make([]string, 0, len(rrs))
	for _, rr := range rrs {
		if rr.Header().Rrtype != dns.TypeOPT {
			lines = append(lines, strings.Join(strings.Fields(rr.String()), " "))
		}
	}
	slices.Sort(lines)
	return lines
}

// Records reads zone text relative to origin.
func Records(t testing.TB, origin, text string) []dns.RR {
	t.Helper()
	parser := dns.NewZoneParser(strings.NewReader(Flush(text)), dns.Fqdn(origin), "")
	parser.SetDefaultTTL(3600)
	var rrs []dns.RR
	for rr, ok := parser.Next(); ok; rr, ok = parser.Next() {
		rrs = append(rrs, rr)
	}
	if err := parser.Err(); err != nil {
		t.Fatalf("reading zone text %q: %v", text, err)
	}
	return rrs
}

func (m Message) text(t testing.TB) string {
	t.Helper()
	if m.Rcode == "" {
		m.Rcode = dns.RcodeToString[dns.RcodeSuccess]
	}
	if m.Flags == "" {
		m.Flags = "aa"
	}
	var b strings.Builder
	b.WriteString(m.Rcode)
	if m.Flags != "-" {
		b.WriteString(" " + m.Flags)
	}
	b.WriteString("\n")
	section(&b, "answer", Records(t, m.Origin, m.Answer))
	section(&b, "authority", Records(t, m.Origin, m.Authority))
	section(&b, "additional", Records(t, m.Origin, m.Additional))
	return b.String()
}

package peers

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/fakemx/fakemx/internal/servertest"
	"github.com/miekg/dns"
)

// variant is a way of asking.
type variant struct {
	network string
	// size is the EDNS buffer size, 0 for a query without EDNS.
	size uint16
	do   bool
}

var variants = []variant{
	{"udp", 0, false},
	{"udp", 512, false},
	{"udp", 1232, false},
	{"udp", 1232, true},
	{"udp", 4096, true},
	{"tcp", 0, false},
	{"tcp", 1232, true},
}

func (v variant) String() string {
	s := "over " + v.network
	if v.size > 0 {
		s += fmt.Sprintf(" with EDNS %d", v.size)
	}
	if v.do {
		s += " and DO"
	}
	return s
}

func (v variant) query(q question) *dns.Msg {
	m := servertest.Query(q.name, q.qtype)
	if v.size > 0 {
		servertest.EDNS(m, v.size, v.do)
	}
	return m
}

// sameAnswers fails the test where two servers differ in an answer, whatever the
// way of asking.
func sameAnswers(t *testing.T, got, want string, questions []question) {
	t.Helper()
	for _, q := range questions {
		for _, v := range variants {
			g, err := ask(v.network, got, v.query(q))
			if err != nil {
				t.Errorf("%v %v: %v", q, v, err)
				continue
			}
			w, err := ask(v.network, want, v.query(q))
			if err != nil {
				t.Fatalf("%v %v: %v", q, v, err)
			}
			if g, w := text(g), text(w); g != w {
				t.Errorf("%v %v: got\n%s\nwant\n%s", q, v, g, w)
			}
		}
	}
}

// text writes a message down so that equal answers have equal texts: each
// section in order, and without the id.
func text(m *dns.Msg) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s aa=%v tc=%v ra=%v ad=%v\n", dns.RcodeToString[m.Rcode], m.Authoritative, m.Truncated, m.RecursionAvailable, m.AuthenticatedData)
	for _, section := range [][]dns.RR{m.Answer, m.Ns, m.Extra} {
		b.WriteString(strings.Join(sorted(section), "\n"))
		b.WriteString("\n--\n")
	}
	return b.String()
}

// sorted is the text of each record, names in lower case.
func sorted(rrs []dns.RR) []string {
	lines := make([]string, len(rrs))
	for i, rr := range rrs {
		copied := dns.Copy(rr)
		copied.Header().Name = dns.CanonicalName(copied.Header().Name)
		lines[i] = strings.ReplaceAll(copied.String(), "\t", " ")
	}
	slices.Sort(lines)
	return lines
}

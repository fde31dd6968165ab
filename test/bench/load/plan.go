package load

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// Plan is what a run asks and which answers are right.
type Plan struct {
	Queries []Query
	// UDPSize is the buffer size that the queries announce in an OPT record;
	// 0 leaves the OPT out. DO sets the DO bit and needs a UDPSize.
	UDPSize uint16
	DO      bool
	// AnswerOnly leaves the authority and additional sections out of the
	// comparison: other servers fill them differently.
	AnswerOnly bool
	// IgnoreTTL is for caches, which count the TTL down.
	IgnoreTTL bool
	// Ordered says that Want lists what is right before and what is right
	// after one change, so that no query that is sent after the first new answer
	// has come in may be answered the old way.
	Ordered bool
}

// Query is one question with the answers that are right. Without any, every
// NOERROR or NXDOMAIN answer to the question is.
type Query struct {
	Name string
	Type uint16
	Want []Answer `json:",omitempty"`
}

// Answer is the comparable content of a message: what is left once the ID, the
// order of records, compression and signatures are taken away.
type Answer struct {
	Rcode         int
	Authoritative bool
	Truncated     bool
	Records       []string
}

// Message returns the query as a message with ID 0.
func (p *Plan) Message(q Query) *dns.Msg {
	m := new(dns.Msg)
	m.SetQuestion(dns.Fqdn(q.Name), q.Type)
	m.Id = 0
	m.RecursionDesired = false
	if p.UDPSize > 0 {
		m.SetEdns0(p.UDPSize, p.DO)
	}
	return m
}

// AnswerOf reduces a message to what the plan compares.
func (p *Plan) AnswerOf(m *dns.Msg) Answer {
	a := Answer{Rcode: m.Rcode, Authoritative: m.Authoritative, Truncated: m.Truncated}
	a.Records = p.appendRecords(a.Records, "answer", m.Answer)
	if !p.AnswerOnly {
		a.Records = p.appendRecords(a.Records, "authority", m.Ns)
		a.Records = p.appendRecords(a.Records, "additional", m.Extra)
	}
	slices.Sort(a.Records)
	return a
}

func (p *Plan) appendRecords(to []string, section string, rrs []dns.RR) []string {
	for _, rr := range rrs {
		if rr.Header().Rrtype == dns.TypeOPT {
			continue
		}
		rr = dns.Copy(rr)
		rr.Header().Name = dns.CanonicalName(rr.Header().Name)
		if p.IgnoreTTL {
			rr.Header().Ttl = 0
		}
		if sig, ok := rr.(*dns.RRSIG); ok {
			// Two servers with one key sign at different times, and ECDSA
			// signatures differ even for the same input.
			sig.Inception, sig.Expiration, sig.Signature = 0, 0, ""
		}
		to = append(to, section+" "+rr.String())
	}
	return to
}

// Equal reports whether two answers say the same.
func (a Answer) Equal(b Answer) bool {
	return a.Rcode == b.Rcode && a.Authoritative == b.Authoritative && a.Truncated == b.Truncated &&
		slices.Equal(a.Records, b.Records)
}

// ReadQueries reads "name type" lines as dnsperf does; '#' and ';' begin comments.
func ReadQueries(r io.Reader) ([]Query, error) {
	var queries []Query
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		text, _, _ = strings.Cut(text, ";")
		fields := strings.Fields(text)
		if len(fields) == 0 {
			continue
		}
		if len(fields) != 2 {
			return nil, fmt.Errorf("line %d: %q: expected a name and a type", n, lines.Text())
		}
		qtype, ok := dns.StringToType[strings.ToUpper(fields[1])]
		if !ok {
			return nil, fmt.Errorf("line %d: %q: expected a record type", n, fields[1])
		}
		if _, ok := dns.IsDomainName(fields[0]); !ok {
			return nil, fmt.Errorf("line %d: %q: expected a domain name", n, fields[0])
		}
		queries = append(queries, Query{Name: dns.Fqdn(fields[0]), Type: qtype})
	}
	return queries, lines.Err()
}

package answer

import (
	"github.com/coredns/coredns/request"
	"github.com/fakemx/fakemx/internal/dnsname"
	"github.com/miekg/dns"
)

// room is what an answer may take.
type room struct {
	// octets is the size of the client's buffer, without what the server adds.
	octets int
	// signature is what dnssec adds to each set.
	signature int
}

// room returns the room for m, which is an answer of the zone apex.
func (q *Query) room(m *dns.Msg, apex string) room {
	state := request.Request{W: q.w, Req: q.r}
	r := room{octets: state.Size()}
	if opt := q.r.IsEdns0(); opt != nil && m.IsEdns0() == nil {
		r.octets -= dns.Len(opt)
	}
	if tsig := q.r.IsTsig(); tsig != nil {
		r.octets -= dns.Len(tsig)
	}
	if q.e.signer.handler != nil && state.Do() {
		r.signature = q.signatureLen(apex)
	}
	return r
}

// fit takes records from the additional section of a positive answer, and then
// the authority section, until it fits the client's buffer. The server would
// set TC for any record that it has to leave out; but only the answer itself is
// worth a second query over TCP (RFC 2181 section 9).
//
// It reports whether m fitted as it was.
func (q *Query) fit(m *dns.Msg, apex string) bool {
	r := q.room(m, apex)
	signatures := 0
	if r.signature > 0 {
		signatures = r.signature * setsOf(m)
	}
	if atMost(m, ".")+signatures > r.octets && atMost(m, apex)+signatures > r.octets {
		r.cut(m)
		return false
	}
	return true
}

// cut is fit for an answer that may be too large.
func (r room) cut(m *dns.Msg) {
	extra := m.Extra
	m.Extra, m.Compress = nil, true
	if opt := firstOPT(extra); opt != nil {
		m.Extra = append(m.Extra, opt)
	}
	size := m.Len() + r.signature*(sets(m.Answer)+sets(m.Ns))
	if size > r.octets {
		m.Ns = nil
		size = m.Len() + r.signature*sets(m.Answer)
	}
	for len(extra) > 0 {
		n := setLen(extra)
		set := extra[:n]
		extra = extra[n:]
		if set[0].Header().Rrtype == dns.TypeOPT {
			continue
		}
		size += r.signature
		for _, rr := range set {
			size += compressedLen(rr, m.Answer)
		}
		if size > r.octets {
			break
		}
		m.Extra = append(m.Extra, set...)
	}
}

// atMost returns a length that m surely does not exceed once it is compressed:
// every name that ends in apex, which the question does, takes a pointer of two
// octets for it (RFC 1035 section 4.1.4). It costs a tenth of what [dns.Msg.Len]
// does, and less than that for the root, which has no pointer.
func atMost(m *dns.Msg, apex string) int {
	const header, question = 12, 4
	n := header
	for i := range m.Question {
		n += len(m.Question[i].Name) + 1 + question
	}
	if len(m.Question) != 1 || !dnsname.Inside(m.Question[0].Name, apex) {
		apex = "."
	}
	for _, section := range [3][]dns.RR{m.Answer, m.Ns, m.Extra} {
		for _, rr := range section {
			n += atMostRR(rr, apex)
		}
	}
	return n
}

func atMostName(name, apex string) int {
	const pointer = 2
	switch {
	case apex == ".":
	case name == apex:
		return pointer
	case dnsname.Inside(name, apex):
		return len(name) - len(apex) + pointer
	}
	return len(name) + 1
}

func atMostRR(rr dns.RR, apex string) int {
	const fixed = 10 // type, class, TTL and the length of the data
	switch rr := rr.(type) {
	case *dns.MX:
		return atMostName(rr.Hdr.Name, apex) + fixed + 2 + atMostName(rr.Mx, apex)
	case *dns.A:
		return atMostName(rr.Hdr.Name, apex) + fixed + 4
	case *dns.AAAA:
		return atMostName(rr.Hdr.Name, apex) + fixed + 16
	case *dns.NS:
		return atMostName(rr.Hdr.Name, apex) + fixed + atMostName(rr.Ns, apex)
	}
	return dns.Len(rr)
}

func firstOPT(rrs []dns.RR) dns.RR {
	for _, rr := range rrs {
		if rr.Header().Rrtype == dns.TypeOPT {
			return rr
		}
	}
	return nil
}

// setLen returns the number of records with which rrs begins that are one set.
func setLen(rrs []dns.RR) int {
	first := rrs[0].Header()
	n := 1
	for n < len(rrs) && rrs[n].Header().Rrtype == first.Rrtype && rrs[n].Header().Name == first.Name {
		n++
	}
	return n
}

// sets returns the number of sets in rrs that can be signed.
func sets(rrs []dns.RR) int {
	n := 0
	for len(rrs) > 0 {
		switch rrs[0].Header().Rrtype {
		case dns.TypeOPT, dns.TypeRRSIG:
		default:
			n++
		}
		rrs = rrs[setLen(rrs):]
	}
	return n
}

func setsOf(m *dns.Msg) int { return sets(m.Answer) + sets(m.Ns) + sets(m.Extra) }

// compressedLen returns the most octets that rr takes behind answer: its owner
// is a pointer of two octets if it stands there as an exchange.
func compressedLen(rr dns.RR, answer []dns.RR) int {
	const pointer = 2
	n := dns.Len(rr)
	owner := rr.Header().Name
	for _, a := range answer {
		if mx, ok := a.(*dns.MX); ok && mx.Mx == owner {
			return n - len(owner) - 1 + pointer
		}
	}
	return n
}

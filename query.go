package fakemx

import (
	"context"

	"github.com/miekg/dns"
)

// query is one query on its way through fakemx.
type query struct {
	f   *FakeMX
	ctx context.Context
	w   dns.ResponseWriter
	r   *dns.Msg
	// name is the canonical form of the name asked for.
	name  string
	qtype uint16
}

// special returns the node that the name is at or below. If there is none, it
// returns the most specific zone of the name, if there is one.
func (q *query) special() (spot, bool) {
	at, found := q.f.zones.node(q.name)
	found = found && !at.dryRun
	if real, ok := q.realNode(); ok && (!found || len(real.name) > len(at.name)) {
		return real, true
	}
	return at, found
}

// edited is the answer as the hand-edited zone has it, or none, with the rcode
// and the error of a handler that wrote nothing.
func (q *query) edited() (*dns.Msg, int, error) {
	at, found := q.special()
	q.countSink(at)
	if !found && q.qtype != dns.TypeMX && q.qtype != dns.TypeANY {
		m, rcode, err := q.f.next(q.ctx, q.w, q.r)
		if m != nil {
			m = q.above(at, q.endOfChain(m))
		}
		return m, rcode, err
	}

	if found && at.kind != atReal {
		if m := q.again(&at); m != nil {
			return m, dns.RcodeSuccess, nil
		}
	}
	below := q.ask()
	if found {
		if m, ok := q.answerAt(at, &below); ok {
			return m, dns.RcodeSuccess, below.err
		}
	}
	if below.msg == nil {
		return nil, below.rcode, below.err
	}
	m := q.endOfChain(below.msg)
	if !found {
		m = q.above(at, m)
	}
	return q.inject(m, &below), below.rcode, below.err
}

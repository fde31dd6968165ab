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

// special finds the node that the name is at or below. If there is none, at gets
// the most specific zone of the name, if there is one.
func (q *query) special(at *spot) bool {
	found := q.f.zones.node(q.name, at) && !at.DryRun
	if len(q.f.zones.labels) > 0 {
		if real, ok := q.realNode(); ok && (!found || len(real.name) > len(at.name)) {
			*at = real
			return true
		}
	}
	return found
}

// edited is the answer as the hand-edited zone has it, or none, with the rcode
// and the error of a handler that wrote nothing.
func (q *query) edited() (*dns.Msg, int, error) {
	var at spot
	found := q.special(&at)
	q.countSink(&at)
	if found || q.qtype == dns.TypeMX || q.qtype == dns.TypeANY {
		return q.added(&at, found)
	}
	m, rcode, err := q.f.next(q.ctx, q.w, q.r)
	if m != nil {
		m = q.above(q.endOfChain(m))
	}
	return m, rcode, err
}

// added is edited for queries about what fakemx adds: at or below a node, or for
// MX sets.
func (q *query) added(at *spot, found bool) (*dns.Msg, int, error) {
	if found && at.kind != atReal {
		if m := q.again(at); m != nil {
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
		m = q.above(m)
	}
	return q.inject(m, &below), below.rcode, below.err
}

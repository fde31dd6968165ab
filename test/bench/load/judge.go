package load

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
)

const headerSize = 12

// judge tells right answers from wrong ones. Parsing every reply would make
// the generator slower than the servers it measures, so that a reply found
// right once is kept, and those with the same octets are right as well.
// It is safe for concurrent use.
type judge struct {
	plan  *Plan
	wires [][]byte // the queries, with ID 0
	// known holds the last right reply from its flags on, by query and by
	// alternative of Query.Want.
	known [][]atomic.Pointer[[]byte]
	// firstNew is when the first reply came in that only fits a later
	// alternative than the first, in Unix nanoseconds. See Plan.Ordered.
	firstNew atomic.Int64
}

func newJudge(p *Plan) (*judge, error) {
	j := &judge{plan: p}
	j.firstNew.Store(math.MaxInt64)
	for _, q := range p.Queries {
		wire, err := p.Message(q).Pack()
		if err != nil {
			return nil, fmt.Errorf("query %s %s: %w", q.Name, dns.TypeToString[q.Type], err)
		}
		j.wires = append(j.wires, wire)
		j.known = append(j.known, make([]atomic.Pointer[[]byte], max(len(q.Want), 1)))
	}
	return j, nil
}

// wrong returns what is wrong with the reply to query q, sent and received at
// the given times, or nil.
func (j *judge) wrong(q int, reply []byte, sent, received time.Time) error {
	if len(reply) < headerSize {
		return fmt.Errorf("%d octets, less than a header", len(reply))
	}
	alternative, err := j.match(q, reply[2:], reply)
	if err != nil || !j.plan.Ordered || len(j.known[q]) < 2 {
		return err
	}
	if alternative > 0 {
		// Rarely lost races only move the border later: never a false alarm.
		if now := received.UnixNano(); now < j.firstNew.Load() {
			j.firstNew.Store(now)
		}
		return nil
	}
	if first := j.firstNew.Load(); sent.UnixNano() > first {
		return fmt.Errorf("the old answer to a query sent %v after the first new answer", time.Duration(sent.UnixNano()-first))
	}
	return nil
}

// match returns which alternative of the wanted answers the reply is.
func (j *judge) match(q int, afterID, reply []byte) (int, error) {
	for i := range j.known[q] {
		if known := j.known[q][i].Load(); known != nil && bytes.Equal(*known, afterID) {
			return i, nil
		}
	}
	m := new(dns.Msg)
	if err := m.Unpack(reply); err != nil {
		return 0, err
	}
	query := j.plan.Queries[q]
	if !m.Response || len(m.Question) != 1 || m.Question[0].Qtype != query.Type ||
		!strings.EqualFold(m.Question[0].Name, query.Name) {
		return 0, fmt.Errorf("not a response to the question asked")
	}
	i, err := j.alternative(query, m)
	if err == nil {
		kept := bytes.Clone(afterID)
		j.known[q][i].Store(&kept)
	}
	return i, err
}

func (j *judge) alternative(query Query, m *dns.Msg) (int, error) {
	if len(query.Want) == 0 {
		if m.Rcode == dns.RcodeSuccess || m.Rcode == dns.RcodeNameError {
			return 0, nil
		}
		return 0, fmt.Errorf("rcode %s", dns.RcodeToString[m.Rcode])
	}
	got := j.plan.AnswerOf(m)
	for i, want := range query.Want {
		if got.Equal(want) {
			return i, nil
		}
	}
	return 0, fmt.Errorf("got %+v, want %+v", got, query.Want)
}

func replyID(reply []byte) uint16 { return binary.BigEndian.Uint16(reply) }

// Package answer says what a zone would answer into which somebody had typed the
// fakes and their sinks. That hand-edited zone is what every answer is measured
// by.
//
// A [Query] goes three steps. [Query.Ask] puts the client's question to the
// plugins behind, or what it takes to answer for a sink. Then it is decided which
// fakes may join which MX set (mx.go), and whether the name asked for exists
// because of a sink (sink.go). [Query.Edit] rewrites the answer by that.
//
// What is decided rests on one thing that takes questions of its own: whether a
// sink is free, so that no fake leads nowhere and no host in use is hidden
// (free.go). That is remembered for a minute at most (memory.go).
package answer

import (
	"context"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/pkg/nonwriter"
	"github.com/fakemx/fakemx/internal/dnsname"
	"github.com/fakemx/fakemx/internal/tell"
	"github.com/fakemx/fakemx/internal/zones"
	"github.com/miekg/dns"
)

// Editor makes the answers of a server block.
type Editor struct {
	// Next is the first plugin behind fakemx.
	Next plugin.Handler

	zones    *zones.Zones
	memory   *memory
	signer   signer
	metadata bool
	counters tell.Counters
	notices  tell.Notices
}

// New returns the editor of a server block with these zones.
func New(z *zones.Zones) *Editor {
	return &Editor{zones: z, memory: newMemory(z)}
}

// SetFront tells of the plugins in front: of the handler of dnssec, nil without,
// and of whether there is metadata. It must come before the first query.
func (e *Editor) SetFront(dnssec plugin.Handler, metadata bool) {
	e.signer, e.metadata = newSigner(dnssec), metadata
}

// Query is one query on its way through fakemx.
type Query struct {
	e   *Editor
	ctx context.Context
	w   dns.ResponseWriter
	r   *dns.Msg
	// name is the canonical form of the name asked for.
	name  string
	qtype uint16
	// at is where the name lies, if found; otherwise it may hold its zone alone.
	at    spot
	found bool
	// doubtful says that the name is that of a sink that is not free, and missed is
	// the node of one that dry_run does not serve.
	doubtful bool
	missed   zones.Node
	// sink has the zone's SOA record and NS set if the name is that of a free sink
	// with records of the type.
	sink *dns.Msg
	// asking is the context of all that is asked for the sake of this query.
	asking *asking
	wait   wait
}

// Concerns reports whether r is a query whose answer fakemx may have a part in.
// Transfers are not.
func Concerns(r *dns.Msg) bool {
	if r.Opcode != dns.OpcodeQuery || len(r.Question) != 1 {
		return false
	}
	q := &r.Question[0]
	return q.Qclass == dns.ClassINET && q.Qtype != dns.TypeAXFR && q.Qtype != dns.TypeIXFR
}

// Query returns the query r, which [Concerns] fakemx. There is none if the editor
// has a part in it already: some plugins behind follow aliases through the server.
// Then the answer passes as it is, or each step of an alias that leads in circles
// would multiply the questions.
func (e *Editor) Query(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (q Query, ok bool) {
	if ctx.Value(askingKey{e}) != nil {
		return q, false
	}
	question := &r.Question[0]
	return Query{e: e, ctx: ctx, w: w, r: r, name: dnsname.Canonical(question.Name), qtype: question.Qtype}, true
}

// Reply is what the plugins behind answer, or what became of it.
type Reply struct {
	// Msg is the answer, nil if none was written: then Rcode says what became of
	// the query, as for a handler.
	Msg   *dns.Msg
	Rcode int
	Err   error
	// proof is the answer for a client that wants signatures (RFC 3225), nil if it
	// cannot be had whole.
	proof *dns.Msg
}

// Ask puts the query to the plugins behind. For names and sets that fakemx may
// change it asks for signatures, too; for the records of a sink it asks for the
// SOA record of the zone alone.
func (q *Query) Ask() Reply {
	q.found = q.special(q.name, &q.at)
	q.countSink()
	switch {
	case q.found && q.findSink():
		return Reply{Msg: q.sink}
	case q.found, q.qtype == dns.TypeMX, q.qtype == dns.TypeANY:
		return q.askWhole()
	}
	return q.pass()
}

// Edit returns the answer as the hand-edited zone has it. What r holds is not
// changed.
func (q *Query) Edit(r Reply) Reply {
	if q.sink != nil {
		return Reply{Msg: q.sinkAnswer()}
	}
	if m := q.again(&r); m != nil {
		return Reply{Msg: m, Rcode: r.Rcode, Err: r.Err}
	}
	if q.doubtful {
		if m, ok := q.unsure(&r); ok {
			return Reply{Msg: m, Err: r.Err}
		}
	}
	if q.found {
		if m, ok := q.atNode(&q.at, &r); ok {
			return Reply{Msg: q.shortenDenial(m), Err: r.Err}
		}
	}
	if r.Msg == nil {
		return r
	}
	m := q.endOfAlias(r.Msg)
	if !q.found {
		m = q.enclosing(m)
	}
	if q.qtype == dns.TypeMX || q.qtype == dns.TypeANY {
		m = q.inject(m, &r)
	}
	return Reply{Msg: q.shortenDenial(m), Rcode: r.Rcode, Err: r.Err}
}

// Pass passes a query on as it is, and returns what the plugins behind answer.
func (e *Editor) Pass(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) Reply {
	c := nonwriter.New(w)
	rcode, err := plugin.NextOrFailure(Name, e.Next, ctx, c, r)
	if c.Msg != nil {
		clip(c.Msg)
	}
	return Reply{Msg: c.Msg, Rcode: rcode, Err: err}
}

// Name is that of the plugin.
const Name = "fakemx"

// spot is where a name lies: at or below a node, or the name of an untouched set.
type spot struct {
	zones.Node
	// real is the answer with the untouched set, nil for a node.
	real *dns.Msg
}

// special finds the deepest node that name is at or below and that exists
// because one of its sinks is free, or the untouched set that it is the name of
// or below. If there is none, at gets the most specific zone, if there is one.
func (q *Query) special(name string, at *spot) bool {
	*at = spot{}
	found := q.node(name, &at.Node)
	if q.e.zones.HasReal("") {
		if real, ok := q.realSet(name); ok && (!found || len(real.Name) > len(at.Name)) {
			*at = real
			return true
		}
	}
	return found
}

// node finds the deepest node that name is at or below, of those that exist.
func (q *Query) node(name string, at *zones.Node) bool {
	for q.e.zones.Node(name, at) {
		if !at.DryRun && q.stands(at) {
			return true
		}
		q.miss(at)
		name = dnsname.Parent(at.Name)
		*at = zones.Node{}
	}
	return false
}

// miss notes a sink at the name asked for that is not served.
func (q *Query) miss(at *zones.Node) {
	switch {
	case at.Name != q.name || at.Kind == zones.Between:
	case at.DryRun:
		q.missed = *at
	case at.Kind == zones.Sink:
		q.doubtful = true
	}
}

// stands reports whether one of the sinks of a node is free, which brings its
// name into being.
func (q *Query) stands(at *zones.Node) bool {
	verdicts := q.verdicts(q.e.memory.of(at.Match), at.Sinks...)
	for _, sink := range at.Sinks {
		if verdicts[sink].state == free {
			return true
		}
	}
	return false
}

// isSink reports whether a sink is served at name.
func (q *Query) isSink(name string) bool {
	var at zones.Node
	return q.node(name, &at) && at.Name == name && at.Kind == zones.Sink
}

func (q *Query) countSink() {
	at := &q.at.Node
	if !q.found {
		at = &q.missed
	}
	if at.Name == q.name && at.Kind != zones.Between {
		q.e.counters.Sink(q.ctx, at.IsLowest(at.Sinks[0]), q.qtype)
	}
}

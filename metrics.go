package fakemx

import (
	"context"
	"strings"
	"sync"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/metadata"
	"github.com/coredns/coredns/plugin/metrics"
	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// result says what became of an answer to an MX query.
type result uint8

const (
	injected result = iota
	dryRun
	noMX
	nullMX
	signed
	excepted
	present
	results
)

func (r result) String() string {
	return [results]string{"injected", "dry_run", "no_mx", "null_mx", "signed", "excepted", "present"}[r]
}

// kind is the place of a fake.
type kind uint8

const (
	lowestKind kind = iota
	highestKind
	kinds
)

func (k kind) String() string { return [kinds]string{"lowest", "highest"}[k] }

// sinkType is the type of a sink query, as far as it is told apart.
type sinkType uint8

const (
	typeA sinkType = iota
	typeAAAA
	typeTLSA
	typeOther
	sinkTypes
)

func (t sinkType) String() string { return [sinkTypes]string{"A", "AAAA", "TLSA", "other"}[t] }

func sinkTypeOf(qtype uint16) sinkType {
	switch qtype {
	case dns.TypeA:
		return typeA
	case dns.TypeAAAA:
		return typeAAAA
	case dns.TypeTLSA:
		return typeTLSA
	}
	return typeOther
}

var (
	answersTotal = promauto.NewCounterVec(prometheus.CounterOpts{
		Namespace: plugin.Namespace,
		Subsystem: name,
		Name:      "answers_total",
		Help:      "Counter of answers to MX queries in the zones of fakemx, by what became of them.",
	}, []string{"server", "view", "result"})

	sinkQueriesTotal = promauto.NewCounterVec(prometheus.CounterOpts{
		Namespace: plugin.Namespace,
		Subsystem: name,
		Name:      "sink_queries_total",
		Help:      "Counter of queries for sink hosts, by kind of fake and type of query.",
	}, []string{"server", "view", "kind", "type"})
)

// counters are the resolved children of one server and view: to look them up for
// each query costs more than all the rest.
type counters struct {
	counterKey
	answers [results]prometheus.Counter
	sinks   [kinds][sinkTypes]prometheus.Counter
}

type counterKey struct{ server, view string }

// resolved holds the counters of each counterKey.
var resolved sync.Map

func (f *FakeMX) countersOf(ctx context.Context) *counters {
	key := counterKey{metrics.WithServer(ctx), metrics.WithView(ctx)}
	c := f.counters.Load()
	if c == nil || c.counterKey != key {
		c = key.counters()
		f.counters.Store(c)
	}
	return c
}

func (key counterKey) counters() *counters {
	if c, ok := resolved.Load(key); ok {
		return c.(*counters)
	}
	// The name of a view may be anything, but a label has to be UTF-8.
	server, view := strings.ToValidUTF8(key.server, "?"), strings.ToValidUTF8(key.view, "?")
	c := &counters{counterKey: key}
	for r := range results {
		c.answers[r] = answersTotal.WithLabelValues(server, view, r.String())
	}
	for k := range kinds {
		for t := range sinkTypes {
			c.sinks[k][t] = sinkQueriesTotal.WithLabelValues(server, view, k.String(), t.String())
		}
	}
	actual, _ := resolved.LoadOrStore(key, c)
	return actual.(*counters)
}

func (q *query) count(r result) {
	q.f.countersOf(q.ctx).answers[r].Inc()
	metadata.SetValueFunc(q.ctx, resultLabel, resultValue[r])
}

func (q *query) countSink(at *spot) {
	if at.name == q.name && (at.kind == atSink || at.kind == atTLSA) {
		q.f.countersOf(q.ctx).sinks[at.kindOf(at.node)][sinkTypeOf(q.qtype)].Inc()
	}
}

// resultLabel is the metadata with the result of a query. Queries that have none
// do not have it.
const resultLabel = name + "/result"

// resultValue has the metadata function of each result, made once.
var resultValue = func() (values [results]metadata.Func) {
	for r := range results {
		values[r] = r.String
	}
	return values
}()

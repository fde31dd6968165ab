// Package tell is how fakemx speaks to the operator: metrics, metadata and
// notices. Labels are of bounded number and hold no names of zones, and a notice
// is written once for each cause and what it is about.
package tell

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/metadata"
	"github.com/coredns/coredns/plugin/metrics"
	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// Result says what became of an answer to an MX query.
type Result uint8

const (
	// Injected: fakes joined the set.
	Injected Result = iota
	// DryRun: they would have, but for dry_run.
	DryRun
	// NoMX: there is no set.
	NoMX
	// NullMX: the domain takes no mail (RFC 7505).
	NullMX
	// Signed: the set was signed behind fakemx.
	Signed
	// Unknown: whether it is signed, or what may join, could not be learned.
	Unknown
	// Foreign: exchanges does not name all of its exchanges.
	Foreign
	// Excepted: except names its owner, or there is no room in it.
	Excepted
	// Present: all fakes are in it already.
	Present
	// NotFree: no fake that is missing has a free sink.
	NotFree
	// Withdrawn: all fakes that are missing are withdrawn.
	Withdrawn
	results
)

func (r Result) String() string {
	return [results]string{
		"injected", "dry_run", "no_mx", "null_mx", "signed", "unknown", "foreign", "excepted", "present", "not_free", "withdrawn",
	}[r]
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
		Subsystem: subsystem,
		Name:      "answers_total",
		Help:      "Counter of answers to MX queries in the zones of fakemx, by what became of them.",
	}, []string{"server", "view", "result"})

	sinkQueriesTotal = promauto.NewCounterVec(prometheus.CounterOpts{
		Namespace: plugin.Namespace,
		Subsystem: subsystem,
		Name:      "sink_queries_total",
		Help:      "Counter of queries for sink hosts, by kind of fake and type of query.",
	}, []string{"server", "view", "kind", "type"})
)

// Counters are the resolved children of one server and view: to look them up for
// each query costs more than all the rest.
type Counters struct {
	last atomic.Pointer[counters]
}

type counters struct {
	counterKey
	answers [results]prometheus.Counter
	sinks   [kinds][sinkTypes]prometheus.Counter
}

type counterKey struct{ server, view string }

// resolved holds the counters of each counterKey.
var resolved sync.Map

func (c *Counters) of(ctx context.Context) *counters {
	key := counterKey{metrics.WithServer(ctx), metrics.WithView(ctx)}
	last := c.last.Load()
	if last == nil || last.counterKey != key {
		last = key.counters()
		c.last.Store(last)
	}
	return last
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

// Answer counts an answer, and publishes its result as metadata.
func (c *Counters) Answer(ctx context.Context, r Result) {
	c.of(ctx).answers[r].Inc()
	metadata.SetValueFunc(ctx, resultLabel, resultValue[r])
}

// Sink counts a query for a sink, or for the TLSA records of one.
func (c *Counters) Sink(ctx context.Context, lowest bool, qtype uint16) {
	k := highestKind
	if lowest {
		k = lowestKind
	}
	c.of(ctx).sinks[k][sinkTypeOf(qtype)].Inc()
}

// resultLabel is the metadata with the result of a query. Queries that have none
// do not have it.
const resultLabel = subsystem + "/result"

// resultValue has the metadata function of each result, made once.
var resultValue = func() (values [results]metadata.Func) {
	for r := range results {
		values[r] = r.String
	}
	return values
}()

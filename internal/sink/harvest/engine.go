package harvest

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fakemx/fakemx/internal/sink/dnsl"
	"github.com/fakemx/fakemx/internal/sink/seen"
	"github.com/fakemx/fakemx/internal/sink/store"
	"github.com/fakemx/fakemx/internal/sink/visit"
)

const (
	// After is how long after a visit it is judged, and MaxAfter the longest that
	// what is remembered allows.
	After    = 24 * time.Hour
	MaxAfter = 72 * time.Hour

	// every is how often the engine looks whether there is something to do.
	every = time.Second
	// rejudgeEvery is how often everything that is listed is looked at again.
	rejudgeEvery = 10 * time.Minute

	// lateness is how late a visit may become known. It begins when the client
	// connects, and its session may take some time.
	lateness = 30 * time.Minute
)

// Lists writes the lists.
type Lists interface {
	Write(now time.Time, entries []dnsl.Entry) (dnsl.Written, error)
}

// Config is what an Engine works with.
type Config struct {
	Store     *store.Store
	Key       visit.Key
	Hosts     []Host            // the real hosts, all of them proven by Watch
	Exchanges map[string]string // see domains
	// Ours returns the names of the fakes of a domain, and whether it lies in one
	// of ours. It is called by several goroutines at once.
	Ours     func(domain string) (fakes []string, ours bool)
	Resolver Resolver
	After    time.Duration // After to MaxAfter
	Gap      time.Duration // the longest time between two proofs of a host
	Lists    Lists
	Now      func() time.Time

	Say      func(string)
	Complain func(error)
	Count    func(Reason) // each visit once it is judged
}

// An Engine decides who is listed.
type Engine struct {
	config  Config
	domains *domains
	checks  chan *visit.Visit
	foreign atomic.Bool // a visit came whose envelope can't be compared
	single  atomic.Bool // all visits of a day came from one place

	mu      sync.Mutex
	status  Status
	failure error // of the last round of verdicts

	rejudged time.Time // by the rounds of verdicts alone
	round    rounds
}

// New returns an engine that does nothing until Run, or Decide and Publish.
func New(c Config) *Engine {
	e := &Engine{
		config:  c,
		domains: &domains{hosts: c.Hosts, exchanges: c.Exchanges, ours: c.Ours, resolver: c.Resolver, now: c.Now, known: make(map[string]*mailHosts)},
		checks:  make(chan *visit.Visit, waitingChecks),
	}
	e.round = rounds{stored: c.Now(), said: make(map[string]bool)}
	return e
}

// Run works until ctx ends. Verdicts wait for DNS, which may be slow, and the
// lists must not wait with them.
func (e *Engine) Run(ctx context.Context) {
	var others sync.WaitGroup
	for range checkersAtOnce {
		others.Go(func() { e.check(ctx) })
	}
	others.Go(func() { repeat(ctx, func() { e.Decide(ctx) }) })
	repeat(ctx, e.Publish)
	others.Wait()
}

func repeat(ctx context.Context, f func()) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			f()
		}
	}
}

// Decide gives the verdicts that are due.
func (e *Engine) Decide(ctx context.Context) {
	now := e.config.Now()
	err := e.judgeDue(ctx, now)
	if err == nil {
		err = e.rejudge(now)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.failure = err
}

// Proof takes the result of a probe of a real host. Envelopes alone prove nothing:
// who is sent away before RCPT has none.
func (e *Engine) Proof(host string, at time.Time, p seen.Proof) {
	e.config.Store.Watch(host, at, p.Connections, p.Envelopes, e.config.Gap)
}

// Sighted takes a sighting at a real host or lowest sink.
func (e *Engine) Sighted(s seen.Sighting) {
	if s.Envelope {
		e.config.Store.Offered(e.config.Key.Pair(s.From, s.To), s.Time)
	}
}

// feeds collects what is proven of the real hosts.
func (e *Engine) feeds(l *store.Ledger) []Feed {
	feeds := make([]Feed, 0, len(e.config.Hosts))
	for _, h := range e.config.Hosts {
		feeds = append(feeds, Feed{l.Proven(store.Lines, h.Name), l.Proven(store.Envelopes, h.Name)})
	}
	return feeds
}

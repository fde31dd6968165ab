package harvest

import (
	"context"
	"fmt"
	"net/netip"
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
	// soonest is the shortest time between two writes, so that long lists that
	// change all the time leave time for other things, and writeEvery the longest,
	// since lists end that aren't written again.
	soonest    = 3 * time.Second
	writeEvery = 5 * time.Minute
	// rejudgeEvery is how often everything that is listed is looked at again, and
	// silence how long the feeds or the store may be dead before nobody is listed
	// any more: those who are could not be acquitted.
	rejudgeEvery = 10 * time.Minute
	silence      = time.Hour

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

// rounds is what one round of writing leaves for the next.
type rounds struct {
	stored  time.Time // when the store last worked
	wrote   time.Time // when the lists were last given the time
	changes uint64    // of the store, when they were
	failed  bool      // they could not be written
	warned  time.Time
	said    map[string]bool
}

// Status is how the harvest is.
type Status struct {
	Listed  int       `json:"listed"`
	Stopped string    `json:"stopped,omitempty"` // why nothing can be listed now
	Written time.Time `json:"written"`           // when the lists were last in order
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

// Publish says how things are, and writes the lists if they have changed.
func (e *Engine) Publish() {
	now := e.config.Now()
	if e.foreign.Swap(false) {
		e.config.Store.BreakEnvelopes()
		e.once("key", "visits of another sink have another key, so envelopes can't be compared and nothing is listed: give all sinks the same -key")
	}
	if e.single.Swap(false) {
		e.once("single", "all visits of two days came from one address or beside it, which is not listed: is there a proxy that hides the clients?")
	}
	e.mu.Lock()
	err := e.failure
	e.mu.Unlock()
	var feeds []Feed
	if err == nil {
		err = e.config.Store.View(func(l *store.Ledger) error {
			feeds = e.feeds(l)
			return nil
		})
	}
	if err == nil {
		e.round.stored = now
	}
	e.stand(now, feeds, err)
	e.write(now, feeds)
}

// feeds collects what is proven of the real hosts.
func (e *Engine) feeds(l *store.Ledger) []Feed {
	feeds := make([]Feed, 0, len(e.config.Hosts))
	for _, h := range e.config.Hosts {
		feeds = append(feeds, Feed{l.Proven(store.Lines, h.Name), l.Proven(store.Envelopes, h.Name)})
	}
	return feeds
}

// stand finds out what keeps the harvest from listing, and says so once.
func (e *Engine) stand(now time.Time, feeds []Feed, failure error) {
	stopped := ""
	if failure != nil {
		stopped = "store"
		e.complainOnce(stopped, fmt.Errorf("nothing is listed for now: the store can't be written: %w", failure))
	} else {
		delete(e.round.said, "store")
		// Whoever would have come a while ago, with no time to wait for.
		if why := Proven(feeds, now.Add(-e.config.Gap), now, 0, e.config.Gap); why != "" && why != Waiting {
			stopped = string(why)
			e.once(stopped, "nothing can be listed for now: "+why.Text())
		}
	}
	for reason := range e.round.said {
		if reason != stopped && Reason(reason).known() {
			delete(e.round.said, reason)
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.status.Stopped = stopped
}

// known reports whether it is one of those with a text.
func (r Reason) known() bool {
	_, ok := texts[r]
	return ok
}

// write writes the lists if something may have changed. Nobody is on them while
// nobody could be acquitted.
func (e *Engine) write(now time.Time, feeds []Feed) {
	changes := e.config.Store.Changes()
	due := writeEvery
	if changes != e.round.changes || e.round.failed {
		due = soonest
	}
	if now.Sub(e.round.wrote) < due {
		return
	}
	entries, err := e.active(now)
	if err != nil && now.Sub(e.round.stored) < silence {
		return // said already; the lists are left as they are
	}
	if now.Sub(e.round.stored) >= silence || feeds != nil && now.Sub(lastProof(feeds)) >= silence {
		e.once("silence", "for an hour no feed was proven or nothing could be stored: the lists are empty until that works again, since nobody could get off them")
		entries = nil
	} else {
		delete(e.round.said, "silence")
	}
	e.round.changes, e.round.wrote = changes, now
	written, err := e.config.Lists.Write(now, entries)
	e.round.failed = err != nil
	if err != nil {
		e.complainOnce("lists", fmt.Errorf("the lists are not written: %w", err))
		return
	}
	delete(e.round.said, "lists")
	e.warn(now, written.Warnings)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.status.Listed, e.status.Written = written.Entries, now
}

// warn says once a day what the lists have become too large for.
func (e *Engine) warn(now time.Time, warnings []string) {
	if len(warnings) == 0 || now.Sub(e.round.warned) < 24*time.Hour {
		return
	}
	e.round.warned = now
	for _, warning := range warnings {
		e.config.Say(warning)
	}
}

// active returns the addresses that are listed.
func (e *Engine) active(now time.Time) ([]dnsl.Entry, error) {
	var entries []dnsl.Entry
	err := e.config.Store.View(func(l *store.Ledger) error {
		l.Active(now, func(client netip.Addr, listed, until time.Time) {
			entries = append(entries, dnsl.Entry{Addr: client, Listed: listed, Until: until})
		})
		return nil
	})
	return entries, err
}

// Status returns how the harvest is.
func (e *Engine) Status() Status {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.status
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

// once says something that is so for a while.
func (e *Engine) once(what, text string) {
	if !e.round.said[what] {
		e.round.said[what] = true
		e.config.Say(text)
	}
}

func (e *Engine) complainOnce(what string, err error) {
	if !e.round.said[what] {
		e.round.said[what] = true
		e.config.Complain(err)
	}
}

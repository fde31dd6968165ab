package watch

import (
	"context"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// DefaultInterval is the time from the start of one look at an address to that
	// of the next, and the others are the limits of what a subscription may ask for.
	DefaultInterval  = 30 * time.Second
	ShortestInterval = 10 * time.Second
	LongestInterval  = time.Hour

	// socketsInAll is how many sockets are open at a time, those for control hosts
	// included.
	socketsInAll = 200
	// patience is for how long a subscription that is not ready says so.
	patience = 15 * time.Second
)

// A Logger takes lines for the operator.
type Logger interface {
	Infof(format string, args ...any)
	Warningf(format string, args ...any)
}

// A Watcher watches addresses for everything in the process. Its methods may be
// called at the same time.
type Watcher struct {
	dial Dial
	log  Logger

	vantage vantage
	sockets semaphore
	lines   quota
	// running is the number of probers.
	running     atomic.Int64
	probes      [outcomes]atomic.Uint64
	withdrawals atomic.Uint64

	mu      sync.Mutex
	targets map[netip.Addr]*target
	// unjudged is the number of addresses that were not looked at yet.
	unjudged int
	// rounds are the intervals of the started subscriptions, with their number;
	// while there is one the vantage runs.
	rounds map[time.Duration]int
	cancel context.CancelFunc
	ended  chan struct{}
	// own are the addresses of this host, read at ownAt.
	own   map[netip.Addr]bool
	ownAt time.Time

	changing sync.Mutex
	changed  chan struct{}
}

// New makes a watcher that connects with dial.
func New(dial Dial, log Logger) *Watcher {
	w := &Watcher{
		dial: dial, log: log,
		sockets: make(semaphore, socketsInAll-controlsAtOnce),
		targets: make(map[netip.Addr]*target),
		rounds:  make(map[time.Duration]int),
		changed: make(chan struct{}),
	}
	w.vantage.watcher = w
	w.vantage.controls = make(map[netip.Addr]int)
	w.vantage.kick = make(chan struct{}, 1)
	w.vantage.next = make(chan struct{})
	return w
}

// Request is what one stanza wants watched.
type Request struct {
	// Interval is from ShortestInterval to LongestInterval.
	Interval time.Duration
	// Sinks are the addresses of its lowest fakes, and Controls those of hosts
	// that accept on port 25. Neither may be empty.
	Sinks, Controls []netip.Addr
}

// A Subscription keeps addresses watched, from its start until it is closed or
// forgotten. What is known of an address outlives it while another one has the
// address, started or not: so nothing is forgotten at a reload, where the old
// configuration ends after the new one was made.
type Subscription struct {
	claim   *claim
	cleanup runtime.Cleanup
}

// claim is what a subscription has of the watcher. It must not know the
// subscription, which could then never be forgotten.
type claim struct {
	watcher  *Watcher
	interval time.Duration
	targets  []*target
	controls []netip.Addr
	// since is when it started.
	since           atomic.Pointer[time.Time]
	started, closed bool
}

// Prepare makes a subscription that is not started. Nothing is probed for it.
func (w *Watcher) Prepare(r Request) *Subscription {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := &claim{watcher: w, interval: r.Interval, controls: distinct(r.Controls)}
	for _, addr := range distinct(r.Sinks) {
		t := w.targets[addr]
		if t == nil {
			t = &target{watcher: w, addr: addr, intervals: make(map[time.Duration]int)}
			w.targets[addr] = t
		}
		t.claims++
		c.targets = append(c.targets, t)
	}
	s := &Subscription{claim: c}
	s.cleanup = runtime.AddCleanup(s, (*claim).close, c)
	return s
}

func distinct(addrs []netip.Addr) []netip.Addr {
	addrs = slices.Clone(addrs)
	slices.SortFunc(addrs, netip.Addr.Compare)
	return slices.Compact(addrs)
}

// Start begins to watch. Later calls, and one after Close, do nothing.
func (s *Subscription) Start() { s.claim.start() }

// Close ends what Start began, and returns when nothing of it is left.
func (s *Subscription) Close() {
	s.cleanup.Stop()
	s.claim.close()
}

// Ready reports whether all addresses were looked at, or the subscription was
// started 15 seconds ago.
func (s *Subscription) Ready() bool {
	since := s.claim.since.Load()
	if since == nil {
		return false
	}
	return time.Since(*since) >= patience ||
		!slices.ContainsFunc(s.claim.targets, func(t *target) bool { return !t.judged.Load() })
}

// Guard makes a guard for a fake of the subscription with the addresses given,
// which are among its sinks.
func (s *Subscription) Guard(addrs []netip.Addr) *Guard {
	g := new(Guard)
	for _, t := range s.claim.targets {
		if slices.Contains(addrs, t.addr) {
			g.targets = append(g.targets, t)
		}
	}
	return g
}

// A Guard says whether one fake may join the MX set.
type Guard struct{ targets []*target }

// Joins reports whether each address of the fake refuses. One that this host
// cannot reach, and never could, is left out if another one refuses. It takes no
// lock.
func (g *Guard) Joins() bool {
	refuses := false
	for _, t := range g.targets {
		switch State(t.state.Load()) {
		case Good:
			refuses = true
		case Bad:
			return false
		default:
			if !t.unroutable.Load() {
				return false
			}
		}
	}
	return refuses
}

// Changes returns a channel that is closed when a guard may say something else
// than before the call.
func (w *Watcher) Changes() <-chan struct{} {
	w.changing.Lock()
	defer w.changing.Unlock()
	return w.changed
}

func (w *Watcher) change() {
	w.changing.Lock()
	defer w.changing.Unlock()
	close(w.changed)
	w.changed = make(chan struct{})
}

func (c *claim) start() {
	w := c.watcher
	w.mu.Lock()
	defer w.mu.Unlock()
	if c.started || c.closed {
		return
	}
	c.started = true
	now := time.Now()
	c.since.Store(&now)
	if now.Sub(w.ownAt) > time.Second {
		w.own, w.ownAt = ownAddresses(), now
	}
	w.control(c, 1)
	for _, t := range c.targets {
		if t.started == 0 {
			t.start(w.own[t.addr])
		}
		t.started++
		t.ask(c.interval, 1)
	}
}

func (c *claim) close() {
	var ended []<-chan struct{}
	w := c.watcher
	w.mu.Lock()
	if !c.closed {
		c.closed = true
		for _, t := range c.targets {
			if c.started {
				t.ask(c.interval, -1)
				if t.started--; t.started == 0 {
					ended = append(ended, t.stop())
				}
			}
			if t.claims--; t.claims == 0 {
				delete(w.targets, t.addr)
			}
		}
		if c.started {
			if last := w.control(c, -1); last != nil {
				ended = append(ended, last)
			}
		}
	}
	w.mu.Unlock()
	for _, e := range ended {
		<-e
	}
}

// control adds or takes away the control hosts and the interval of a
// subscription. The vantage runs while it has any; at its end, a channel is
// returned that is closed when it is over.
func (w *Watcher) control(c *claim, n int) (ended <-chan struct{}) {
	v := &w.vantage
	v.mu.Lock()
	for _, host := range c.controls {
		count(v.controls, host, n)
	}
	v.mu.Unlock()
	before := len(w.rounds)
	count(w.rounds, c.interval, n)
	if len(w.rounds) == 0 {
		w.cancel()
		return w.ended
	}
	v.interval.Store(int64(shortest(w.rounds)))
	if before == 0 {
		var ctx context.Context
		ctx, w.cancel = context.WithCancel(context.Background())
		previous := w.ended
		w.ended = make(chan struct{})
		go v.run(ctx, previous, w.ended)
	}
	return nil
}

// ask notes that a subscription with this interval started, or ended.
func (t *target) ask(interval time.Duration, n int) {
	count(t.intervals, interval, n)
	if len(t.intervals) > 0 {
		t.interval.Store(int64(shortest(t.intervals)))
	}
}

func (t *target) start(own bool) {
	w := t.watcher
	w.running.Add(1)
	if !t.judged.Load() && !t.pending {
		t.pending = true
		w.unjudged++
		if own {
			w.warn("watch: %s is an address of this host: looking at it from here proves nothing about a firewall in front of it", t.addr)
		}
	}
	var ctx context.Context
	ctx, t.cancel = context.WithCancel(context.Background())
	previous := t.ended
	t.ended = make(chan struct{})
	go t.run(ctx, previous, t.ended)
}

func (t *target) stop() <-chan struct{} {
	t.cancel()
	t.watcher.running.Add(-1)
	t.watcher.unpend(t)
	return t.ended
}

func count[K comparable](m map[K]int, key K, n int) {
	if m[key] += n; m[key] == 0 {
		delete(m, key)
	}
}

func shortest(intervals map[time.Duration]int) time.Duration {
	least := LongestInterval
	for d := range intervals {
		least = min(least, d)
	}
	return least
}

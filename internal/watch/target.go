package watch

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"sync/atomic"
	"time"
)

const (
	// doubtInterval is how long after a first doubtful outcome the next look
	// begins.
	doubtInterval = 10 * time.Second
	// jitter is the largest part of an interval that a look comes early: a large
	// number of probers spreads in time, and none is ever late.
	jitter = 0.1
	// unstretched is the number of addresses from which on the interval grows with
	// it.
	unstretched = 1000
	// firstSpread is within what the first looks begin, a millisecond for each
	// address at most.
	firstSpread = 10 * time.Second
	// staleAfter is when what was known of an address is worth nothing any more
	// because nobody looked.
	staleAfter = time.Minute
)

// target is one address that is watched.
type target struct {
	watcher *Watcher
	addr    netip.Addr

	// What guards read. judged is set once the first look was taken into account.
	state      atomic.Uint32
	unroutable atomic.Bool
	judged     atomic.Bool
	// interval is the shortest that anyone asked for, before it is stretched.
	interval atomic.Int64

	// What the watcher's mutex guards. claims is the number of subscriptions with
	// the address, and intervals those of the started ones, with their number.
	claims    int
	started   int
	intervals map[time.Duration]int
	cancel    context.CancelFunc
	ended     chan struct{}
	// pending says that the address counts as one that was not looked at yet.
	pending bool

	// What the prober alone uses.
	history history
	// failures is the vantage's count of failed rounds when it was last asked.
	failures uint64
	// due is when the next look begins, and left when the prober last ended.
	due, left time.Time
	// told says that a missing route was logged.
	told bool
}

// run looks at the address until ctx ends. The prober before it has ended first.
func (t *target) run(ctx context.Context, before <-chan struct{}, ended chan<- struct{}) {
	defer close(ended)
	if before != nil {
		<-before
	}
	t.begin()
	defer func() { t.left = time.Now() }()
	for sleep(ctx, time.Until(t.due)) {
		if !t.watcher.sockets.take(ctx) {
			return
		}
		start := time.Now()
		if t.history.doubts > 0 {
			t.watcher.vantage.want(start)
		}
		o := t.watcher.dial.look(ctx, t.addr)
		t.watcher.sockets.give()
		if ctx.Err() != nil || !t.judge(ctx, o, start) {
			return
		}
		t.due = start.Add(t.wait())
	}
}

// begin forgets what is too old to count.
func (t *target) begin() {
	if !t.left.IsZero() && time.Since(t.left) > staleAfter {
		t.history = history{}
		t.publish()
		t.due = time.Time{}
	}
	if t.due.IsZero() {
		spread := min(firstSpread, time.Duration(t.watcher.running.Load())*time.Millisecond)
		t.due = time.Now().Add(chance(spread))
	}
}

// judge takes an outcome into account, unless ctx ends before that is possible.
func (t *target) judge(ctx context.Context, o Outcome, start time.Time) bool {
	v := &t.watcher.vantage
	// A round of the vantage that failed in between ends what came in a row.
	if failures := v.failures.Load(); failures != t.failures {
		t.failures = failures
		t.history.interrupt()
	}
	if (o == Refused || o == TimedOut) && !t.seen(ctx, o, start) {
		if ctx.Err() != nil {
			return false
		}
		t.history.interrupt()
	} else {
		t.history.see(o, time.Now())
	}
	t.watcher.probes[o].Add(1)
	t.route(o)
	t.publish()
	if !t.judged.Swap(true) {
		t.watcher.firstLook(t)
	}
	return true
}

// seen reports whether the vantage vouches for an outcome. What would change the
// state, or begin to, needs a control host that accepted since the look began,
// or just before it where it is a refusal; for the rest the last round does.
func (t *target) seen(ctx context.Context, o Outcome, start time.Time) bool {
	then := t.history
	then.see(o, time.Now())
	if then.state == t.history.state && (o == Refused || t.history.state == Bad) {
		return t.watcher.vantage.sees()
	}
	if o == Refused {
		start = start.Add(-roundSpacing)
	}
	return t.watcher.vantage.confirm(ctx, start)
}

// route notes whether the address can be reached from here at all.
func (t *target) route(o Outcome) {
	lost := o == NoRoute
	if t.unroutable.Swap(lost) != lost {
		t.watcher.change()
	}
	if lost && !t.told {
		t.told = true
		t.watcher.warn("watch: this host has no route to %s: it is left out while another address of the same fake refuses", t.addr)
	}
}

// publish makes the state known if it has changed.
func (t *target) publish() {
	now := t.history.state
	before := State(t.state.Swap(uint32(now)))
	if before == now {
		return
	}
	switch {
	case now == Bad && before == Good:
		t.watcher.withdrawals.Add(1)
		t.watcher.warn("watch: port 25 of %s %s: fakes that point to it are withdrawn until it has refused for %s",
			t.addr, t.history.fault, t.history.hold)
	case now == Bad:
		t.watcher.warn("watch: port 25 of %s %s: fakes that point to it are withheld until it has refused for %s",
			t.addr, t.history.fault, t.history.hold)
	case now == Good && before == Bad:
		t.watcher.info("watch: port 25 of %s refuses again: fakes that point to it are back", t.addr)
	}
	t.watcher.change()
}

// wait is the time from the start of the last look to that of the next one.
func (t *target) wait() time.Duration {
	every := time.Duration(t.interval.Load())
	if n := t.watcher.running.Load(); n > unstretched {
		every = every / unstretched * time.Duration(n)
	}
	switch {
	case t.history.doubts > 0 && t.history.state != Bad:
		return min(doubtInterval, every)
	case !t.history.refusing.IsZero():
		// A sink that comes and goes in step with the interval would look good
		// for ever. So one that is to be good again is looked at once more in
		// between, at any moment.
		return every/4 + chance(every/2)
	default:
		return early(every)
	}
}

// early is a little less than an interval.
func early(every time.Duration) time.Duration {
	return every - chance(time.Duration(jitter*float64(every)))
}

// chance is a time from nothing to d.
func chance(d time.Duration) time.Duration {
	return rand.N(d + 1) //nolint:gosec // nothing depends on its being unknown
}

// semaphore bounds the number of sockets.
type semaphore chan struct{}

func (s semaphore) take(ctx context.Context) bool {
	select {
	case s <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s semaphore) give() { <-s }

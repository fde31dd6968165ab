package watch

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// controlsAtOnce is how many control hosts are tried in a round.
	controlsAtOnce = 8
	// roundSpacing is the shortest time from the start of one round to the next:
	// the control hosts are mail servers at work.
	roundSpacing = 5 * time.Second
)

// vantage knows whether this host can see port 25 of others: it calls control
// hosts, which accept.
type vantage struct {
	watcher *Watcher
	// failures counts the rounds in which no control host accepted.
	failures atomic.Uint64
	interval atomic.Int64
	// kick wakes run for a round before its time.
	kick chan struct{}

	mu sync.Mutex
	// controls are the hosts, each with the number of subscriptions that name it.
	controls map[netip.Addr]int
	// accepted is the one that accepted last, and tried how many of the others
	// had their turn.
	accepted netip.Addr
	tried    int
	// wanted is the latest time at or after which somebody wants a round to begin.
	wanted time.Time
	// began is when the last round with a result began, and saw its result. next
	// is closed at the next result.
	began   time.Time
	decided bool
	saw     bool
	next    chan struct{}
}

// sees reports whether a control host accepted in the last round.
func (v *vantage) sees() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.saw
}

// blind reports whether none did.
func (v *vantage) blind() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.decided && !v.saw
}

// want asks for a round that begins at since or later.
func (v *vantage) want(since time.Time) {
	v.mu.Lock()
	if since.After(v.wanted) {
		v.wanted = since
	}
	v.mu.Unlock()
	select {
	case v.kick <- struct{}{}:
	default:
	}
}

// confirm reports whether a control host accepted in a round that began at since
// or later. It waits for that round, except while the prober is blind: sight
// comes back with the regular rounds.
func (v *vantage) confirm(ctx context.Context, since time.Time) bool {
	for {
		v.mu.Lock()
		decided, saw, enough, next := v.decided, v.saw, !v.began.Before(since), v.next
		v.mu.Unlock()
		if decided && (!saw || enough) {
			return saw
		}
		v.want(since)
		select {
		case <-next:
		case <-ctx.Done():
			return false
		}
	}
}

// run has a round every interval, and others that are wanted, until ctx ends.
// The run before it has ended first.
func (v *vantage) run(ctx context.Context, before <-chan struct{}, ended chan<- struct{}) {
	defer close(ended)
	if before != nil {
		<-before
	}
	v.forget()
	for {
		began := time.Now()
		v.round(ctx, began)
		if !v.rest(ctx, began) {
			return
		}
	}
}

// forget drops a result that is too old to count.
func (v *vantage) forget() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if time.Since(v.began) > staleAfter {
		v.decided, v.saw = false, false
	}
}

// rest waits for the time of the round after the one that began then.
func (v *vantage) rest(ctx context.Context, began time.Time) bool {
	at := began.Add(early(time.Duration(v.interval.Load())))
	for {
		timer := time.NewTimer(time.Until(at))
		select {
		case <-timer.C:
			return ctx.Err() == nil
		case <-v.kick:
			timer.Stop()
			v.mu.Lock()
			if soon := began.Add(roundSpacing); v.wanted.After(began) && soon.Before(at) {
				at = soon
			}
			v.mu.Unlock()
		case <-ctx.Done():
			timer.Stop()
			return false
		}
	}
}

// round calls control hosts, all at the same time, and ends when each is done.
// The result is known with the first that accepts.
func (v *vantage) round(ctx context.Context, began time.Time) {
	hosts := v.turn()
	var calls sync.WaitGroup
	var mu sync.Mutex
	var saw bool
	var reason error
	for _, host := range hosts {
		calls.Go(func() {
			err := v.watcher.dial.greeting(ctx, host)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				reason = err
			} else if !saw {
				saw = true
				v.result(began, true, host, nil)
			}
		})
	}
	calls.Wait()
	if !saw && ctx.Err() == nil {
		v.result(began, false, netip.Addr{}, reason)
	}
}

// turn returns the hosts of the next round: the one that accepted last, and
// others in turn.
func (v *vantage) turn() []netip.Addr {
	v.mu.Lock()
	defer v.mu.Unlock()
	hosts := make([]netip.Addr, 0, len(v.controls))
	for host := range v.controls {
		if host != v.accepted {
			hosts = append(hosts, host)
		}
	}
	slices.SortFunc(hosts, netip.Addr.Compare)
	if len(hosts) > 0 {
		at := v.tried % len(hosts)
		hosts = slices.Concat(hosts[at:], hosts[:at])
	}
	if v.controls[v.accepted] > 0 {
		hosts = slices.Insert(hosts, 0, v.accepted)
	}
	hosts = hosts[:min(len(hosts), controlsAtOnce)]
	v.tried += len(hosts)
	return hosts
}

// result makes the result of a round known.
func (v *vantage) result(began time.Time, saw bool, host netip.Addr, reason error) {
	v.mu.Lock()
	before, known := v.saw, v.decided
	v.began, v.decided, v.saw = began, true, saw
	hosts := len(v.controls)
	if saw {
		v.accepted = host
	} else {
		v.failures.Add(1)
	}
	close(v.next)
	v.next = make(chan struct{})
	v.mu.Unlock()

	switch {
	case known && before == saw:
	case !saw:
		v.watcher.warn("watch: blind: no control host of %d accepts on port 25 (%v), so this host may not be allowed to call it; "+
			"watched fakes stay as they are, and those whose sinks were not seen refusing stay out", hosts, reason)
	case known:
		v.watcher.info("watch: control host %s accepts on port 25: sinks are seen again", host)
	}
}

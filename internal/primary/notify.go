package primary

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fakemx/fakemx/internal/tell"
)

const (
	// notifySoon is for how long changes of a zone are collected before NOTIFY is
	// sent.
	notifySoon = 500 * time.Millisecond
	// notifiers is how many zones are told of at a time: a secondary that is down
	// holds each up for seconds.
	notifiers = 16
	// again is how long after a failure NOTIFY is sent once more, and tries how often
	// it is sent in all (RFC 1996 section 3.6).
	again = time.Minute
	tries = 5
	// complaints is how often a failure is logged at most.
	complaints = time.Minute
)

// notices are the zones whose secondaries are to be told, each once.
type notices struct {
	mu *sync.Mutex
	// zones have changed, and late ones wait for another try: they come after.
	zones, late map[string]bool
	// missed are those of which NOTIFY has failed since the last change, with how often.
	missed map[string]int
	// ended says that no more are sent.
	ended bool
	more  chan struct{}
}

func newNotices() notices {
	return notices{
		mu: new(sync.Mutex), zones: make(map[string]bool), late: make(map[string]bool),
		missed: make(map[string]int), more: make(chan struct{}, 1),
	}
}

func (n *notices) add(zone string) {
	n.mu.Lock()
	n.zones[zone] = true
	delete(n.late, zone)
	delete(n.missed, zone)
	n.mu.Unlock()
	select {
	case n.more <- struct{}{}:
	default:
	}
}

// take returns one of them, "" if there is none.
func (n *notices) take() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ended {
		return ""
	}
	for _, zones := range []map[string]bool{n.zones, n.late} {
		for zone := range zones {
			delete(zones, zone)
			return zone
		}
	}
	return ""
}

// sent takes note of whether the secondaries of a zone were told. It stays among
// those to be told of once more as long as it was not tried often enough.
func (n *notices) sent(zone string, accepted bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.zones[zone]: // it has changed meanwhile
	case accepted || n.missed[zone]+1 >= tries:
		delete(n.missed, zone)
		delete(n.late, zone)
	default:
		n.missed[zone]++
	}
}

// retry has those told of once more of which NOTIFY has failed. It reports whether
// there are any.
func (n *notices) retry() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	for zone := range n.missed {
		n.late[zone] = true
	}
	return len(n.late) > 0
}

// end returns the zones that were not told of, and has no more told of.
func (n *notices) end() (left []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ended = true
	for zone := range n.zones {
		left = append(left, zone)
	}
	for zone := range n.missed {
		if !n.zones[zone] {
			left = append(left, zone)
		}
	}
	return left
}

// tell sends NOTIFY for the zones that have changed, and once more where that
// failed: a secondary that restarts, or is busy, would learn of the change only at
// its next refresh. A zone waits for a place, and those that change meanwhile count
// once; none waits for a secondary of another zone that is down while there are
// places.
func (p *Primary) tell(ctx context.Context) {
	var complained atomic.Int64
	places := make(chan struct{}, notifiers)
	failures := time.NewTicker(again)
	defer failures.Stop()
	for {
		select {
		case <-p.notices.more:
		case <-failures.C:
			if !p.notices.retry() {
				continue
			}
		case <-ctx.Done():
			return
		}
		timer := time.NewTimer(notifySoon)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
		for p.tellNext(ctx, places, &complained) {
		}
	}
}

// tellNext sends NOTIFY for one zone as soon as there is a place. It reports
// whether there was one.
func (p *Primary) tellNext(ctx context.Context, places chan struct{}, complained *atomic.Int64) bool {
	select {
	case places <- struct{}{}:
	case <-ctx.Done():
		return false
	}
	zone := p.notices.take()
	if zone == "" { // as it is after the end, though both of the above were ready
		<-places
		return false
	}
	go func() {
		p.notify(zone, complained)
		<-places
	}()
	return true
}

func (p *Primary) notify(zone string, complained *atomic.Int64) {
	err := p.Notify(zone)
	tell.Notified(err)
	p.notices.sent(zone, err == nil)
	if err == nil {
		return
	}
	now := time.Now().UnixNano()
	if last := complained.Load(); now-last >= int64(complaints) && complained.CompareAndSwap(last, now) {
		p.Log.Warningf("serial: %v; others may have failed too", err)
	}
}

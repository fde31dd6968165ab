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
	// complaints is how often a failure is logged at most.
	complaints = time.Minute
)

// notices are the zones whose secondaries are to be told, each once.
type notices struct {
	mu    *sync.Mutex
	zones map[string]bool
	more  chan struct{}
}

func newNotices() notices {
	return notices{mu: new(sync.Mutex), zones: make(map[string]bool), more: make(chan struct{}, 1)}
}

func (n *notices) add(zone string) {
	n.mu.Lock()
	n.zones[zone] = true
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
	for zone := range n.zones {
		delete(n.zones, zone)
		return zone
	}
	return ""
}

// tell sends NOTIFY for the zones that have changed. A zone waits for a place, and
// those that change meanwhile count once; none waits for a secondary of another
// zone that is down while there are places.
func (p *Primary) tell(ctx context.Context) {
	var complained atomic.Int64
	places := make(chan struct{}, notifiers)
	for {
		select {
		case <-p.notices.more:
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
	if zone == "" || ctx.Err() != nil { // both of the above may have been ready
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
	if err == nil {
		return
	}
	now := time.Now().UnixNano()
	if last := complained.Load(); now-last >= int64(complaints) && complained.CompareAndSwap(last, now) {
		p.Log.Warningf("serial: %v; others may have failed too", err)
	}
}

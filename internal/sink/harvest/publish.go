package harvest

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/fakemx/fakemx/internal/sink/dnsl"
	"github.com/fakemx/fakemx/internal/sink/store"
)

const (
	// soonest is the shortest time between two writes, so that long lists that
	// change all the time leave time for other things, and writeEvery the longest,
	// since lists end that aren't written again.
	soonest    = 3 * time.Second
	writeEvery = 5 * time.Minute
	// silence is how long the feeds or the store may be dead before nobody is listed
	// any more: those who are could not be acquitted.
	silence = time.Hour
)

// Status is how the harvest is.
type Status struct {
	Listed  int       `json:"listed"`
	Stopped string    `json:"stopped,omitempty"` // why nothing can be listed now
	Written time.Time `json:"written"`           // when the lists were last in order
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

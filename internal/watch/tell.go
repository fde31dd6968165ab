package watch

import (
	"net/netip"
	"slices"
	"sync"
	"time"
)

// linesAMinute is how many lines are logged in a minute: a thousand sinks may
// change at the same time. What is left out is counted in the next line.
const linesAMinute = 100

// quota counts lines.
type quota struct {
	mu           sync.Mutex
	minute       time.Time
	said, unsaid int
}

// take reports whether another line may be logged now, and how many were not.
func (q *quota) take(now time.Time) (ok bool, unsaid int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if now.Sub(q.minute) >= time.Minute {
		q.minute, q.said = now, 0
	}
	if q.said >= linesAMinute {
		q.unsaid++
		return false, 0
	}
	q.said++
	unsaid, q.unsaid = q.unsaid, 0
	return true, unsaid
}

func (w *Watcher) info(format string, args ...any) { w.tell(w.log.Infof, format, args) }
func (w *Watcher) warn(format string, args ...any) { w.tell(w.log.Warningf, format, args) }

func (w *Watcher) tell(logf func(string, ...any), format string, args []any) {
	ok, unsaid := w.lines.take(time.Now())
	if unsaid > 0 {
		w.log.Warningf("watch: %d lines were left out before this one", unsaid)
	}
	if ok {
		logf(format, args...)
	}
}

// detailed is up to how many addresses a snapshot names each.
const detailed = 1000

// A Snapshot is what a watcher can be measured by.
type Snapshot struct {
	// Addresses are those that are watched, in their order. There are none where
	// more than 1,000 are.
	Addresses []AddressState
	// States are the numbers of addresses by state, Withheld first.
	States [states]int
	// Probes are the numbers of looks by outcome, Refused first.
	Probes [outcomes]uint64
	// Withdrawals is how often a good address became bad.
	Withdrawals uint64
	// Blind says that no control host accepted in the last round.
	Blind bool
}

// Watching reports whether anything is, or was, looked at.
func (s *Snapshot) Watching() bool {
	for _, n := range s.States {
		if n > 0 {
			return true
		}
	}
	for _, n := range s.Probes {
		if n > 0 {
			return true
		}
	}
	return false
}

// AddressState is one address and what is known of it.
type AddressState struct {
	Address netip.Addr
	State   State
}

// Snapshot returns the figures of this moment.
func (w *Watcher) Snapshot() Snapshot {
	s := Snapshot{Withdrawals: w.withdrawals.Load()}
	for o := range w.probes {
		s.Probes[o] = w.probes[o].Load()
	}
	w.mu.Lock()
	s.Blind = len(w.rounds) > 0 && w.vantage.blind()
	for addr, t := range w.targets {
		if t.started == 0 {
			continue
		}
		state := State(t.state.Load())
		s.States[state]++
		if w.running.Load() <= detailed {
			s.Addresses = append(s.Addresses, AddressState{addr, state})
		}
	}
	w.mu.Unlock()
	slices.SortFunc(s.Addresses, func(a, b AddressState) int { return a.Address.Compare(b.Address) })
	return s
}

// firstLook notes that an address was looked at for the first time.
func (w *Watcher) firstLook(t *target) {
	w.mu.Lock()
	over := t.pending && w.unjudged == 1
	w.unpend(t)
	w.mu.Unlock()
	if over {
		s := w.Snapshot()
		w.info("watch: first round: %d of %d sink addresses refuse on port 25", s.States[Good], w.running.Load())
	}
}

func (w *Watcher) unpend(t *target) {
	if t.pending {
		t.pending = false
		w.unjudged--
	}
}

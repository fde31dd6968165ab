package watch

import "time"

// State is what is known of an address.
type State uint8

const (
	// Withheld is an address that was not seen refusing since the start.
	Withheld State = iota
	// Good is one that refuses.
	Good
	// Bad is one that accepts, or does not answer.
	Bad
	states
)

// String names the state as the metrics do.
func (s State) String() string { return [...]string{"withheld", "good", "bad"}[s] }

const (
	// firstHold is for how long a bad address has to refuse before it is good
	// again, and longestHold what that grows to with relapses. An address without
	// a relapse for forgivenAfter begins with firstHold again.
	firstHold     = 10 * time.Minute
	longestHold   = 24 * time.Hour
	forgivenAfter = 24 * time.Hour
	// doubtsToFail is how many doubtful outcomes in a row make an address bad: a
	// single lost packet must not.
	doubtsToFail = 2
)

// history is the state of one address and what led to it. It knows no clock and
// no network.
type history struct {
	state State
	// fault is what is wrong with a bad address.
	fault string
	// doubts is the number of doubtful outcomes in a row.
	doubts int
	// refusing is when the refusals in a row began that a bad address needs, zero
	// if the last outcome was none.
	refusing time.Time
	// hold is for how long they have to last.
	hold time.Duration
	// returned is when the address was last good again after it was bad.
	returned time.Time
}

// see takes an outcome into account that came at now.
func (h *history) see(o Outcome, now time.Time) {
	switch o {
	case Refused:
		h.doubts = 0
		h.refused(now)
	case Accepted:
		h.fail(o, now)
	case TimedOut, Wavered:
		h.refusing = time.Time{}
		if h.doubts++; h.doubts >= doubtsToFail {
			h.fail(o, now)
		}
	default:
		h.interrupt()
	}
}

// interrupt ends what has to come in a row. The state stays.
func (h *history) interrupt() { h.doubts, h.refusing = 0, time.Time{} }

func (h *history) refused(now time.Time) {
	switch {
	case h.state == Withheld:
		h.state = Good
	case h.state == Good:
	case h.refusing.IsZero():
		h.refusing = now
	case now.Sub(h.refusing) >= h.hold:
		h.state, h.returned = Good, now
	}
}

func (h *history) fail(o Outcome, now time.Time) {
	h.interrupt()
	if h.state == Bad {
		return
	}
	h.state, h.fault = Bad, "accepts connections"
	if o == TimedOut {
		h.fault = "does not answer"
	}
	if h.returned.IsZero() || now.Sub(h.returned) >= forgivenAfter {
		h.hold = firstHold
		return
	}
	h.hold = min(2*h.hold, longestHold)
}

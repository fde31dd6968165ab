// Package harvest decides which visitors of highest sinks are bots: those that
// came there and to no real host, where everything that could excuse them is
// known and none of it does. To list an honest host is worse than to miss a
// thousand bots, so whatever is not known speaks for the client.
//
// The verdict is a pure function (Judge) over Facts. The Engine collects them
// from the store and DNS, lists, acquits, and has the lists written.
package harvest

import (
	"net/netip"
	"time"

	"github.com/fakemx/fakemx/internal/sink/store"
)

const (
	// Before is how long before a visit nobody near the client may have been seen.
	Before = 7 * 24 * time.Hour
	// queueAfter is the shortest time after which a queue sends again: bots that
	// try twice do so within seconds.
	queueAfter = 4 * time.Minute
)

// Facts are what is known of a visit when it is judged.
type Facts struct {
	Client netip.Addr
	Time   time.Time
	// What keeps the feeds, or the mail hosts of the domains, from being known: a
	// Reason of the last group, Waiting, or nothing.
	Feed, Hosts Reason

	Acquitted *store.Acquittal // the last one of the client, nil without
	Allowed   bool
	OwnHost   bool
	Met       bool // anybody near it was seen
	// What the envelopes of this visit and of the client's others show: Queue,
	// Offered or nothing.
	Envelopes, OtherEnvelopes Reason
	Checks                    *store.Checks // nil: not made
	Several                   bool          // there are visits from elsewhere too
}

// Judge decides. What excuses the client comes first: it holds whatever else is
// not known.
func Judge(f Facts) Reason {
	switch {
	case special(f.Client):
		return Special
	case f.OwnHost:
		return OwnHost
	case f.Allowed:
		return Allowed
	case f.Acquitted != nil && acquits(f.Acquitted, f.Time):
		return Acquitted
	case f.Met:
		return Seen
	case f.Envelopes != "":
		return f.Envelopes
	case f.OtherEnvelopes != "":
		return Cleared
	case spf(f.Checks) == SPFPass:
		return SPFPass
	case f.Feed != "":
		return f.Feed
	case f.Checks == nil:
		return SPFUnknown
	case f.Checks.Hosts != "":
		return Reason(f.Checks.Hosts)
	case f.Hosts != "":
		return f.Hosts
	case spf(f.Checks) != "":
		return spf(f.Checks)
	case !f.Several:
		return OneAddress
	default:
		return Bot
	}
}

// acquits reports whether an acquittal is valid for a visit: for those before
// it, and where it showed a mail server for those of a week after it.
func acquits(a *store.Acquittal, visit time.Time) bool {
	until := a.At
	if Reason(a.Why).clears() {
		until = until.Add(Before)
	}
	return !visit.After(until)
}

// spf is what the results say together: a pass anywhere excuses, an error
// anywhere leaves it open.
func spf(c *store.Checks) Reason {
	if c == nil {
		return ""
	}
	var found Reason
	for _, r := range append([]store.SPF{c.Helo}, c.From...) {
		switch r.Result {
		case "pass":
			return SPFPass
		case "none", "neutral", "softfail", "fail":
		default:
			found = SPFError
		}
	}
	return found
}

// envelope judges what is known of one reverse path and recipient.
func envelope(e store.Envelope) Reason {
	switch {
	case !e.Real.IsZero():
		return Offered
	case e.Last.Sub(e.First) >= queueAfter:
		return Queue
	default:
		return ""
	}
}

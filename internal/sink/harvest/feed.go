package harvest

import (
	"time"

	"github.com/fakemx/fakemx/internal/sink/store"
)

const (
	// lead is how long before a visit the feeds must have been proven.
	lead = time.Hour
	// mostGaps is how much of the 7 days before a visit may lie in gaps, all
	// together: so that a restart doesn't cost a week.
	mostGaps = 24 * time.Hour
)

// A Feed is what is proven of a real host's.
type Feed struct {
	Lines, Envelopes []store.Stretch
}

// Proven says what keeps the feeds of all real hosts from being known about a
// visit: that they were proven for a week before it, and without a gap from an
// hour before it until after it. Waiting: the last proof is not later than
// that yet, and the next may be. Proofs lie at most gap apart.
func Proven(feeds []Feed, visit, now time.Time, after, gap time.Duration) Reason {
	if len(feeds) == 0 {
		return NoFeed
	}
	var waiting Reason
	for _, f := range feeds {
		if len(f.Lines) == 0 {
			return NoFeed
		}
		if len(f.Envelopes) == 0 {
			return NoEnvelopes
		}
		if !old(f.Lines, visit) {
			return Young
		}
		for _, k := range []struct {
			stretches []store.Stretch
			missing   Reason
		}{{f.Lines, Gap}, {f.Envelopes, EnvelopeGap}} {
			switch whole(k.stretches, visit.Add(-lead), visit.Add(after), now.Add(-gap)) {
			case broken:
				return k.missing
			case open:
				waiting = Waiting
			}
		}
	}
	return waiting
}

// old reports whether a feed was proven for the week before a visit.
func old(stretches []store.Stretch, visit time.Time) bool {
	from := visit.Add(-Before)
	if stretches[0].From.After(from) {
		return false
	}
	var proven time.Duration
	for _, s := range stretches {
		begin, end := s.From, s.To
		if begin.Before(from) {
			begin = from
		}
		if end.After(visit) {
			end = visit
		}
		proven += max(0, end.Sub(begin))
	}
	return proven >= Before-mostGaps
}

// wholeness is whether a time lies in one stretch.
type wholeness int

const (
	covered wholeness = iota
	open              // so far, and the stretch still goes on
	broken
)

// whole looks for the stretch that holds all from one time to another. One whose
// last proof is not older than alive still goes on.
func whole(stretches []store.Stretch, from, to, alive time.Time) wholeness {
	for _, s := range stretches {
		if s.From.After(from) || s.To.Before(from) {
			continue
		}
		if !s.To.Before(to) {
			return covered
		}
		if !s.To.Before(alive) {
			return open
		}
	}
	return broken
}

// lastProof is when all feeds were last proven.
func lastProof(feeds []Feed) time.Time {
	var earliest time.Time
	for i, f := range feeds {
		var last time.Time
		if len(f.Lines) > 0 {
			last = f.Lines[len(f.Lines)-1].To
		}
		if i == 0 || last.Before(earliest) {
			earliest = last
		}
	}
	return earliest
}

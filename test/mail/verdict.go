package main

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// tolerance is the extra delay that is no delay, in seconds. The short form runs
// on machines that do other things; it still sees what a sender waits for a sink
// that drops packets, half a minute at least.
const (
	tolerance      = 0.1
	shortTolerance = 5.0
)

// verdict is nil if the run shows what it must, and else everything that it
// doesn't.
func (r *result) verdict() error { return r.complaints(r.judge) }

// fates is the verdict but for how late mail was.
func (r *result) fates() error { return r.complaints(r.judgeFate) }

func (r *result) complaints(judge func(int, *sender, outcome) error) error {
	var errs []error
	for i, row := range r.rows {
		for _, s := range r.senders {
			o, ok := row.outcomes[s.name]
			if !ok {
				continue
			}
			if err := judge(i, s, o); err != nil {
				errs = append(errs, fmt.Errorf("%s: %s: %w", s.name, row.what, err))
			}
		}
		switch {
		case row.kind == unsafe && !r.selected:
			errs = append(errs, row.lossShown())
		case row.kind == changing:
			errs = append(errs, row.changeSeen())
		case row.kind == grey && row.twin != 0 && !r.selected:
			errs = append(errs, row.strayedShown())
		}
	}
	for _, receiver := range r.receive {
		errs = append(errs, receiver.judge())
	}
	for _, v := range r.vigils {
		errs = append(errs, v.judge(r.selected))
	}
	for _, b := range append(slices.Clone(r.bots), r.unsorted...) {
		if off := b.off(); off > 0 {
			errs = append(errs, fmt.Errorf("bots: %s at %q: %d of %d reached a real host, predicted %.3f", b.habit, b.what, b.reached, b.tries, b.predicted))
		}
	}
	return errors.Join(errs...)
}

// judge complains about a case that did not end as it must, or was late.
func (r *result) judge(i int, s *sender, o outcome) error {
	err := r.judgeFate(i, s, o)
	if kind := r.rows[i].kind; o.broken == nil && (kind == safe || kind == unseen) {
		err = errors.Join(err, r.late(s, o))
	}
	return err
}

func (r *result) judgeFate(i int, s *sender, o outcome) error {
	if o.broken != nil {
		return o.broken
	}
	switch row := r.rows[i]; row.kind {
	case baseline:
		return firstAttempt(o)
	case dane:
		return errors.Join(firstAttempt(o), overTLS(o))
	case safe:
		return firstAttempt(o)
	case unseen:
		return errors.Join(firstAttempt(o), noFake(o))
	case outage:
		return errors.Join(arrived(o), queuedFirst(o))
	case changing:
		return arrived(o)
	case known:
		return row.asKnown(s, o)
	case grey:
		if row.twin == 0 {
			return arrived(o)
		}
		return asSoon(r.rows[row.twin].outcomes[s.name], o)
	case untouched:
		if row.twin == 0 {
			return nil
		}
		return sameAs(r.rows[row.twin].outcomes[s.name], o)
	default:
		return nil
	}
}

func arrived(o outcome) error {
	for _, t := range o.tries {
		if t.fate != delivered {
			return fmt.Errorf("%s after %.1f s (tried %v), expected delivered", t.fate, t.seconds, t.called)
		}
	}
	return nil
}

func firstAttempt(o outcome) error {
	if err := arrived(o); err != nil {
		return err
	}
	for _, t := range o.tries {
		if t.attempt != 1 {
			return fmt.Errorf("delivered on the %s attempt (tried %v), expected the 1st", ordinal(t.attempt), t.called)
		}
	}
	return nil
}

// late complains if the median exceeds the one without fakes by more than the
// refused connections explain. In the short form the quickest message counts:
// what a sender waits, it waits with every one.
func (r *result) late(s *sender, o outcome) error {
	base, ok := r.rows[0].outcomes[s.name].median()
	if !ok {
		return errors.New("nothing to compare with: no message was delivered without fakes")
	}
	took, ok := o.median()
	if !ok {
		return nil // arrived has said so
	}
	slack := tolerance
	if r.short {
		took, slack = o.quickest(), shortTolerance
	}
	allowed := slack + (time.Duration(o.refused()) * s.waits).Seconds()
	if took-base > allowed {
		return fmt.Errorf("%.2f s, %.2f s more than without fakes; %d refused connections explain %.2f s", took, took-base, o.refused(), allowed)
	}
	return nil
}

func noFake(o outcome) error {
	for _, t := range o.tries {
		for _, name := range t.called {
			if fakeName(name) {
				return fmt.Errorf("the sink %s was contacted, expected never", name)
			}
		}
	}
	return nil
}

// overTLS complains if a message went in the clear although the host has a TLSA
// record (RFC 7672 section 2.2).
func overTLS(o outcome) error {
	for _, t := range o.tries {
		if !t.tls {
			return errors.New("delivered without TLS, expected TLS as the TLSA record demands")
		}
	}
	return nil
}

// queuedFirst complains if the sender can't have met the outage.
func queuedFirst(o outcome) error {
	for _, t := range o.tries {
		if t.attempt < 2 {
			return fmt.Errorf("delivered on the %s attempt, expected a later one", ordinal(t.attempt))
		}
	}
	return nil
}

// sameAs complains if fakemx makes a difference to a domain it must not touch.
func sameAs(without, with outcome) error {
	if without.broken != nil {
		return nil // its own row has said so
	}
	if without.fates() != with.fates() || !slices.Equal(without.orders(), with.orders()) {
		return fmt.Errorf("%s, tried %q; without fakemx %s, tried %q", with.fates(), with.orders(), without.fates(), without.orders())
	}
	return nil
}

// lossShown complains if a shape that fakemx refuses loses no mail.
func (w row) lossShown() error {
	for _, o := range w.outcomes {
		if len(o.tries) > 0 && o.tries[0].fate != delivered {
			return nil
		}
	}
	return fmt.Errorf("%s: no sender loses mail, so why refuse it?", w.what)
}

// changeSeen complains if the fakes were there, or away, all the time.
func (w row) changeSeen() error {
	with, without := 0, 0
	for _, o := range w.outcomes {
		for _, t := range o.tries {
			if slices.ContainsFunc(t.called, fakeName) {
				with++
			} else {
				without++
			}
		}
	}
	if with == 0 || without == 0 {
		return fmt.Errorf("%s: %d messages met fakes and %d none, expected some of both", w.what, with, without)
	}
	return nil
}

// off returns by how much a bot's share lies outside four standard deviations
// of the prediction, 0 if it doesn't.
func (b botRow) off() float64 {
	deviation := math.Sqrt(b.predicted * (1 - b.predicted) / float64(b.tries))
	return max(0, math.Abs(b.share()-b.predicted)-4*deviation-1e-9)
}

func (b botRow) share() float64 { return float64(b.reached) / float64(b.tries) }

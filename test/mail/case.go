package main

import (
	"context"
	"fmt"
	"time"

	"github.com/miekg/dns"
)

// An outcome is a sender's result in a case.
type outcome struct {
	tries  []try
	remark string
	detour *detour // where messages were put off
	broken error   // the case could not be carried out
}

// deliver sends the ith message of a case, the first with a cold resolver cache
// and the others with a warm one, and follows it through up to flushes runs of
// the queue. Where none is allowed, the seconds count.
func (l *laboratory) deliver(ctx context.Context, st *station, s *shape, i, flushes int) outcome {
	if err := l.seen(st, s, i); err != nil {
		return outcome{broken: err}
	}
	if i == 0 {
		if err := st.resolver.chill(ctx); err != nil {
			return outcome{broken: err}
		}
	}
	// Where the seconds count, the message is expected to arrive.
	t, err := l.one(ctx, st, s, i, flushes == 0, flushes)
	if err != nil {
		return outcome{broken: err}
	}
	return outcome{tries: []try{t}}
}

// patience is how long a message that is expected to arrive may do nothing.
const patience = time.Minute

// one is a single message. Being patient costs time only where it doesn't arrive.
func (l *laboratory) one(ctx context.Context, st *station, s *shape, i int, patient bool, flushes int) (try, error) {
	if st.ready != nil {
		if err := st.ready(st); err != nil {
			return try{}, err
		}
	}
	if flushes == 0 && st.waits == 0 {
		// Few at a time: more would measure the machine, not the senders.
		l.clock <- struct{}{}
		defer func() { <-l.clock }()
	}
	f, err := l.send(ctx, st, s, i)
	if err != nil {
		return try{}, err
	}
	rouses := s.lingers
	if patient {
		rouses = max(rouses, patience)
	}
	t := f.waitFor(ctx, rouses)
	for range flushes {
		if t.fate != queued {
			break
		}
		if t, err = f.flushed(ctx); err != nil {
			return try{}, err
		}
	}
	return t, nil
}

// outageRuns is how often the queue is run after an outage: OpenSMTPD doesn't
// call an address again for some time after it has refused.
const outageRuns = 6

// outage sends a message while every real host is down, brings them up when the
// sender has seen them all refuse, and runs the queue.
func (l *laboratory) outage(ctx context.Context, st *station, s *shape) outcome {
	if err := l.seen(st, s, 0); err != nil {
		return outcome{broken: err}
	}
	f, err := l.send(ctx, st, s, 0)
	if err != nil {
		return outcome{broken: err}
	}
	before := f.wait(ctx)
	if before.fate != queued {
		return outcome{tries: []try{before}, remark: "while every real host was down"}
	}
	if len(before.called) == 0 {
		return outcome{broken: fmt.Errorf("%s: no connection tried within %v", st.name, time.Since(f.start))}
	}
	if err := l.raise(s); err != nil {
		return outcome{broken: err}
	}
	up := time.Now()
	after := before
	for range outageRuns {
		if after, err = f.flushed(ctx); err != nil {
			return outcome{broken: err}
		}
		if after.fate != queued {
			break
		}
	}
	return outcome{
		tries:  []try{after},
		remark: fmt.Sprintf("after %.1f s", after.seconds-up.Sub(f.start).Seconds()),
	}
}

// changing sends messages while the fakes of their domain come and go.
func (l *laboratory) changing(ctx context.Context, st *station, s *shape, n int) outcome {
	done := l.dns.toggler.use()
	var sent []*followed
	for i := range n {
		f, err := l.send(ctx, st, s, i)
		if err != nil {
			done()
			return outcome{broken: err}
		}
		sent = append(sent, f)
		time.Sleep(between * 2 / 3)
	}
	done()
	var o outcome
	for _, f := range sent {
		t := f.waitFor(ctx, patience)
		if t.fate == queued {
			var err error
			if t, err = f.flushed(ctx); err != nil {
				return outcome{broken: err}
			}
		}
		o.tries = append(o.tries, t)
	}
	fakes := 0
	for _, c := range st.calls.since(sent[0].start, s.names()) {
		if s.isFake(c.to) {
			fakes++
		}
	}
	o.remark = fmt.Sprintf("%d messages, fakes called: %d", n, fakes)
	return o
}

// hasSet checks that the sender's resolver has the set that the case is about.
func (l *laboratory) hasSet(st *station, s *shape, i int) error {
	got, valid, err := st.resolver.mxSet(s.domain(i), s.zone())
	if err != nil {
		return err
	}
	if s.signed && !valid {
		return fmt.Errorf("%s MX: the resolver has not validated it", s.domain(i))
	}
	if fmt.Sprint(got) != fmt.Sprint(s.want) {
		return fmt.Errorf("%s MX: the resolver has %v, expected %v", s.domain(i), got, s.want)
	}
	return nil
}

// seen is hasSet, and leaves everything that a sender will ask in its cache.
func (l *laboratory) seen(st *station, s *shape, i int) error {
	if err := l.hasSet(st, s, i); err != nil {
		return err
	}
	for _, m := range s.want {
		if m.host == "." { // null MX
			continue
		}
		for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
			if _, err := st.resolver.lookup(m.host+"."+s.zone(), qtype); err != nil {
				return err
			}
		}
	}
	return nil
}

package main

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
)

// A fate is what became of a message.
type fate string

const (
	delivered fate = "delivered"
	bounced   fate = "bounced"
	queued    fate = "queued" // neither, for as long as was waited
	stolen    fate = "taken by a sink"
)

// A try is one message of a case.
type try struct {
	fate    fate
	attempt int // on which it was delivered, or how many were made
	seconds float64
	called  []string // hosts in the order they were tried; fakes have a star
	refused int      // calls to closed ports before the delivery
	tls     bool     // the real host took it over TLS
}

// An outcome is a sender's result in a case.
type outcome struct {
	tries  []try
	remark string
	broken error // the case could not be carried out
}

// settle is how long the laboratory waits without seeing a new call before it
// takes a message for queued, and atLeast how long in all. The longest pause of
// a sender between two addresses is OpenSMTPD's.
const (
	settle  = 6 * time.Second
	atLeast = 10 * time.Second
)

var serial atomic.Int64

// send submits one message to the shape's ith domain.
func (l *laboratory) send(ctx context.Context, st *station, s *shape, i int) (*followed, error) {
	f := &followed{lab: l, station: st, shape: s, names: s.names()}
	f.id = fmt.Sprintf("m%d", serial.Add(1))
	f.start = time.Now()
	to := f.id + "@" + strings.TrimSuffix(s.domain(i), ".")
	if err := st.submit(ctx, st, f.id+"@bounce.example.net", to); err != nil {
		return nil, fmt.Errorf("%s: submit: %w", st.name, err)
	}
	return f, nil
}

// A followed message is one on its way.
type followed struct {
	lab     *laboratory
	station *station
	shape   *shape
	names   map[netip.Addr]string
	id      string
	start   time.Time
}

// wait returns what has become of the message when that is clear.
func (f *followed) wait(ctx context.Context) try { return f.waitFor(ctx, f.shape.lingers) }

// flushed runs the queue and waits.
func (f *followed) flushed(ctx context.Context) (try, error) {
	if err := f.station.each(ctx, f.station.flush); err != nil {
		return try{}, err
	}
	return f.waitFor(ctx, f.station.rouses), nil
}

func (f *followed) waitFor(ctx context.Context, rouses time.Duration) try {
	began := time.Now()
	quiet := func() bool {
		last := began
		if calls := f.station.calls.since(began, f.names); len(calls) > 0 {
			last = calls[len(calls)-1].at
		}
		return time.Since(last) > settle && time.Since(began) > atLeast+rouses
	}
	return f.judge(f.lab.ledger.wait(ctx, f.id, quiet))
}

func (f *followed) judge(receipts []receipt) try {
	t := try{fate: queued}
	until := time.Now()
	for _, r := range receipts {
		until = r.at
		switch {
		case r.host == bounceHost:
			t.fate = bounced
		case f.shape.isFake(r.host):
			t.fate = stolen
		case t.fate == queued:
			t.fate, t.tls = delivered, r.tls
		}
	}
	t.seconds = until.Sub(f.start).Seconds()
	for _, c := range f.station.calls.since(f.start, f.names) {
		if !c.at.After(until) {
			t.called = append(t.called, f.names[c.to])
		}
	}
	t.attempt = len(split(t.called))
	t.refused = len(t.called)
	if t.fate == delivered && t.refused > 0 {
		t.refused--
	}
	return t
}

// isFake reports whether the address is a sink's.
func (s *shape) isFake(addr netip.Addr) bool {
	for _, h := range s.fakes() {
		if slices.Contains(h.addrs, addr) {
			return true
		}
	}
	return false
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
	t, err := l.one(ctx, st, s, i, flushes)
	if err != nil {
		return outcome{broken: err}
	}
	return outcome{tries: []try{t}}
}

func (l *laboratory) one(ctx context.Context, st *station, s *shape, i, flushes int) (try, error) {
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
	t := f.wait(ctx)
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
		t := f.wait(ctx)
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

// seen checks that the sender's resolver has the set that the case is about, and
// leaves everything that a sender will ask in its cache.
func (l *laboratory) seen(st *station, s *shape, i int) error {
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
	for _, m := range got {
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

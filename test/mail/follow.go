package main

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"time"
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

// settle is how long the laboratory waits without seeing a new call before it
// takes a message for queued, and atLeast how long in all. The longest pause of
// a sender between two addresses is OpenSMTPD's.
const (
	settle  = 6 * time.Second
	atLeast = 10 * time.Second
)

// serial numbers all messages, those of the bots included.
var serial atomic.Int64

// send submits one message to the shape's ith domain.
func (l *laboratory) send(ctx context.Context, st *station, s *shape, i int) (*followed, error) {
	f := &followed{lab: l, station: st, shape: s, names: s.names()}
	f.id = fmt.Sprintf("m%d", serial.Add(1))
	f.start = time.Now()
	f.to = f.id + "@" + strings.TrimSuffix(s.domain(i), ".")
	if err := st.submit(ctx, st, f.id+"@bounce.example.net", f.to); err != nil {
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
	id, to  string
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

// waitFor waits until the message has arrived or bounced, or until nothing has
// been seen of it for long enough; rouses is how long it may do nothing at first.
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

// judge makes a try of what is known about the message.
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

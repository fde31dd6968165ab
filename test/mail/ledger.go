package main

import (
	"context"
	"net/netip"
	"sync"
	"time"
)

// A receipt is one message accepted by a host of the laboratory.
type receipt struct {
	at   time.Time
	host netip.Addr
	from string // empty in a bounce
	tls  bool
	to   string
}

// A ledger holds the receipts of all hosts. The local part of the recipient is
// the message's identifier.
type ledger struct {
	mu       sync.Mutex
	receipts map[string][]receipt
	changed  chan struct{}
}

func newLedger() *ledger {
	return &ledger{receipts: map[string][]receipt{}, changed: make(chan struct{})}
}

func (l *ledger) enter(id string, r receipt) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.receipts[id] = append(l.receipts[id], r)
	close(l.changed)
	l.changed = make(chan struct{})
}

// of returns the receipts of a message, bounces included.
func (l *ledger) of(id string) []receipt {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]receipt(nil), l.receipts[id]...)
}

// wait returns when the message has arrived or bounced, when ctx ends, or when
// giveUp, asked every now and then, says so.
func (l *ledger) wait(ctx context.Context, id string, giveUp func() bool) []receipt {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		l.mu.Lock()
		found, changed := l.receipts[id], l.changed
		l.mu.Unlock()
		if len(found) > 0 {
			return append([]receipt(nil), found...)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if giveUp() {
				return nil
			}
		}
	}
}

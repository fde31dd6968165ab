package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
)

// How a busy sender sends: a message every so often, some while the real host is
// down, and then until one arrives, but for so long at most.
const (
	busyEvery  = 4 * time.Second
	busyDown   = 8 // messages
	busyAtMost = 4 * time.Minute
)

// A busyResult is how long after the real host was up again a new message of a
// busy sender arrived first.
type busyResult struct {
	after  time.Duration
	broken error
}

// busyCases are two domains whose real host is down at first: with closed sinks,
// and with some that answer.
func (p *plan) busyCases() []*sinkCase {
	plain, _, _, _, _ := letters()
	all := []*sinkCase{p.sinkCase(isDown, closed, plain, ""), p.sinkCase(isDown, atRcpt, plain, "")}
	for i, label := range []string{"busyclosed", "busyanswers"} {
		all[i].label = label
		all[i].down = []string{"mail"}
		p.add(all[i].shape)
	}
	return all
}

// busyAll has every sender be busy in both cases: some keep the session to a sink
// open, and bring it the messages that come meanwhile.
func (l *laboratory) busyAll(ctx context.Context, cases []*sinkCase) [][]busyResult {
	results := make([][]busyResult, len(l.stations))
	var all sync.WaitGroup
	for i, st := range l.stations {
		results[i] = make([]busyResult, len(cases))
		all.Go(func() {
			for j, c := range cases {
				after, err := l.busyOne(ctx, st, c)
				results[i][j] = busyResult{after: after, broken: err}
				l.say("%s is busy, %s: new mail after %v, %v", st.name, c.reply, after, err)
			}
		})
	}
	all.Wait()
	return results
}

func (l *laboratory) busyOne(ctx context.Context, st *station, c *sinkCase) (time.Duration, error) {
	if err := l.seen(st, c.shape, 0); err != nil {
		return 0, err
	}
	if st.ready != nil {
		if err := st.ready(st); err != nil {
			return 0, err
		}
	}
	var up time.Time
	var since []string // messages that were sent since it is up
	for i := 0; ; i++ {
		if i == busyDown {
			if err := c.lift(l, st, ""); err != nil {
				return 0, err
			}
			up = time.Now()
		}
		id := fmt.Sprintf("m%d", serial.Add(1))
		if err := submitText(ctx, st, &c.letter, id+"@bounce.example.net", id+"@"+strings.TrimSuffix(c.domain(0), ".")); err != nil {
			return 0, err
		}
		if i >= busyDown {
			since = append(since, id)
		}
		time.Sleep(busyEvery)
		for _, id := range since {
			for _, r := range l.ledger.of(id) {
				if c.names()[r.host] == "mail" {
					return r.at.Sub(up), nil
				}
			}
		}
		if i > busyDown && time.Since(up) > busyAtMost {
			return 0, fmt.Errorf("none of %d messages has arrived within %v", len(since), busyAtMost)
		}
	}
}

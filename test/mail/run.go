package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// run takes every sender through its cases; the senders work side by side.
func (l *laboratory) run(ctx context.Context, steps []step) []row {
	rows := make([]row, len(steps))
	for i, s := range steps {
		rows[i] = s.row
		rows[i].outcomes = map[string]outcome{}
	}
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, st := range l.stations {
		all.Go(func() {
			for i, o := range l.tour(ctx, st, steps) {
				mu.Lock()
				rows[i].outcomes[st.name] = o
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return rows
}

// tour takes one sender through its cases: round by round through those that
// have several, then through the others.
func (l *laboratory) tour(ctx context.Context, st *station, steps []step) map[int]outcome {
	outcomes := map[int]outcome{}
	turn := func(several bool, round int) (more bool) {
		for i, s := range steps {
			if st.dane != (s.kind == dane) || s.only != nil && !slices.Contains(s.only, st.name) || several != (s.rounds > 1) || round >= s.rounds {
				continue
			}
			sofar := outcomes[i]
			if !sofar.well() {
				continue
			}
			o := s.run(ctx, st, round)
			o.tries = append(sofar.tries, o.tries...)
			outcomes[i] = o
			more = true
			if round == s.rounds-1 || !o.well() {
				l.say("%s: %s: %s", st.name, s.what, o.brief())
			}
		}
		return more
	}
	for round := 0; turn(true, round); round++ {
	}
	turn(false, 0)
	return outcomes
}

// well reports whether everything so far was delivered.
func (o outcome) well() bool { return o.broken == nil && arrived(o) == nil }

// brief is an outcome in one line of progress.
func (o outcome) brief() string {
	if o.broken != nil {
		return o.broken.Error()
	}
	var b strings.Builder
	for _, t := range o.tries {
		fmt.Fprintf(&b, "[%s %.2f s %s]", t.fate, t.seconds, strings.Join(t.called, " "))
	}
	if o.remark != "" {
		b.WriteString(" " + o.remark)
	}
	return b.String()
}

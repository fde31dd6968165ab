package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// A greylist puts off every message until some time after it was first offered
// (RFC 6647), for all hosts of a domain alike.
type greylist struct {
	mu    sync.Mutex
	wait  time.Duration
	until map[string]time.Time // by recipient
}

// defers reports whether it is too early for the recipient's message.
func (g *greylist) defers(to string) bool {
	if g == nil || g.wait == 0 {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	until, known := g.until[to]
	if !known {
		until = now.Add(g.wait)
		g.until[to] = until
	}
	return now.Before(until)
}

// lift lets the recipient's message in from now on.
func (g *greylist) lift(to string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.until[to] = time.Now()
}

// A detour is what putting off has made of a case's messages.
type detour struct {
	visits []int // of fakes during each message's first attempt
	runs   int   // of the queue until all were delivered
}

// greyMails is the number of messages that are put off; one in the short form.
const greyMails = 3

// greylisted makes the shapes whose real hosts put off every message: one host,
// and two with two addresses each. Postfix has two sessions for an attempt
// (smtp_mx_session_limit), which in the latter are used up before the fakes.
func (p *plan) greylisted() []twin {
	put := func(s *shape, f families, real ...mx) *shape {
		s.greylist = time.Hour // until it is lifted
		s.real, s.want = real, slices.Clone(real)
		for _, m := range real {
			s.hosts = append(s.hosts, p.servers(f, m.host)...)
		}
		for i, h := range s.highest {
			s.want = append(s.want, mx{real[len(real)-1].preference + 10*(i+1), h.name})
		}
		return p.add(s)
	}
	pair := func(label, what string, f families, real ...mx) twin {
		return twin{
			without: put(&shape{label: label + "-plain", what: what + ", no fakes", plain: true}, f, real...),
			with:    put(&shape{label: label, what: what, highest: p.sinks(onlyV4, "fake1", "fake2")}, f, real...),
		}
	}
	return []twin{
		pair("grey1", "one, IPv4", onlyV4, mx{10, "mail"}),
		pair("grey2", "two, IPv4 and IPv6", bothFamilies, mx{10, "mail"}, mx{20, "backup"}),
	}
}

// putOff sends messages that the real hosts put off, until the sender gives up
// for the moment; then lets them in and runs the queue.
func (l *laboratory) putOff(ctx context.Context, st *station, s *shape, mails int) outcome {
	if err := l.seen(st, s, 0); err != nil {
		return outcome{broken: err}
	}
	o := outcome{detour: &detour{}}
	sent := make([]*followed, mails)
	for i := range sent {
		f, err := l.send(ctx, st, s, i)
		if err != nil {
			return outcome{broken: err}
		}
		// One at a time: whose calls they are is known by their time only.
		t := f.wait(ctx)
		if t.fate != queued || len(t.called) == 0 {
			return outcome{broken: fmt.Errorf("message %d %s after calls to %v, expected it put off", i, t.fate, t.called)}
		}
		visits := 0
		for _, name := range t.called {
			if fakeName(name) {
				visits++
			}
		}
		o.detour.visits = append(o.detour.visits, visits)
		sent[i] = f
	}
	for _, f := range sent {
		s.waiting.lift(f.to)
	}
	for range outageRuns {
		o.detour.runs++
		if err := st.each(ctx, st.flush); err != nil {
			return outcome{broken: err}
		}
		o.tries = followAll(ctx, sent, st.rouses)
		if arrived(o) == nil {
			break
		}
	}
	return o
}

// followAll waits for several messages at once.
func followAll(ctx context.Context, sent []*followed, rouses time.Duration) []try {
	tries := make([]try, len(sent))
	var all sync.WaitGroup
	for i, f := range sent {
		all.Go(func() { tries[i] = f.waitFor(ctx, rouses) })
	}
	all.Wait()
	return tries
}

// asSoon complains if fakes cost a message that is put off more runs of the queue
// than it needs without them.
func asSoon(without, with outcome) error {
	if err := arrived(with); err != nil {
		return err
	}
	if with.detour == nil || without.detour == nil {
		return errors.New("no message was put off")
	}
	if with.detour.runs > without.detour.runs {
		return fmt.Errorf("delivered on run %d of the queue, without fakes on run %d", with.detour.runs, without.detour.runs)
	}
	return nil
}

// strayedShown complains if no sender went on to the fakes: then this case shows
// nothing about them.
func (w row) strayedShown() error {
	for _, o := range w.outcomes {
		if o.detour != nil && slices.Max(o.detour.visits) > 0 {
			return nil
		}
	}
	return fmt.Errorf("%s: no sender went on to the fakes", w.what)
}

package main

import (
	"context"
	"strings"
)

// A step is a row to be filled: what one sender does in each of its rounds. The
// rounds of all steps take turns, because some senders don't connect to a host
// again for some seconds, and so that a busy moment of the machine is shared.
type step struct {
	row
	rounds int
	only   []string // senders; nil for all
	run    func(ctx context.Context, st *station, round int) outcome
}

// reloadMails is the number of messages sent while the fakes come and go.
const reloadMails = 20

// An agenda is what a run has to do with the senders.
type agenda struct {
	steps   []step
	change  *shape      // whose fakes come and go; it has a server of its own
	leaving []knownLoss // whose fakes go; so do they
	vigils  []*vigil    // whose sinks fail
	pace    pace        // of these
}

// deliveries adds a case of messages one after another.
func (a *agenda) deliveries(l *laboratory, k kind, s *shape, mails, flushes int) {
	a.steps = append(a.steps, step{
		row:    row{kind: k, what: s.what, label: s.label},
		rounds: mails,
		run:    func(ctx context.Context, st *station, i int) outcome { return l.deliver(ctx, st, s, i, flushes) },
	})
}

// volleys adds cases of messages sent together, of which it is known who loses some.
func (a *agenda) volleys(l *laboratory, p part, flushes int, only []string, list ...knownLoss) {
	for _, k := range list {
		a.steps = append(a.steps, step{
			row:    row{kind: known, part: p, what: k.what, label: k.label, losers: k.losers},
			rounds: 1,
			only:   only,
			run: func(ctx context.Context, st *station, _ int) outcome {
				lost := k.loses(st.name)
				return l.volley(ctx, st, k, !lost, flushes)
			},
		})
	}
}

// pair adds a case without fakes and the same with, to be compared.
func (a *agenda) pair(k kind, t twin, only []string, run func(ctx context.Context, st *station, s *shape) outcome) {
	for _, s := range []*shape{t.without, t.with} {
		a.steps = append(a.steps, step{
			row:    row{kind: k, what: s.what, label: s.label},
			rounds: 1,
			only:   only,
			run:    func(ctx context.Context, st *station, _ int) outcome { return run(ctx, st, s) },
		})
	}
	a.steps[len(a.steps)-1].twin = len(a.steps) - 2
}

// agenda lays out the cases.
func (l *laboratory) agenda(p *plan, chosen []*sender, o *options) *agenda {
	a := &agenda{pace: newPace(o.short)}
	if !o.byHand {
		a.vigils = p.vigils(a.pace)
	}
	if o.vigils {
		a.change = p.changing() // its server runs, and changes nothing
		return a
	}
	a.deliveries(l, baseline, p.baseline(), o.mails, 0)
	for _, s := range p.safe() {
		a.deliveries(l, safe, s, o.mails, 0)
	}
	a.deliveries(l, unseen, p.dryRun(), o.mails, 0)

	own := map[string]*shape{}
	for _, s := range chosen {
		if !s.dane {
			own[s.name] = p.outage(strings.ToLower(s.name))
		}
	}
	a.steps = append(a.steps, step{
		row:    row{kind: outage, what: "all real ones down for a while"},
		rounds: 1,
		run:    func(ctx context.Context, st *station, _ int) outcome { return l.outage(ctx, st, own[st.name]) },
	})
	// The short form spares the senders that take long.
	var limited, waited []string
	mails := greyMails
	if o.short {
		mails = 1
		limited, waited = []string{"Postfix"}, []string{"Postfix", "Exim", "chasquid"}
	}
	a.volleys(l, partCrowd, 0, limited, p.crowded()...)
	a.volleys(l, partWildcard, 0, nil, p.oneLabel()...)
	a.volleys(l, partLimit, 2, limited, p.addressLimit()...)
	for i, t := range p.greylisted() {
		if i > 0 && o.short {
			break
		}
		a.pair(grey, t, waited, func(ctx context.Context, st *station, s *shape) outcome {
			return l.putOff(ctx, st, s, mails)
		})
	}
	if !o.short {
		l.rest(a, p, o)
	}
	a.change = p.changing()
	if !o.short {
		a.steps = append(a.steps, step{
			row:    row{kind: changing, what: a.change.what, label: a.change.label},
			rounds: 1,
			run: func(ctx context.Context, st *station, _ int) outcome {
				return l.changing(ctx, st, a.change, reloadMails)
			},
		})
	}
	a.leaving = p.leaving()
	p.receive(l.receivers)
	p.unsorted()
	return a
}

// rest adds what the short form leaves out.
func (l *laboratory) rest(a *agenda, p *plan, o *options) {
	for _, t := range p.untouched() {
		a.pair(untouched, t, nil, func(ctx context.Context, st *station, s *shape) outcome {
			return l.deliver(ctx, st, s, 0, 1)
		})
	}
	for _, s := range p.unsafe() {
		a.deliveries(l, unsafe, s, 1, 2)
	}
	for _, s := range p.dane(l.tlsa) {
		a.deliveries(l, dane, s, o.mails, 0)
	}
}

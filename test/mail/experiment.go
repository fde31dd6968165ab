package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// A kind says what a row must show.
type kind int

const (
	baseline  kind = iota
	safe           // delivered on the first attempt, no later than the refusals explain
	unseen         // safe, and no fake is ever called
	outage         // queued, then delivered
	changing       // nothing bounces
	untouched      // the same fate and calls as the row of its twin
	unsafe         // loses mail with at least one sender
	dane           // safe, and the sink never takes mail
)

// A row is one case, for every sender.
type row struct {
	kind     kind
	what     string
	label    string // of its shape, "" where each sender has its own
	twin     int    // the row to compare an untouched one with
	outcomes map[string]outcome
}

// A result is what a run has found.
type result struct {
	date     time.Time
	elapsed  time.Duration
	short    bool
	selected bool // not all senders
	mails    int
	tries    int
	senders  []*sender
	rows     []row
	bots     []botRow
	refusals map[string]string
	reloads  int
	versions map[string]string
}

// A step is a row to be filled: what one sender does in each of its rounds. The
// rounds of all steps take turns, because some senders don't connect to a host
// again for some seconds, and so that a busy moment of the machine is shared.
type step struct {
	row
	rounds int
	run    func(ctx context.Context, st *station, round int) outcome
}

// reloadMails is the number of messages sent while the fakes come and go.
const reloadMails = 20

// experiment builds the laboratory, runs every case and every bot.
func experiment(ctx context.Context, o *options, progress io.Writer) (*result, error) {
	began := time.Now()
	chosen, err := o.choose()
	if err != nil {
		return nil, err
	}
	l, err := assemble(progress)
	if err != nil {
		return nil, err
	}
	binary := o.coredns
	if binary == "" {
		if binary, err = l.build(ctx); err != nil {
			return nil, err
		}
	}
	dir, err := workplace()
	if err != nil {
		return nil, err
	}
	key, err := newSigningKey()
	if err != nil {
		return nil, err
	}
	p := newPlan()
	start := p.start()
	steps := l.steps(p, chosen, o)
	change := p.shapes[len(p.shapes)-1]
	if err := l.publish(ctx, &publisher{binary: binary, dir: dir, byHand: o.byHand, key: key}, p.shapes, change); err != nil {
		return nil, err
	}
	var anchors []*dns.DNSKEY
	for _, s := range p.shapes {
		if s.signed {
			anchors = append(anchors, key.of(s.zone()))
		}
	}
	if err := l.man(ctx, chosen, o.debs, anchors); err != nil {
		return nil, err
	}
	if err := l.warmUp(ctx, start); err != nil {
		return nil, err
	}
	l.say("%d senders are up after %.0f s", len(chosen), time.Since(began).Seconds())

	r := &result{
		date: began, short: o.short, selected: o.only != "", mails: o.mails, tries: o.tries, senders: chosen,
		refusals: l.dns.refusals, versions: l.versions,
	}
	r.rows = l.run(ctx, steps)
	if r.reloads, err = l.dns.toggler.count(); err != nil {
		return nil, err
	}
	if r.bots, err = l.runBots(p.shapes, o.tries); err != nil {
		return nil, err
	}
	if err := l.name(ctx, binary, r); err != nil {
		return nil, err
	}
	r.elapsed = time.Since(began)
	return r, nil
}

func (l *laboratory) build(ctx context.Context) (string, error) {
	here, err := os.Getwd()
	if err != nil {
		return "", err
	}
	dir, err := moduleRoot(here)
	if err != nil {
		return "", err
	}
	l.say("building ./cmd/coredns")
	binary := filepath.Join(place, "coredns")
	return binary, buildCoreDNS(ctx, dir, binary)
}

// steps lays out the cases. The changing shape is the last of the plan.
func (l *laboratory) steps(p *plan, chosen []*sender, o *options) []step {
	var steps []step
	deliveries := func(k kind, s *shape, mails, flushes int) {
		steps = append(steps, step{
			row:    row{kind: k, what: s.what, label: s.label},
			rounds: mails,
			run:    func(ctx context.Context, st *station, i int) outcome { return l.deliver(ctx, st, s, i, flushes) },
		})
	}
	deliveries(baseline, p.baseline(), o.mails, 0)
	for _, s := range p.safe() {
		deliveries(safe, s, o.mails, 0)
	}
	deliveries(unseen, p.dryRun(), o.mails, 0)

	own := map[string]*shape{}
	for _, s := range chosen {
		if !s.dane {
			own[s.name] = p.outage(strings.ToLower(s.name))
		}
	}
	steps = append(steps, step{
		row:    row{kind: outage, what: "all real ones down for a while"},
		rounds: 1,
		run:    func(ctx context.Context, st *station, _ int) outcome { return l.outage(ctx, st, own[st.name]) },
	})
	if !o.short {
		for _, t := range p.untouched() {
			deliveries(untouched, t.without, 1, 1)
			deliveries(untouched, t.with, 1, 1)
			steps[len(steps)-1].twin = len(steps) - 2
		}
		for _, s := range p.unsafe() {
			deliveries(unsafe, s, 1, 2)
		}
		for _, s := range p.dane(l.tlsa) {
			deliveries(dane, s, o.mails, 0)
		}
	}
	change := p.changing()
	if !o.short {
		steps = append(steps, step{
			row:    row{kind: changing, what: change.what, label: change.label},
			rounds: 1,
			run:    func(ctx context.Context, st *station, _ int) outcome { return l.changing(ctx, st, change, reloadMails) },
		})
	}
	return steps
}

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
			if st.dane != (s.kind == dane) || several != (s.rounds > 1) || round >= s.rounds {
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

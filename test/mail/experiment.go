package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
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
	steps, change := l.steps(p, chosen, o)
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

// steps lays out the cases. The shape whose fakes come and go is returned apart,
// because it has a server of its own.
func (l *laboratory) steps(p *plan, chosen []*sender, o *options) (steps []step, change *shape) {
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
	change = p.changing()
	if !o.short {
		steps = append(steps, step{
			row:    row{kind: changing, what: change.what, label: change.label},
			rounds: 1,
			run:    func(ctx context.Context, st *station, _ int) outcome { return l.changing(ctx, st, change, reloadMails) },
		})
	}
	return steps, change
}

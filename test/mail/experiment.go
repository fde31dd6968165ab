package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
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
	known          // the named senders lose mail, no other does
	grey           // delivered as soon as without fakes, though every first attempt is put off
)

// A part is where the page shows a row that is of no other use.
type part int

const (
	partNone part = iota
	partCrowd
	partWildcard
	partLimit
	partLeaving
)

// A row is one case, for every sender.
type row struct {
	kind     kind
	what     string
	label    string   // of its shape, "" where each sender has its own
	part     part     // of the page
	twin     int      // the row to compare with, 0 if there is none
	losers   []string // who loses mail in a known row; nil for nobody
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
	unsorted []botRow
	receive  []*receiver
	vigils   []*vigil
	remedy   string // the server blocks by which the first one sees its plain set
	refusals map[string]string
	reloads  int
	versions map[string]string
}

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
	if o.only == "" && !o.vigils {
		l.receivers = o.receivers()
	}
	a := l.agenda(p, chosen, o)
	if err := l.publish(ctx, &publisher{binary: binary, dir: dir, byHand: o.byHand, key: key}, p.shapes, a.change); err != nil {
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
		refusals: l.dns.refusals, versions: l.versions, receive: l.receivers,
	}
	if o.vigils {
		r.vigils = a.vigils
		err = l.vigilsAlone(ctx, a)
	} else {
		err = l.carryOut(ctx, a, p.shapes, r)
	}
	if err != nil {
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

// carryOut fills r: the sinks that fail come first, so that the ten minutes until
// they are trusted again pass beside the rest; then the fakes that leave, because
// what resolvers hold then must not end with the cold caches of other cases. What is not a sender
// comes last, where it can't disturb a sender's seconds; the short form, which
// hardly looks at these, takes its time together.
func (l *laboratory) carryOut(ctx context.Context, a *agenda, shapes []*shape, r *result) error {
	vigils, err := l.keepVigil(ctx, a.pace, a.vigils)
	if err != nil {
		return err
	}
	r.vigils = a.vigils
	left, err := l.leave(ctx, a.leaving)
	if err != nil {
		return err
	}
	others := func() error {
		var all sync.WaitGroup
		all.Go(func() { l.receive(ctx) })
		err := l.runAllBots(shapes, r)
		all.Wait()
		return err
	}
	if r.short {
		done := make(chan error)
		go func() { done <- others() }()
		r.rows = l.run(ctx, a.steps)
		err = <-done
	} else {
		r.rows = l.run(ctx, a.steps)
		err = others()
	}
	r.rows = append(r.rows, left...)
	if err != nil {
		return err
	}
	if len(l.receivers) > 0 {
		r.remedy = l.dns.blocks[l.receivers[0].viewed().shape.label]
	}
	if r.reloads, err = l.dns.toggler.count(); err != nil {
		return err
	}
	return vigils.end(ctx)
}

func (l *laboratory) vigilsAlone(ctx context.Context, a *agenda) error {
	vigils, err := l.keepVigil(ctx, a.pace, a.vigils)
	if err != nil {
		return err
	}
	return vigils.end(ctx)
}

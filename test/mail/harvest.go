package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"time"
)

type harvestOptions struct {
	short bool
	each  int
	write string
	debs  string
}

func parseHarvestOptions(args []string, usage io.Writer) (*harvestOptions, error) {
	o := &harvestOptions{}
	f := flag.NewFlagSet("mail "+harvestCommand, flag.ContinueOnError)
	f.SetOutput(usage)
	f.BoolVar(&o.short, "short", false, "few bots and senders")
	f.StringVar(&o.write, "write", "", "write the table into sink.md in this `directory`, if the run shows what it must")
	f.StringVar(&o.debs, "debs", "", "keep the Debian packages in this `directory` for the next run")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	o.each = 10
	if o.short {
		o.each = 2
	}
	switch {
	case f.NArg() > 0:
		return nil, fmt.Errorf("unexpected argument %q, expected only flags", f.Arg(0))
	case o.write != "" && o.short:
		return nil, errors.New("-write: expected a whole run, without -short")
	}
	return o, nil
}

// harvestContained is the laboratory of the harvest, in its own namespaces: bots
// and honest senders come to a domain with fakes on one day and again on the next;
// in between the sink server judges and lists. The days pass by a clock that is
// told to go on.
//
//	go -C test/mail run . harvest
func harvestContained(args []string, stdout, progress io.Writer) error {
	o, err := parseHarvestOptions(args, progress)
	if err != nil {
		return err
	}
	if err := furnish(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	began := time.Now()
	h, err := assembleHarvest(ctx, o, progress)
	if err != nil {
		return err
	}
	r := &harvestResult{date: began, courses: courses(), each: o.each, versions: h.versions}
	if err := h.carryOut(ctx, r); err != nil {
		return err
	}
	h.say("took %.0f s", time.Since(began).Seconds())
	if err := r.text(stdout); err != nil {
		return err
	}
	if err := r.verdict(); err != nil || o.write == "" {
		return err
	}
	return r.document(o.write)
}

// Times that pass between what bots do.
const (
	feedAge    = 7*24*time.Hour + time.Hour
	withinHour = 30 * time.Minute
	judgeAfter = 24 * time.Hour
	soonAgain  = 10 * time.Minute
)

// carryOut fills r.
func (h *harvestLab) carryOut(ctx context.Context, r *harvestResult) error {
	h.say("the first day begins")
	wrong, err := h.keepAway(ctx)
	if err != nil {
		return err
	}
	if err := h.day(ctx, r, 0, func(b *harvestBot) walk { return b.day }); err != nil {
		return err
	}
	if err := h.sink.goOn(withinHour); err != nil {
		return err
	}
	if err := h.loose(h.crowd, func(b *harvestBot) walk { return b.hour }); err != nil {
		return err
	}
	if err := h.sink.goOn(judgeAfter); err != nil {
		return err
	}
	h.say("the next day begins")
	if err := h.harvested(ctx, r); err != nil {
		return err
	}
	if err := h.day(ctx, r, 1, func(b *harvestBot) walk { return b.next }); err != nil {
		return err
	}
	if err := h.comesBack(ctx, r, wrong); err != nil {
		return err
	}
	if err := h.sink.goOn(soonAgain); err != nil {
		return err
	}
	// Who was put off has been seen by that.
	for _, b := range h.crowd {
		if !b.again || b.taken {
			continue
		}
		if stays, err := h.staysServed(b.addr); stays || err != nil {
			return errors.Join(fmt.Errorf("bot %v, %s: stays on the list: %v", b.addr, b.what, stays), err)
		}
	}
	if err := h.forgets(ctx); err != nil {
		return err
	}
	err = h.loose(h.crowd, func(b *harvestBot) walk {
		if b.again && !b.taken {
			return b.next
		}
		return nil
	})
	if err != nil {
		return err
	}
	return h.count(r)
}

// day has every honest sender send to every domain, while the bots call.
func (h *harvestLab) day(ctx context.Context, r *harvestResult, n int, choose func(*harvestBot) walk) error {
	for _, b := range h.crowd {
		b.another()
	}
	sent, err := h.sendAll(ctx)
	if err != nil {
		return err
	}
	if err := h.loose(h.crowd, choose); err != nil {
		return err
	}
	for _, f := range sent {
		found, ok, err := h.boxes.wait(f.id, arriveWithin)
		if err != nil {
			return err
		}
		r.honestly(n, f.shape.label, ok && !found.junk)
		if !ok || found.junk {
			h.say("%s to %s: in a mailbox: %v, marked by rspamd: %v (%s); its log: %v", f.station.name, f.to, ok, found.junk, found.score, f.station.log.about(f.id))
		}
	}
	return nil
}

// arriveWithin is how long a message may take on a busy machine.
const arriveWithin = time.Minute

// sendAll submits a message of each honest sender to each domain.
func (h *harvestLab) sendAll(ctx context.Context) ([]*followed, error) {
	var sent []*followed
	for _, st := range h.honest {
		for _, s := range h.shapes {
			f, err := h.send(ctx, st, s, 0)
			if err != nil {
				return nil, err
			}
			sent = append(sent, f)
		}
	}
	return sent, nil
}

// count looks which of the bots' messages of the second day are in a mailbox.
func (h *harvestLab) count(r *harvestResult) error {
	for _, b := range h.crowd {
		within := time.Duration(0)
		if b.taken {
			within = arriveWithin
		}
		found, ok, err := h.boxes.wait(b.id, within)
		if err != nil {
			return err
		}
		if ok && found.score == "" {
			return fmt.Errorf("bot %v: rspamd has not looked at its message", b.addr)
		}
		r.reached(b, ok && !found.junk)
		if (ok && !found.junk) != b.reach[b.shape.label] {
			h.say("bot %v to %s, %s: in a mailbox: %v, marked by rspamd: %v (%s); replies %q", b.addr, b.shape.label, b.what, ok, found.junk, found.score, b.replies)
		}
	}
	return nil
}

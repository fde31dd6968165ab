package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// A vigil is a fault of two sinks, one of them watched, while mail goes on.
type vigil struct {
	fault
	with, without *shape

	// broke is when the sinks stopped refusing and mended when they did again; gone
	// is when the watched one was out of the answers, and back when it was in them.
	broke, gone, mended, back time.Time

	sets    int // that were looked at for names without an address
	flaps   int // changes of the watched set that nobody expects
	mu      sync.Mutex
	streams map[string]streams // by sender
}

// streams are one sender's messages to the watched domain and to the other.
type streams struct {
	with, without []sent
	joins         time.Duration // of the sender
	after         outcome       // the message once the sink was back
}

// A sent message is a try and when it was handed to the sender.
type sent struct {
	try
	at time.Time
}

// A pace is how fast the vigils go.
type pace struct {
	watch  string        // the line of the stanza
	every  time.Duration // from one message of a sender to a domain to the next
	before time.Duration // for which the sinks refuse at first
	after  time.Duration // for which mail goes on when the fake is out of the answers and of all caches
	faults []fault
	// returns says that the vigils last until the sinks are back.
	returns bool
}

// vigilTTL is that of the zones whose sinks fail.
const vigilTTL = 5

// cached is how long after it is out of the answers a fake can still be in the
// cache of a resolver, which counts whole seconds.
const cached = (vigilTTL + 1) * time.Second

func newPace(short bool) pace {
	if short {
		return pace{watch: "watch 10s", every: 2 * time.Second, before: 8 * time.Second, after: 10 * time.Second, faults: faults()[1:]}
	}
	return pace{watch: "watch", every: 5 * time.Second, before: 30 * time.Second, after: time.Minute, faults: faults(), returns: true}
}

// vigils makes the shapes.
func (p *plan) vigils(pc pace) []*vigil {
	list := make([]*vigil, 0, len(pc.faults))
	for _, f := range pc.faults {
		sink := func(s *shape) *shape {
			s.label += f.label
			s.what = "lowest " + f.what
			s.ttl, s.lowest = vigilTTL, p.sinks(onlyV4, "fake0")
			s.want = []mx{{0, "fake0"}, {10, "mail"}, {20, "backup"}}
			return p.usual(s)
		}
		list = append(list, &vigil{
			fault: f, streams: map[string]streams{},
			with:    sink(&shape{label: "watched-", watch: pc.watch}),
			without: sink(&shape{label: "unwatched-"}),
		})
	}
	return list
}

// onlookerAddr is that of the host that sees fakes come and go.
var onlookerAddr = netip.MustParseAddr("203.0.113.201")

// A vigilance is all vigils of a run while they last.
type vigilance struct {
	*laboratory
	pace      pace
	vigils    []*vigil
	onlookers map[*shape]*onlooker
}

// keepVigil has the sinks of all vigils fail and refuse again while the senders
// send. What was seen then is complete but for the return of the fakes.
func (l *laboratory) keepVigil(ctx context.Context, pc pace, vigils []*vigil) (*vigilance, error) {
	w := &vigilance{laboratory: l, pace: pc, vigils: vigils, onlookers: map[*shape]*onlooker{}}
	_, res, err := l.resolving(ctx, "onlooker", nil, onlookerAddr, v6(onlookerAddr))
	if err != nil {
		return nil, err
	}
	for _, v := range vigils {
		for _, s := range []*shape{v.with, v.without} {
			w.onlookers[s] = &onlooker{shape: s, resolver: res}
			go w.onlookers[s].look(ctx)
		}
	}
	errs := make([]error, len(vigils))
	var all sync.WaitGroup
	for i, v := range vigils {
		all.Go(func() { errs[i] = w.keep(ctx, v) })
	}
	all.Wait()
	return w, errors.Join(errs...)
}

// keep is one vigil up to the moment when the sinks refuse again and all
// messages have come to an end.
func (w *vigilance) keep(ctx context.Context, v *vigil) error {
	if _, err := w.onlookers[v.with].wait(ctx, true, time.Time{}, readyWithin); err != nil {
		return err
	}
	sending, stop := context.WithCancel(ctx)
	defer stop()
	errs := make([]error, len(w.stations), len(w.stations)+1)
	var all sync.WaitGroup
	for i, st := range w.stations {
		if !st.dane {
			all.Go(func() { errs[i] = w.serve(ctx, sending, st, v) })
		}
	}
	err := w.fail(ctx, v)
	stop()
	all.Wait()
	return errors.Join(append(errs, err)...)
}

// fail has the sinks fail until the watched fake is out of all answers and some
// more mail was sent.
func (w *vigilance) fail(ctx context.Context, v *vigil) error {
	time.Sleep(w.pace.before)
	v.broke = time.Now()
	end, err := v.begin(w.sinks, []netip.Addr{v.with.lowest[0].addrs[0], v.without.lowest[0].addrs[0]})
	if err == nil {
		v.gone, err = w.onlookers[v.with].wait(ctx, false, v.broke, 2*v.noticed)
	}
	if err == nil {
		w.say("a sink that %s was out of the answers after %.1f s", v.what, v.gone.Sub(v.broke).Seconds())
		time.Sleep(cached + w.pace.after)
	}
	if end != nil {
		err = errors.Join(err, end())
	}
	v.mended = time.Now()
	return err
}

// serve sends messages to both domains of a vigil until sending ends, and follows
// them to their ends.
func (w *vigilance) serve(ctx, sending context.Context, st *station, v *vigil) error {
	var found [2][]sent
	var errs [2]error
	var both sync.WaitGroup
	for i, s := range []*shape{v.with, v.without} {
		both.Go(func() { found[i], errs[i] = w.stream(ctx, sending, st, s) })
	}
	both.Wait()
	v.mu.Lock()
	v.streams[st.name] = streams{with: found[0], without: found[1], joins: st.joins}
	v.mu.Unlock()
	return errors.Join(errs[:]...)
}

// endures is longer than any sender waits for a host that drops packets.
const endures = 150 * time.Second

func (w *vigilance) stream(ctx, sending context.Context, st *station, s *shape) ([]sent, error) {
	var all []*followed
	for i := 0; sending.Err() == nil; i++ {
		f, err := w.send(ctx, st, s, i%owners)
		if err != nil {
			return nil, err
		}
		all = append(all, f)
		select {
		case <-sending.Done():
		case <-time.After(w.pace.every):
		}
	}
	ends := make([]sent, 0, len(all))
	flushed := false
	for _, f := range all {
		receipts := w.ledger.wait(ctx, f.id, func() bool { return time.Since(f.start) > endures })
		if len(receipts) == 0 && !flushed {
			flushed = true
			if err := st.each(ctx, st.flush); err != nil {
				return nil, err
			}
		}
		if len(receipts) == 0 {
			until := time.Now().Add(patience)
			receipts = w.ledger.wait(ctx, f.id, func() bool { return time.Now().After(until) })
		}
		ends = append(ends, sent{f.judge(receipts), f.start})
	}
	w.say("%s: %s: %d messages", st.name, s.zone(), len(ends))
	return ends, nil
}

// returnsWithin is how long a sink has to refuse until its fake is back: ten
// minutes, and up to two rounds of the prober.
const returnsWithin = 12 * time.Minute

// end waits until the fakes are back, if they shall be, and sends a message by
// each sender then.
func (w *vigilance) end(ctx context.Context) error {
	for _, v := range w.vigils {
		changes := 1
		if w.pace.returns {
			changes++
			if err := w.comeBack(ctx, v); err != nil {
				return err
			}
		}
		sets, with, err := w.onlookers[v.with].found()
		more, without, other := w.onlookers[v.without].found()
		if err := errors.Join(err, other); err != nil {
			return err
		}
		v.sets, v.flaps = sets+more, with-changes+without
	}
	return nil
}

func (w *vigilance) comeBack(ctx context.Context, v *vigil) (err error) {
	if v.back, err = w.onlookers[v.with].wait(ctx, true, v.mended, time.Until(v.mended.Add(returnsWithin))); err != nil {
		return err
	}
	w.say("a sink that %s was back %.1f s after it refused again", v.what, v.back.Sub(v.mended).Seconds())
	time.Sleep(cached) // for the resolvers of the senders
	var all sync.WaitGroup
	for _, st := range w.stations {
		if st.dane {
			continue
		}
		all.Go(func() {
			o := w.deliver(ctx, st, v.with, 0, 0)
			v.mu.Lock()
			defer v.mu.Unlock()
			both := v.streams[st.name]
			both.after = o
			v.streams[st.name] = both
		})
	}
	all.Wait()
	return nil
}

// span says when a message was sent: while all was well, while the watched fake
// could still be in somebody's cache, or later.
type span int

const (
	well span = iota
	unnoticed
	later
)

// span of a message. One that was sent just before the sinks failed may have met
// them after.
func (v *vigil) span(m sent) span {
	const onItsWay = 5 * time.Second
	switch {
	case m.at.Before(v.broke.Add(-onItsWay)):
		return well
	case m.at.Before(v.gone.Add(cached)):
		return unnoticed
	default:
		return later
	}
}

// within picks the messages of a span.
func (v *vigil) within(list []sent, s span) outcome {
	var o outcome
	for _, m := range list {
		if v.span(m) == s {
			o.tries = append(o.tries, m.try)
		}
	}
	return o
}

// longest is the longest delay of a delivered message, in seconds.
func (o outcome) longest() float64 {
	most := 0.0
	for _, t := range o.tries {
		if t.fate == delivered {
			most = max(most, t.seconds)
		}
	}
	return most
}

var errNothingShown = errors.New("no message was delayed or lost without watch, so this shows nothing")

// endured is a delay that no sender has but by a sink that drops packets: the
// least patient waits for 30 s.
const endured = 25.0

// judge complains if watch did not do what it promises, or if the same without
// it shows no harm. Only all senders together must show that.
func (v *vigil) judge(selected bool) error {
	var errs []error
	if took := v.gone.Sub(v.broke); took > v.noticed {
		errs = append(errs, fmt.Errorf("out of the answers after %.1f s, expected %v at most", took.Seconds(), v.noticed))
	}
	if v.flaps != 0 {
		errs = append(errs, fmt.Errorf("the fakes came and went %d times more than their sinks", v.flaps))
	}
	harm := false
	for _, name := range slices.Sorted(maps.Keys(v.streams)) {
		s := v.streams[name]
		if err := v.judgeOne(s); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
		bad := v.within(s.without, later)
		harm = harm || arrived(bad) != nil || bad.longest() > endured
	}
	if !harm && !selected {
		errs = append(errs, errNothingShown)
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("a lowest sink %s: %w", v.what, err)
	}
	return nil
}

// judgeOne complains about one sender's mail.
func (v *vigil) judgeOne(s streams) error {
	errs := []error{arrived(v.within(s.with, well)), arrived(v.within(s.without, well))}
	safe := v.within(s.with, later)
	errs = append(errs, arrived(safe))
	if len(safe.tries) == 0 {
		errs = append(errs, errors.New("no message was sent once the fake was gone"))
	}
	if took := safe.longest(); took > endured+s.joins.Seconds() {
		errs = append(errs, fmt.Errorf("a message was delayed by %.1f s once the fake was gone", took))
	}
	return errors.Join(append(errs, s.after.broken, arrived(s.after))...)
}

package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// An onlooker asks for the MX set of a shape over and over: the name server, to
// see when the fakes come and go, and as senders do through a resolver of its
// own, to see whether each name that it is handed has an address.
type onlooker struct {
	shape    *shape
	resolver *resolver

	mu        sync.Mutex
	sightings []sighting // of changes at the name server
	sets      int        // that were looked at, of both
	failed    error      // the first thing that must not be
}

// A sighting is when the fakes were first seen in the set, or first missed.
type sighting struct {
	at   time.Time
	fake bool
}

// glance is the time from one look to the next.
const glance = 250 * time.Millisecond

// look goes on until ctx ends.
func (o *onlooker) look(ctx context.Context) {
	tick := time.NewTicker(glance)
	defer tick.Stop()
	for {
		o.note(o.glance())
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// glance is one look at the set, in both ways.
func (o *onlooker) glance() error {
	set, err := o.answered(o.direct)
	if err != nil {
		return err
	}
	o.saw(slices.ContainsFunc(set, func(m mx) bool { return m.host == o.shape.lowest[0].name }), time.Now())
	_, err = o.answered(o.resolver.lookup)
	return err
}

// answered asks for the set and then for the addresses of each host in it.
func (o *onlooker) answered(ask func(name string, qtype uint16) (*dns.Msg, error)) ([]mx, error) {
	answer, err := ask(o.shape.zone(), dns.TypeMX)
	if err != nil {
		return nil, err
	}
	set := setOf(answer, o.shape.zone())
	for _, m := range set {
		name := m.host + "." + o.shape.zone()
		v4, err := ask(name, dns.TypeA)
		if err != nil {
			return nil, err
		}
		if len(addressesOf(v4)) > 0 {
			continue
		}
		v6, err := ask(name, dns.TypeAAAA)
		if err != nil {
			return nil, err
		}
		if len(v6.Answer) == 0 {
			return nil, fmt.Errorf("%s is in the MX set %v and has no address", name, set)
		}
	}
	return set, nil
}

// direct asks the name server of the shape.
func (o *onlooker) direct(name string, qtype uint16) (answer *dns.Msg, err error) {
	err = o.resolver.node.do(func() error {
		answer, err = exchange(new(dns.Msg).SetQuestion(name, qtype), netip.AddrPortFrom(o.shape.server, 53).String())
		return err
	})
	if err == nil && answer.Rcode != dns.RcodeSuccess {
		err = fmt.Errorf("%s %s at the name server: %s", name, dns.TypeToString[qtype], dns.RcodeToString[answer.Rcode])
	}
	return answer, err
}

func (o *onlooker) saw(fake bool, at time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if n := len(o.sightings); n == 0 || o.sightings[n-1].fake != fake {
		o.sightings = append(o.sightings, sighting{at, fake})
	}
}

func (o *onlooker) note(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sets += 2
	if o.failed == nil && err != nil {
		o.failed = err
	}
}

// first returns the first sighting after t of the fakes, or of their absence.
func (o *onlooker) first(fake bool, t time.Time) (time.Time, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range o.sightings {
		if s.fake == fake && s.at.After(t) {
			return s.at, true
		}
	}
	return time.Time{}, false
}

// found returns how many sets were looked at, how often the fakes came or went,
// and what must not be.
func (o *onlooker) found() (sets, changes int, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.sets, len(o.sightings) - 1, o.failed
}

// wait waits for a sighting after t.
func (o *onlooker) wait(ctx context.Context, fake bool, t time.Time, within time.Duration) (time.Time, error) {
	for deadline := time.Now().Add(within); ; time.Sleep(glance) {
		if at, ok := o.first(fake, t); ok {
			return at, nil
		}
		if ctx.Err() != nil || time.Now().After(deadline) {
			_, _, err := o.found()
			return time.Time{}, errors.Join(err, fmt.Errorf("%s: fakes in the set: not %t within %v", o.shape.zone(), fake, within))
		}
	}
}

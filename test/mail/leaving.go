package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// A leaver serves the shapes whose fakes are taken out for good, one step after
// the other.
type leaver struct {
	server *coredns
	forms  [3]string // Corefiles: with the fakes, without, and without their sinks
	at     int
}

// leavingTTL is the sinks' TTL in the shapes that fakes leave: it ends at once,
// and that of the MX sets, longTTL, not before the last message is sent.
const leavingTTL = 1

// leaving makes the shapes whose fakes are taken out. In the first two all goes
// at once, and the name of the sink then does not exist, or exists by a wildcard
// but has no address. In the third the sink stays until nobody can hold the set.
func (p *plan) leaving() []knownLoss {
	leave := func(s *shape, mails int, losers ...string) knownLoss {
		s.server, s.sinkTTL = leaveServer, leavingTTL
		s.lowest = p.sinks(onlyV4, "fake0")
		s.want = []mx{{0, "fake0"}, {10, "mail"}, {20, "backup"}}
		return knownLoss{p.usual(s), losers, mails}
	}
	return []knownLoss{
		leave(&shape{label: "leave-nxdomain", what: "all out at once: sink NXDOMAIN"}, 1),
		leave(&shape{label: "leave-nodata", what: "all out at once: sink NODATA", extra: []string{`* TXT "any name"`}}, 1, "dma"),
		leave(&shape{label: "leave-order", what: "MX out first, sink after its TTL", stays: true}, 2),
	}
}

func (p *publisher) startLeaver(shapes []*shape) (*leaver, error) {
	v := &leaver{}
	files := map[string]string{}
	for _, s := range shapes {
		plain, typed, hand := s.label+".plain.zone", s.label+".typed.zone", s.label+".hand.zone"
		files[plain] = s.zoneText(leaveServer, longTTL, false)
		files[typed] = files[plain] + s.sinkRecords()
		files[hand] = s.zoneText(leaveServer, longTTL, true)
		// A resolver may let a set go together with its glue, whose TTL is short
		// here; so there is none.
		first := serverBlock(s.zone(), leaveServer, "    minimal\n"+s.stanza(), plain)
		if p.byHand {
			first = serverBlock(s.zone(), leaveServer, "    minimal\n", hand)
		}
		second := plain
		if s.stays {
			second = typed
		}
		v.forms[0] += first
		v.forms[1] += serverBlock(s.zone(), leaveServer, "", second)
		v.forms[2] += serverBlock(s.zone(), leaveServer, "", plain)
	}
	var err error
	v.server, err = p.start("leaving", v.forms[0], files)
	return v, err
}

// step goes on to the next form.
func (v *leaver) step() error {
	v.at++
	if err := os.WriteFile(filepath.Join(v.server.dir, corefile), []byte(v.forms[v.at]), 0o600); err != nil {
		return err
	}
	if err := v.server.reload(); err != nil {
		return err
	}
	return v.server.settled(v.at + 1)
}

// sinkRecords are the address records of the sinks, as one types them in before
// fakemx goes.
func (s *shape) sinkRecords() string {
	var b strings.Builder
	for _, h := range s.fakes() {
		for _, a := range h.addrs {
			fmt.Fprintf(&b, "%s %d A %s\n", h.name, leavingTTL, a)
		}
	}
	return b.String()
}

// leave takes the fakes of all shapes out while every sender's resolver still
// holds their MX sets, and sends mail by these; then once more without any.
func (l *laboratory) leave(ctx context.Context, shapes []knownLoss) ([]row, error) {
	rows := make([]row, len(shapes))
	for i, k := range shapes {
		rows[i] = row{kind: known, part: partLeaving, what: k.what, label: k.label, losers: k.losers, outcomes: map[string]outcome{}}
	}
	for _, st := range l.stations {
		if st.dane {
			continue
		}
		for _, k := range shapes {
			for i := range k.mails {
				if err := l.hasSet(st, k.shape, i); err != nil {
					return nil, err
				}
			}
		}
	}
	for round := range l.dns.leaver.forms[1:] {
		if err := l.dns.leaver.step(); err != nil {
			return nil, err
		}
		l.afterStep(ctx, shapes, rows, round)
	}
	return rows, nil
}

// afterStep sends each shape's message of the round from all senders.
func (l *laboratory) afterStep(ctx context.Context, shapes []knownLoss, rows []row, round int) {
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, st := range l.stations {
		if st.dane {
			continue
		}
		all.Go(func() {
			for i, k := range shapes {
				if round >= k.mails {
					continue
				}
				o := l.left(ctx, st, k, round)
				mu.Lock()
				o.tries = append(rows[i].outcomes[st.name].tries, o.tries...)
				rows[i].outcomes[st.name] = o
				mu.Unlock()
				l.say("%s: %s: %s", st.name, k.what, o.brief())
			}
		})
	}
	all.Wait()
}

// left sends one message after a step. After the last one the resolver holds
// nothing any more.
func (l *laboratory) left(ctx context.Context, st *station, k knownLoss, round int) outcome {
	var err error
	if round == 0 {
		err = errors.Join(l.hasSet(st, k.shape, 0), l.sinkEnds(st, k))
	} else {
		err = st.resolver.chill(ctx)
	}
	if err != nil {
		return outcome{broken: err}
	}
	t, err := l.one(ctx, st, k.shape, round, !k.loses(st.name), 0)
	if err != nil {
		return outcome{broken: err}
	}
	return outcome{tries: []try{t}}
}

// sinkEnds waits until the sink has no address for the sender's resolver, unless
// the sinks of the shape stay for now.
func (l *laboratory) sinkEnds(st *station, k knownLoss) error {
	for deadline := time.Now().Add(readyWithin); ; time.Sleep(100 * time.Millisecond) {
		addrs, err := st.resolver.has(k.lowest[0].name + "." + k.zone())
		if err != nil || k.stays == (len(addrs) > 0) {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s: the sink has addresses %v after %v", k.zone(), addrs, readyWithin)
		}
	}
}

// has returns a host's IPv4 addresses, none where it has none or does not exist.
func (r *resolver) has(host string) ([]netip.Addr, error) {
	answer, err := r.ask(host, dns.TypeA)
	if err != nil {
		return nil, err
	}
	return addressesOf(answer), nil
}

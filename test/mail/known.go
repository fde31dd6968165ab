package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// everyone stands for all senders in a list of losers.
const everyone = "everyone"

// A knownLoss is a shape and the senders that lose mail with it.
type knownLoss struct {
	*shape
	losers []string
	mails  int
}

// loses reports whether the sender is one that is known to lose mail.
func (k knownLoss) loses(sender string) bool {
	return slices.Contains(k.losers, everyone) || slices.Contains(k.losers, sender)
}

// asKnown complains if a sender loses mail that is not known to, or the reverse.
func (w row) asKnown(s *sender, o outcome) error {
	if !(knownLoss{losers: w.losers}).loses(s.name) {
		return arrived(o)
	}
	if arrived(o) == nil {
		return errors.New("all delivered, expected the loss that this shape is known for")
	}
	return nil
}

// crowdMails is how many messages go to a set with many records. With four
// hundred a sender that sees a hundred misses the real one three times in four.
const crowdMails = 9

// crowded makes sets of many records: Postfix and sendmail keep the first
// hundred of an answer, whose order a resolver turns.
func (p *plan) crowded() []knownLoss {
	return []knownLoss{
		{p.crowd("crowd51", "1 real, 50 highest", 51, false), nil, crowdMails},
		{p.crowd("crowd100", "1 real, 99 highest, by hand", 100, true), nil, crowdMails},
		{p.crowd("crowd400", "1 real, 399 highest, by hand", 400, true), []string{"Postfix", "sendmail"}, crowdMails},
	}
}

// crowd makes a set of n records, of which one is real. Its sinks share an
// address.
func (p *plan) crowd(label, what string, n int, byHand bool) *shape {
	s := &shape{label: label, what: what, byHand: byHand,
		real: []mx{{10, "mail"}}, hosts: p.servers(onlyV4, "mail"), want: []mx{{10, "mail"}}}
	sink := give(&p.nextSink, onlyV4)
	for i := 1; i < n; i++ {
		name := fmt.Sprintf("fake%d", i)
		s.highest = append(s.highest, host{name, slices.Clone(sink)})
		s.want = append(s.want, mx{10 + 10*i, name})
	}
	return p.add(s)
}

// oneLabel makes a zone whose wildcard takes mail for every name, and sinks of
// two labels and of one: the former bring mx.ZONE into being, where the wildcard
// then no longer applies (RFC 4592 section 2.2.2).
func (p *plan) oneLabel() []knownLoss {
	wild := func(s *shape, losers ...string) knownLoss {
		s.wild, s.real, s.hosts = true, []mx{{10, "mail"}}, p.servers(bothFamilies, "mail")
		return knownLoss{p.add(s), losers, 1}
	}
	return []knownLoss{
		wild(&shape{label: "wild", what: "wildcard MX, no fakes", plain: true, want: []mx{{10, "mail"}}}),
		wild(&shape{label: "wild2", what: "wildcard MX, sink fake0.mx", lowest: p.sinks(onlyV4, "fake0.mx")}, everyone),
		wild(&shape{label: "wild1", what: "wildcard MX, sink fake0", lowest: p.sinks(onlyV4, "fake0"),
			want: []mx{{0, "fake0"}, {10, "mail"}}}),
	}
}

// addressLimit makes a set of three dual-stack hosts of which only the last is
// up. Postfix calls five addresses, so one lowest fake is one too many.
func (p *plan) addressLimit() []knownLoss {
	three := func(s *shape, losers ...string) knownLoss {
		s.real = []mx{{10, "a"}, {20, "b"}, {30, "c"}}
		s.hosts, s.down = p.servers(bothFamilies, "a", "b", "c"), []string{"a", "b"}
		s.want = slices.Clone(s.real)
		for _, h := range s.lowest {
			s.want = append(s.want, mx{0, h.name})
		}
		return knownLoss{p.add(s), losers, 1}
	}
	return []knownLoss{
		three(&shape{label: "three", what: "two of three down, no fakes", plain: true}),
		three(&shape{label: "three1", what: "two of three down, one lowest", lowest: p.sinks(onlyV4, "fake0")}, "Postfix"),
	}
}

// volley sends all messages of a case at once, each to another domain of the
// shape, and follows them through up to flushes runs of the queue.
func (l *laboratory) volley(ctx context.Context, st *station, k knownLoss, patient bool, flushes int) outcome {
	if err := l.seen(st, k.shape, 0); err != nil {
		return outcome{broken: err}
	}
	tries, errs := make([]try, k.mails), make([]error, k.mails)
	var all sync.WaitGroup
	for i := range k.mails {
		all.Go(func() { tries[i], errs[i] = l.one(ctx, st, k.shape, i, patient, flushes) })
	}
	all.Wait()
	return outcome{tries: tries, broken: errors.Join(errs...)}
}

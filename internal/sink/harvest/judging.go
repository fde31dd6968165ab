package harvest

import (
	"context"
	"encoding/hex"
	"time"

	"github.com/fakemx/fakemx/internal/sink/store"
	"github.com/fakemx/fakemx/internal/sink/visit"
)

const (
	// atOnce is how many visits are judged in one transaction.
	atOnce = 500
	// period is how long an address is listed at first, and longest at most.
	period  = 3 * 24 * time.Hour
	longest = 30 * 24 * time.Hour
	// between is how far apart two visits lie of which the second is a return, and
	// not more of the same run.
	between = time.Hour
	// patience is how long a visit waits for what is to be known about it.
	patience = 6 * time.Hour
)

// standing is what about a visit is known outside of the store.
type standing struct {
	hosts Reason
	own   bool
}

// judgeDue judges the visits whose time has come.
func (e *Engine) judgeDue(ctx context.Context, now time.Time) error {
	for ctx.Err() == nil {
		var due []*store.Candidate
		err := e.config.Store.View(func(l *store.Ledger) error {
			due = l.Due(now.Add(-e.config.After), atOnce)
			return nil
		})
		if err != nil || len(due) == 0 {
			return err
		}
		// DNS is asked between the transactions.
		standings := make([]standing, len(due))
		for i, c := range due {
			standings[i].hosts, standings[i].own = e.mailHosts(ctx, c.Visit)
		}
		var verdicts []Reason
		err = e.config.Store.Update(func(l *store.Ledger) error {
			verdicts, err = e.judgeAll(l, due, standings, now)
			return err
		})
		if err != nil {
			return err
		}
		for _, reason := range verdicts {
			e.config.Count(reason)
			if reason == OneAddress {
				e.single.Store(true)
			}
		}
		if len(verdicts) < atOnce {
			return nil
		}
	}
	return nil
}

// judgeAll judges visits in the order of time, up to the first that must wait.
func (e *Engine) judgeAll(l *store.Ledger, due []*store.Candidate, standings []standing, now time.Time) ([]Reason, error) {
	feeds := e.feeds(l)
	verdicts := make([]Reason, 0, len(due))
	for i, c := range due {
		reason := Judge(e.facts(l, c, standings[i], feeds, now))
		if reason == Waiting || reason == MXUnknown && now.Sub(c.Visit.Time) < e.config.After+patience {
			break
		}
		reason, err := e.sentence(l, c, reason, now)
		if err != nil {
			return nil, err
		}
		if err := l.Judged(c, string(reason), now.UTC()); err != nil {
			return nil, err
		}
		verdicts = append(verdicts, reason)
	}
	if len(verdicts) == 0 {
		return nil, nil
	}
	return verdicts, l.JudgedUpTo(due[len(verdicts)-1].Visit.Time)
}

// facts collects what Judge asks for.
func (e *Engine) facts(l *store.Ledger, c *store.Candidate, s standing, feeds []Feed, now time.Time) Facts {
	v := c.Visit
	f := Facts{
		Client: v.Client, Time: v.Time,
		Feed: Proven(feeds, v.Time, now, e.config.After, e.config.Gap), Hosts: s.hosts,
		Acquitted: l.Acquitted(v.Client),
		OwnHost:   s.own || e.domains.ownHost(v.Client),
		Met:       c.Met || l.Met(v.Client, v.Time.Add(-Before)),
		Envelopes: e.envelopes(l, v),
		Checks:    c.Checks,
		Several:   l.Several(v.Time.Add(-e.config.After), v.Time.Add(e.config.After)),
	}
	_, f.Allowed = l.AllowedBy(v.Client)
	for _, other := range l.OfClient(v.Client) {
		if f.OtherEnvelopes == "" {
			f.OtherEnvelopes = e.envelopes(l, other.Visit)
		}
	}
	return f
}

// envelopes judges the envelopes of a visit.
func (e *Engine) envelopes(l *store.Ledger, v *visit.Visit) Reason {
	for _, pair := range pairs(e.mailsToUs(v)) {
		if reason := envelope(l.Envelope(pair)); reason != "" {
			return reason
		}
	}
	return ""
}

// sentence does what follows from a verdict, and returns it, or Full.
func (e *Engine) sentence(l *store.Ledger, c *store.Candidate, reason Reason, now time.Time) (Reason, error) {
	client := c.Visit.Client
	switch {
	case reason.clears():
		return reason, l.Clear(client, now, string(reason))
	case reason != Bot:
		return reason, nil
	}
	entry := l.Entry(client)
	if entry == nil && l.Full() {
		return Full, nil
	}
	return Bot, l.List(e.enter(entry, c, now))
}

// enter makes an entry, or changes one for another visit: a return with another
// envelope doubles its time.
func (e *Engine) enter(entry *store.Entry, c *store.Candidate, now time.Time) *store.Entry {
	back := entry != nil && c.Visit.Time.Sub(entry.LastVisit) >= between
	if entry == nil {
		entry = &store.Entry{Client: c.Visit.Client, Listed: now.UTC()}
	}
	another := false
	for _, pair := range pairs(e.mailsToUs(c.Visit)) {
		if entry.AddEnvelope(pair.String()) {
			another = true
		}
	}
	if entry.Times == 0 || back && another {
		entry.Times++
		entry.Until = now.UTC().Add(lasts(entry.Times))
		entry.LastVisit, entry.Evidence = c.Visit.Time, c
	}
	return entry
}

// lasts is how long an address is listed after so many visits that counted.
func lasts(times int) time.Duration {
	if times > 4 {
		return longest
	}
	return min(period<<(times-1), longest)
}

// rejudge looks again at everything that is listed: an envelope may have come to
// a real host, or again, since. A sight at a real host acquits by itself.
func (e *Engine) rejudge(now time.Time) error {
	if now.Sub(e.rejudged) < rejudgeEvery {
		return nil
	}
	e.rejudged = now
	var off []*store.Entry
	var why []Reason
	err := e.config.Store.View(func(l *store.Ledger) error {
		l.Entries(func(entry *store.Entry) {
			if reason := e.excuse(l, entry); reason != "" && entry.Active(now) {
				off, why = append(off, entry), append(why, reason)
			}
		})
		return nil
	})
	if err != nil || len(off) == 0 {
		return err
	}
	return e.config.Store.Update(func(l *store.Ledger) error {
		for i, entry := range off {
			if err := l.Clear(entry.Client, now, string(why[i])); err != nil {
				return err
			}
		}
		return nil
	})
}

// excuse is what has become known in favour of an entry.
func (e *Engine) excuse(l *store.Ledger, entry *store.Entry) Reason {
	if e.domains.ownHost(entry.Client) {
		return OwnHost
	}
	for _, text := range entry.Envelopes {
		var pair visit.Pair
		if n, err := hex.Decode(pair[:], []byte(text)); err != nil || n != len(pair) {
			continue
		}
		if reason := envelope(l.Envelope(pair)); reason != "" {
			return reason
		}
	}
	return ""
}

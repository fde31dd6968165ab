package harvest

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/fakemx/fakemx/internal/sink/store"
)

// Names of the forms of a Listing and a Shown as JSON.
const (
	ListSchema = "fakemx-sink-list/1"
	ShowSchema = "fakemx-sink-show/1"
)

// ByHand is why an operator's acquittal, or an entry of the allow list, takes
// addresses off the list.
const (
	ByHand      = "by_hand"
	ByAllowance = string(Allowed)
)

// A Listing is who is listed.
type Listing struct {
	Schema  string          `json:"schema"`
	Status  Status          `json:"status"`
	Entries []Listed        `json:"entries"`
	Allowed []store.Allowed `json:"allowed"`
}

// Listed is an address on the list.
type Listed struct {
	Client netip.Addr `json:"client"`
	Listed time.Time  `json:"listed"`
	Until  time.Time  `json:"until"`
	Times  int        `json:"times"`
}

// List returns who is listed, in the order of their addresses.
func (e *Engine) List() (*Listing, error) {
	now := e.config.Now()
	all := &Listing{Schema: ListSchema, Status: e.Status(), Entries: []Listed{}}
	return all, e.config.Store.View(func(l *store.Ledger) error {
		l.Entries(func(entry *store.Entry) {
			if entry.Active(now) {
				all.Entries = append(all.Entries, Listed{entry.Client, entry.Listed, entry.Until, entry.Times})
			}
		})
		all.Allowed = l.Allowed()
		return nil
	})
}

// A Shown is all that is known of an address.
type Shown struct {
	Schema    string           `json:"schema"`
	Client    netip.Addr       `json:"client"`
	Listed    bool             `json:"listed"`
	Entry     *store.Entry     `json:"entry,omitempty"` // also if it was listed only
	Acquitted *store.Acquittal `json:"acquitted,omitempty"`
	Allowed   *netip.Prefix    `json:"allowed,omitempty"` // the entry of the allow list
	Visits    []ShownVisit     `json:"visits"`
}

// A ShownVisit is a visit and what follows from it.
type ShownVisit struct {
	*store.Candidate

	// Reason is the verdict, or, of a visit that isn't judged yet, what it would
	// be for now.
	Reason Reason `json:"reason"`
	Text   string `json:"text"`
}

// Show returns what is known of an address.
func (e *Engine) Show(ctx context.Context, client netip.Addr) (*Shown, error) {
	now := e.config.Now()
	shown := &Shown{Schema: ShowSchema, Client: client, Visits: []ShownVisit{}}
	var visits []*store.Candidate
	err := e.config.Store.View(func(l *store.Ledger) error {
		visits = l.OfClient(client)
		return nil
	})
	if err != nil {
		return nil, err
	}
	standings := make([]standing, len(visits))
	for i, c := range visits {
		standings[i].hosts, standings[i].own = e.mailHosts(ctx, c.Visit)
	}
	return shown, e.config.Store.View(func(l *store.Ledger) error {
		if shown.Entry = l.Entry(client); shown.Entry != nil {
			shown.Listed = shown.Entry.Active(now)
		}
		shown.Acquitted = l.Acquitted(client)
		if p, ok := l.AllowedBy(client); ok {
			shown.Allowed = &p
		}
		feeds := e.feeds(l)
		for i, c := range visits {
			reason := Reason(c.Verdict)
			if reason == "" {
				reason = Judge(e.facts(l, c, standings[i], feeds, now))
			}
			shown.Visits = append(shown.Visits, ShownVisit{c, reason, reason.Text()})
		}
		return nil
	})
}

// Acquit takes an address off the list, and forgives what it did until now.
func (e *Engine) Acquit(client netip.Addr) error {
	return e.config.Store.Update(func(l *store.Ledger) error {
		return l.Clear(client, e.config.Now(), ByHand)
	})
}

// Allow puts a prefix on the allow list, and takes it off the list.
func (e *Engine) Allow(p netip.Prefix) error {
	return e.config.Store.Update(func(l *store.Ledger) error {
		return l.Allow(p, e.config.Now(), ByAllowance)
	})
}

// ErrNotAllowed is that a prefix is not on the allow list.
var ErrNotAllowed = errors.New("is not on the allow list")

// Disallow takes a prefix off the allow list.
func (e *Engine) Disallow(p netip.Prefix) error {
	return e.config.Store.Update(func(l *store.Ledger) error {
		found, err := l.Disallow(p)
		if err == nil && !found {
			return fmt.Errorf("%v %w", p, ErrNotAllowed)
		}
		return err
	})
}

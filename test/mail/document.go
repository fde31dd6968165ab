package main

import (
	_ "embed"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
	"time"
)

//go:embed mail.md.tmpl
var page string

// document writes the page and its plot into dir.
func (r *result) document(dir string) error {
	t, err := template.New("mail.md").Parse(page)
	if err != nil {
		return err
	}
	var b strings.Builder
	if err := t.Execute(&b, r.facts()); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "mail.md"), []byte(b.String()), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "mail.svg"), []byte(r.plot()), 0o644)
}

// facts are the figures of the page, all computed from the run.
type facts struct {
	Date, Versions                               string
	Minutes, SenderCount, Mails, Tries           int
	SafeMessages, SafeShapes                     int
	LargestExtra                                 string
	Waiting                                      []waiter
	Reloads, ReloadMessages, ReloadMails         int
	SenderTable, OrderTable, DaneTable, BotTable string
	Refusals                                     []refused
}

// A waiter is a sender that waits after refusals: how long after each, and how
// much that adds at most.
type waiter struct{ Name, Each, Extra string }

// A refused shape: what it loses, and what fakemx says to it.
type refused struct{ What, Losers, Says string }

func (r *result) facts() facts {
	f := facts{
		Date:        r.date.UTC().Format(time.DateOnly),
		Minutes:     int(r.elapsed.Round(time.Minute).Minutes()),
		Mails:       r.mails,
		Tries:       r.tries,
		Reloads:     r.reloads,
		ReloadMails: reloadMails,
		SenderTable: r.senderTable(false),
		OrderTable:  r.senderTable(true),
		DaneTable:   r.daneTable(),
		BotTable:    r.botTable(),
	}
	for _, s := range r.senders {
		if !s.dane {
			f.SenderCount++
		}
	}
	var list []string
	for _, name := range slices.Sorted(maps.Keys(r.versions)) {
		if name != postfixDANE().name { // the same package as Postfix
			list = append(list, name+" "+r.versions[name])
		}
	}
	f.Versions = strings.Join(list, ", ")
	for _, row := range r.rows {
		switch row.kind {
		case safe, unseen:
			f.SafeShapes++
			for _, o := range row.outcomes {
				f.SafeMessages += len(o.tries)
			}
		case changing:
			for _, o := range row.outcomes {
				f.ReloadMessages += len(o.tries)
			}
		case unsafe:
			f.Refusals = append(f.Refusals, refused{row.what, row.lostWith(r.senders), r.refusals[row.label]})
		}
	}
	worst := 0.0
	for _, s := range r.senders {
		if s.dane {
			continue
		}
		extra, refused := r.extra(s)
		if s.waits > 0 {
			each := extra / float64(max(refused, 1))
			f.Waiting = append(f.Waiting, waiter{s.name, fmt.Sprintf("%.1f s", each), fmt.Sprintf("%.1f s", extra)})
			continue
		}
		if extra >= worst {
			worst = extra
			f.LargestExtra = fmt.Sprintf("%.2f s (%s)", extra, s.name)
		}
	}
	return f
}

// extra is the sender's largest median delay over the one without fakes, and how
// many connections were refused there.
func (r *result) extra(s *sender) (worst float64, refused int) {
	base, ok := r.rows[0].outcomes[s.name].median()
	for _, row := range r.rows {
		if row.kind != safe && row.kind != unseen {
			continue
		}
		o := row.outcomes[s.name]
		if took, had := o.median(); ok && had && took-base > worst {
			worst, refused = took-base, o.refused()
		}
	}
	return worst, refused
}

// lostWith lists the senders that lose a message in the row, and how.
func (w row) lostWith(senders []*sender) string {
	var list []string
	for _, s := range senders {
		if o := w.outcomes[s.name]; len(o.tries) > 0 && o.tries[0].fate != delivered {
			list = append(list, fmt.Sprintf("%s (%s)", s.name, o.tries[0].fate))
		}
	}
	return strings.Join(list, ", ")
}

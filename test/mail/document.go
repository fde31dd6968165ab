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

// The pages: how late mail is, and what becomes of it where not all is well.
var (
	//go:embed mail.md.tmpl
	mailPage string
	//go:embed receivers.md.tmpl
	receiversPage string
)

// document writes the pages and the plot into dir, each if the run shows what it
// must: the page without seconds doesn't need a machine that is quiet.
func (r *result) document(dir string) error {
	if r.fates() != nil {
		return nil
	}
	if err := r.render(dir, "receivers.md", receiversPage); err != nil || r.verdict() != nil {
		return err
	}
	if err := r.render(dir, "mail.md", mailPage); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "mail.svg"), []byte(r.plot()), 0o644)
}

func (r *result) render(dir, name, page string) error {
	t, err := template.New(name).Parse(page)
	if err != nil {
		return err
	}
	var b strings.Builder
	if err := t.Execute(&b, r.facts()); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, name), []byte(b.String()), 0o644)
}

// facts are the figures of the page, all computed from the run.
type facts struct {
	Date, Versions                       string
	Minutes, SenderCount, Mails, Tries   int
	SafeMessages, SafeShapes             int
	LargestExtra                         string
	Waiting                              []waiter
	Reloads, ReloadMessages, ReloadMails int
	Table                                map[string]string
	Orders, Message                      string
	Remedy                               string
	Losers                               losers
	Options                              []option
	GreyMails                            int
	Stray, Stay                          string
	Refusals                             []refused
	Vigils                               []vigilFacts
	VigilEvery                           string
	VigilTTL, VigilSets                  int
}

// A waiter is a sender that waits after refusals: how long after each, and how
// much that adds at most.
type waiter struct{ Name, Each, Extra string }

// losers name who lost mail in a part of the page.
type losers struct{ Crowd, Limit, Leaving string }

// lossesIn lists the senders that lost mail in a part.
func (r *result) lossesIn(p part) string {
	var list []string
	for _, s := range r.walkers() {
		for _, row := range r.rows {
			if o, ok := row.outcomes[s.name]; ok && row.part == p && arrived(o) != nil {
				list = append(list, s.name)
				break
			}
		}
	}
	return strings.Join(list, " and ")
}

// An option is that by which a receiver knows its domains.
type option struct{ Receiver, Text string }

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
		Table:       r.tables(),
		Orders:      r.orderList(),
		Message:     r.message(),
		Remedy:      r.remedy,
		Losers:      losers{r.lossesIn(partCrowd), r.lossesIn(partLimit), r.lossesIn(partLeaving)},
		GreyMails:   greyMails,
		VigilEvery:  newPace(r.short).every.String(),
		VigilTTL:    vigilTTL,
	}
	for _, v := range r.vigils {
		f.Vigils = append(f.Vigils, v.facts())
		f.VigilSets += v.sets
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
	for _, receiver := range r.receive {
		f.Options = append(f.Options, option{receiver.name, receiver.option})
	}
	f.Stray, f.Stay = r.strays()
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

// strays lists the senders that went on to the fakes when the real hosts put
// their messages off, and those that never did.
func (r *result) strays() (gone, stayed string) {
	var went, not []string
	for _, s := range r.walkers() {
		visits := 0
		for _, row := range r.rows {
			if d := row.outcomes[s.name].detour; d != nil {
				visits += slices.Max(d.visits)
			}
		}
		if visits > 0 {
			went = append(went, s.name)
		} else {
			not = append(not, s.name)
		}
	}
	return strings.Join(went, ", "), strings.Join(not, ", ")
}

// writeBlock puts text in the place of what a command has written into a page in
// dir before, between lines that say so.
func writeBlock(dir, page, command, text string) error {
	begin, end := "<!-- begin: go -C test/mail run . "+command+" -write ../../docs -->\n", "<!-- end -->\n"
	path := filepath.Join(dir, page)
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, found := strings.Cut(string(old), begin)
	_, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		return fmt.Errorf("%s: expected lines %q and %q", path, begin, end)
	}
	return os.WriteFile(path, []byte(before+begin+text+end+after), 0o644)
}

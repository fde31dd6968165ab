package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// A harvestResult is what a run has found.
type harvestResult struct {
	date     time.Time
	each     int // bots a course and domain
	courses  []course
	versions map[string]string

	rows         map[string]*harvestRow // by course
	honest       [2]map[string]arrivals // of each day, by treatment
	senders      int                    // honest ones
	honestListed int
	wronged      wronged
}

// arrivals are messages, and how many of them came into a mailbox.
type arrivals struct{ sent, arrived int }

// A harvestRow is what became of the bots of one course.
type harvestRow struct {
	bots, listed int
	reached      map[string]int // by treatment
}

// wronged is what became of the honest sender that got listed.
type wronged struct {
	listed    bool // and the name server said so
	deferred  bool // its first try, for the list
	early     bool // its mail arrived with that try
	acquitted bool // in time
	served    bool // still on the list that is served
	arrived   bool // its mail, with the next try
}

func (r *harvestResult) row(c *course) *harvestRow {
	if r.rows == nil {
		r.rows = map[string]*harvestRow{}
	}
	if r.rows[c.what] == nil {
		r.rows[c.what] = &harvestRow{reached: map[string]int{}}
	}
	return r.rows[c.what]
}

// count enters a bot.
func (r *harvestResult) count(b *harvestBot, listed bool) {
	row := r.row(b.course)
	row.bots++
	if listed {
		row.listed++
	}
}

// honestly enters an honest sender's message of a day.
func (r *harvestResult) honestly(day int, label string, mailbox bool) {
	if r.honest[day] == nil {
		r.honest[day] = map[string]arrivals{}
	}
	a := r.honest[day][label]
	a.sent++
	if mailbox {
		a.arrived++
	}
	r.honest[day][label] = a
}

// reached enters whether a bot's message of the second day came into a mailbox.
func (r *harvestResult) reached(b *harvestBot, mailbox bool) {
	if mailbox {
		r.row(b.course).reached[b.shape.label]++
	}
}

// percent is so many of all in percent.
func percent(n, of int) string {
	if of == 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f %%", 100*float64(n)/float64(of))
}

// cells are a row of the table.
func (r *harvestResult) cells(c *course) []string {
	row := r.row(c)
	out := []string{c.what, strconv.Itoa(row.bots), percent(row.listed, row.bots)}
	for _, label := range treatments {
		out = append(out, percent(row.reached[label], r.each))
	}
	return out
}

// table is the whole table, the honest senders last.
func (r *harvestResult) table() [][]string {
	all := [][]string{{"what it does", "bots", "listed", "without the list", "smtpd defers", "rspamd scores"}}
	for i := range r.courses {
		all = append(all, r.cells(&r.courses[i]))
	}
	return all
}

func (r *harvestResult) text(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 1, ' ', tabwriter.Debug)
	for _, cells := range r.table() {
		fmt.Fprintln(t, strings.Join(cells, "\t"))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "honest senders, messages in a mailbox on each day: %+v; %d senders listed\nlisted by mistake: %+v\n",
		r.honest, r.honestListed, r.wronged)
	return err
}

// verdict complains of everything that isn't as it must be.
func (r *harvestResult) verdict() error {
	var errs []error
	complain := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for i := range r.courses {
		c := &r.courses[i]
		row, listed := r.row(c), 0
		if c.listed {
			listed = r.each * len(treatments)
		}
		if row.listed != listed {
			complain("%s: %d of %d bots are listed, expected %d", c.what, row.listed, row.bots, listed)
		}
		for _, label := range treatments {
			reach := 0
			if c.reach[label] {
				reach = r.each
			}
			if row.reached[label] != reach {
				complain("%s: %d of %d messages for %s are in a mailbox, expected %d", c.what, row.reached[label], r.each, domainOf(label), reach)
			}
		}
	}
	for n, day := range r.honest {
		for _, label := range treatments {
			if a := day[label]; a.sent == 0 || a.arrived != a.sent {
				complain("honest senders, day %d: %d of %d messages for %s are in a mailbox", n+1, a.arrived, a.sent, domainOf(label))
			}
		}
	}
	if r.honestListed > 0 {
		complain("%d honest senders are listed", r.honestListed)
	}
	for _, w := range []struct {
		wrong bool
		what  string
	}{
		{!r.wronged.listed, "is not listed, so this shows nothing of what happens then"},
		{r.wronged.early || !r.wronged.deferred, "was not put off by its listing"},
		{!r.wronged.acquitted, fmt.Sprintf("was not acquitted within %v", acquitWithin)},
		{r.wronged.served, "stays on the list that is served"},
		{!r.wronged.arrived, "did not get its mail through on the next try"},
	} {
		if w.wrong {
			complain("the sender that is listed by mistake %s", w.what)
		}
	}
	return errors.Join(errs...)
}

// document writes the table into sink.md in dir.
func (r *harvestResult) document(dir string) error {
	return writeBlock(dir, "sink.md", harvestCommand, r.markdown())
}

// markdown is the table for sink.md.
func (r *harvestResult) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, Postfix %s, rspamd %s, %d bots a row:\n\n", r.date.UTC().Format(time.DateOnly), r.versions["Postfix"], r.versions["rspamd"], r.each*len(treatments))
	for i, cells := range r.table() {
		cells = append(cells[:1:1], cells[2:]...) // without the number of bots
		fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | "))
		if i == 0 {
			b.WriteString("|" + strings.Repeat(" --- |", len(cells)) + "\n")
		}
	}
	cells := []string{"honest senders", percent(r.honestListed, r.senders)}
	for _, label := range treatments {
		a := r.honest[1][label]
		cells = append(cells, percent(a.arrived, a.sent))
	}
	fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | "))
	return b.String()
}

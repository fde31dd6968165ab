package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// pageWidth is the most characters that a line of a table has.
const pageWidth = 120

// fakeName reports whether a host's name in an order is that of a fake.
func fakeName(name string) bool { return strings.Contains(name, "*") }

// markdown writes all tables, each under its name.
func (r *result) markdown(w io.Writer) error {
	tables := r.tables()
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		if tables[name] == "" {
			continue
		}
		if _, err := fmt.Fprintf(w, "%s:\n\n%s\n", name, tables[name]); err != nil {
			return err
		}
	}
	return nil
}

// tables are those of the page, by the name that its template calls them by.
func (r *result) tables() map[string]string {
	return map[string]string{
		"Seconds":   r.secondsTable(),
		"Outage":    r.outageTable(),
		"Untouched": r.fateTable(func(w row) bool { return w.kind == untouched }),
		"Refused":   r.fateTable(func(w row) bool { return w.kind == unsafe }),
		"Reload":    r.fateTable(func(w row) bool { return w.kind == changing }),
		"Crowd":     r.partTable(partCrowd),
		"Wildcard":  r.partTable(partWildcard),
		"Limit":     r.partTable(partLimit),
		"Leaving":   r.partTable(partLeaving),
		"Grey":      r.greyTable(),
		"Dane":      r.daneTable(),
		"Noticed":   r.noticedTable(),
		"Watched":   r.watchedTable(),
		"Receivers": r.receiverTable(),
		"Bots":      botTable("shape", r.bots),
		"Unsorted":  botTable("shape", r.unsorted),
	}
}

// walkers are the senders of the run but for the one that does DANE.
func (r *result) walkers() []*sender {
	return slices.DeleteFunc(slices.Clone(r.senders), func(s *sender) bool { return s.dane })
}

// bySender is a table of a row a case and a column a sender.
func (r *result) bySender(shown func(row) bool, cell func(row, outcome) string) string {
	walkers := r.walkers()
	columns := append([]string{"case"}, names(walkers)...)
	var lines [][]string
	for _, row := range r.rows {
		if !shown(row) {
			continue
		}
		cells := append(make([]string, 0, len(columns)), row.what)
		for _, s := range walkers {
			text := "-"
			if o, ok := row.outcomes[s.name]; ok {
				text = cell(row, o)
			}
			cells = append(cells, text)
		}
		lines = append(lines, cells)
	}
	return tableOf(columns, lines)
}

// timed reports whether the seconds of the row's messages are the sender's own.
func (w row) timed() bool { return w.kind == baseline || w.kind == safe || w.kind == unseen }

func (r *result) secondsTable() string {
	return r.bySender(row.timed, func(_ row, o outcome) string {
		seconds, ok := o.median()
		if !ok || arrived(o) != nil {
			return o.short()
		}
		return fmt.Sprintf("%.2f s", seconds)
	})
}

func (r *result) fateTable(shown func(row) bool) string {
	return r.bySender(shown, func(_ row, o outcome) string { return o.short() })
}

func (r *result) partTable(p part) string {
	return r.fateTable(func(w row) bool { return w.part == p })
}

// short is what became of an outcome's messages in a word or a count.
func (o outcome) short() string {
	switch {
	case o.broken != nil:
		return "not done"
	case len(o.tries) == 1:
		return string(o.tries[0].fate)
	}
	return fmt.Sprintf("%d of %d", o.arrivals(), len(o.tries))
}

// outageTable is how each sender got over the outage.
func (r *result) outageTable() string {
	var lines [][]string
	for _, row := range r.rows {
		if row.kind != outage {
			continue
		}
		for _, s := range r.walkers() {
			o := row.outcomes[s.name]
			if o.broken != nil {
				lines = append(lines, []string{s.name, o.short(), ""})
				continue
			}
			lines = append(lines, []string{s.name, o.fates() + " on the " + o.attempts() + " attempt", o.remark})
		}
	}
	return tableOf([]string{"sender", "fate", "when the real hosts were up again"}, lines)
}

// greyTable is what each sender made of real hosts that put its messages off.
func (r *result) greyTable() string {
	var lines [][]string
	for _, row := range r.rows {
		if row.kind != grey || row.twin == 0 {
			continue
		}
		for _, s := range r.walkers() {
			with, without := row.outcomes[s.name].detour, r.rows[row.twin].outcomes[s.name].detour
			if with == nil || without == nil {
				continue
			}
			lines = append(lines, []string{row.what, s.name, with.went(), strconv.Itoa(without.runs), strconv.Itoa(with.runs)})
		}
	}
	return tableOf([]string{"real hosts", "sender", "attempts that went on to the fakes", "queue runs without fakes", "with fakes"}, lines)
}

func (d *detour) went() string {
	n := 0
	for _, visits := range d.visits {
		if visits > 0 {
			n++
		}
	}
	return fmt.Sprintf("%d of %d", n, len(d.visits))
}

// daneTable is what the sender that does DANE did.
func (r *result) daneTable() string {
	var lines [][]string
	for _, row := range r.rows {
		if row.kind != dane {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(row.outcomes)) {
			o := row.outcomes[name]
			seconds, _ := o.median()
			lines = append(lines, []string{row.what, o.fates(), fmt.Sprintf("%s, %.2f s", o.attempts(), seconds),
				strings.ReplaceAll(strings.Join(o.orders(), "; or "), "*", "\\*")})
		}
	}
	return tableOf([]string{"case", "fate", "attempt, median", "addresses tried"}, lines)
}

// receiverTable is a row a receiver and a column an arrangement.
func (r *result) receiverTable() string {
	columns := append(make([]string, 0, 1+len(arrangements)), "receiver")
	for _, a := range arrangements {
		columns = append(columns, a.what)
	}
	lines := make([][]string, 0, len(r.receive))
	for _, receiver := range r.receive {
		cells := []string{receiver.name}
		for _, a := range receiver.arrivals {
			cells = append(cells, strings.ReplaceAll(a.brief(), "*", "\\*"))
		}
		lines = append(lines, cells)
	}
	return tableOf(columns, lines)
}

// botTable is a row a shape and a column a habit: measured, and predicted.
func botTable(first string, bots []botRow) string {
	columns := []string{first}
	var lines [][]string
	for _, b := range bots {
		if !slices.Contains(columns, b.habit) {
			columns = append(columns, b.habit)
		}
		if len(lines) == 0 || lines[len(lines)-1][0] != b.what {
			lines = append(lines, []string{b.what})
		}
		last := len(lines) - 1
		lines[last] = append(lines[last], fmt.Sprintf("%.2f (%.2f)", b.share(), b.predicted))
	}
	return tableOf(columns, lines)
}

// orderList lists, case by case, the orders in which hosts were called, and who
// called them so.
func (r *result) orderList() string {
	var b strings.Builder
	for _, row := range r.rows {
		if row.kind == dane || row.kind == changing || row.kind == grey || row.part == partCrowd {
			continue
		}
		var orders []string
		who := map[string][]string{}
		for _, s := range r.walkers() {
			for _, order := range hostOrders(row.outcomes[s.name]) {
				if who[order] == nil {
					orders = append(orders, order)
				}
				who[order] = append(who[order], s.name)
			}
		}
		parts := make([]string, 0, len(orders))
		for _, order := range orders {
			by := strings.Join(who[order], ", ")
			if len(who[order]) == len(r.walkers()) {
				by = "all"
			}
			parts = append(parts, order+" ("+by+")")
		}
		if len(parts) > 0 {
			b.WriteString(wrap("- **"+row.what+"**: "+strings.Join(parts, "; "), pageWidth, "  "))
		}
	}
	return b.String()
}

// hostOrders are the orders of an outcome with both addresses of a host named
// alike.
func hostOrders(o outcome) []string {
	var found []string
	for _, order := range o.orders() {
		order = strings.ReplaceAll(order, "/6", "")
		if order == "" {
			order = "none"
		} else {
			order = "`" + order + "`"
		}
		if !slices.Contains(found, order) {
			found = append(found, order)
		}
	}
	return found
}

// wrap breaks text into lines of at most width characters where it has spaces.
func wrap(text string, width int, indent string) string {
	var b strings.Builder
	line := ""
	for word := range strings.FieldsSeq(text) {
		switch {
		case line == "":
			line = word
		case len([]rune(line))+1+len([]rune(word)) > width:
			b.WriteString(line + "\n")
			line = indent + word
		default:
			line += " " + word
		}
	}
	return b.String() + line + "\n"
}

// tableOf is a Markdown table with aligned columns, nothing if it has no lines.
func tableOf(columns []string, lines [][]string) string {
	if len(lines) == 0 {
		return ""
	}
	width := make([]int, len(columns))
	for _, line := range append([][]string{columns}, lines...) {
		for i, cell := range line {
			width[i] = max(width[i], len([]rune(cell)))
		}
	}
	var b strings.Builder
	write := func(line []string, pad string) {
		for i, cell := range line {
			b.WriteString("| " + cell + strings.Repeat(pad, width[i]-len([]rune(cell))) + " ")
		}
		b.WriteString("|\n")
	}
	write(columns, " ")
	write(make([]string, len(columns)), "-")
	for _, line := range lines {
		write(line, " ")
	}
	return b.String()
}

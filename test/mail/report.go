package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// fakeName reports whether a host's name in an order is that of a fake.
func fakeName(name string) bool { return strings.Contains(name, "*") }

// markdown writes the tables: senders by cases, and bots by shapes.
func (r *result) markdown(w io.Writer) error {
	for _, table := range []string{r.senderTable(false), r.daneTable(), r.botTable()} {
		if table == "" {
			continue
		}
		if _, err := io.WriteString(w, table+"\n"); err != nil {
			return err
		}
	}
	return nil
}

// senderTable is a row a case and a column a sender.
func (r *result) senderTable(orders bool) string {
	columns := []string{"case"}
	var shown []*sender
	for _, s := range r.senders {
		if !s.dane {
			shown = append(shown, s)
			columns = append(columns, s.name)
		}
	}
	var lines [][]string
	for _, row := range r.rows {
		if row.kind == dane {
			continue
		}
		cells := []string{row.what}
		for _, s := range shown {
			o := row.outcomes[s.name]
			if orders {
				cells = append(cells, o.order(row.kind))
			} else {
				cells = append(cells, o.cell(row.kind))
			}
		}
		lines = append(lines, cells)
	}
	return tableOf(columns, lines)
}

// cell is an outcome in a few words.
func (o outcome) cell(k kind) string {
	switch {
	case o.broken != nil:
		return "not carried out"
	case k == changing:
		return o.fates()
	}
	seconds, ok := o.median()
	switch {
	case !ok:
		return "**" + o.fates() + "**"
	case k == outage:
		return o.attempts() + ", " + o.remark
	}
	text := fmt.Sprintf("%s, %.2f s", o.attempts(), seconds)
	if len(o.tries) > 1 {
		text += fmt.Sprintf(" (%.2f)", o.tries[0].seconds)
	}
	if strings.Contains(o.fates(), ",") {
		text = o.fates() + ", " + text
	}
	return text
}

// order lists the orders in which addresses were tried; not where messages
// crossed each other.
func (o outcome) order(k kind) string {
	switch {
	case o.broken != nil:
		return "not carried out"
	case k == changing:
		return o.remark
	}
	var parts []string
	for _, order := range o.orders() {
		if order == "" {
			order = "none"
		}
		parts = append(parts, order)
	}
	return strings.ReplaceAll(strings.Join(parts, "; or "), "*", "\\*")
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
			lines = append(lines, []string{row.what, name, o.fates(), o.cell(row.kind), o.order(row.kind)})
		}
	}
	if lines == nil {
		return ""
	}
	return tableOf([]string{"case", "sender", "fate", "attempt, median", "addresses tried"}, lines)
}

// botTable is a row a shape and a column a habit: measured, and predicted.
func (r *result) botTable() string {
	columns := []string{"shape"}
	var lines [][]string
	for _, b := range r.bots {
		if !slices.Contains(columns, b.habit) {
			columns = append(columns, b.habit)
		}
		if len(lines) == 0 || lines[len(lines)-1][0] != b.what {
			lines = append(lines, []string{b.what})
		}
		last := len(lines) - 1
		lines[last] = append(lines[last], fmt.Sprintf("%.3f (%.3f)", b.share(), b.predicted))
	}
	return tableOf(columns, lines)
}

// tableOf is a Markdown table with aligned columns.
func tableOf(columns []string, lines [][]string) string {
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

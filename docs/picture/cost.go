package main

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// bar is what answering one kind of question in one way costs the server.
type bar struct {
	question string
	by       string
	fakemx   bool
	cpu      float64 // microseconds of the server's CPU time a query
}

// measured is the section of docs/performance-notes.md that the bars are of: with
// EDNS and the DO bit, as resolvers ask, the server on one core.
const measured = "### do, 1 core"

// subjects are the bars in their order, each with how `go run ./test/bench
// servers` calls it.
var subjects = []struct {
	name string
	bar  bar
}{
	{"c: *file*, plain zone, MX", bar{question: "MX", by: "no fakes"}},
	{"a: *file*, hand-edited zone, MX", bar{question: "MX", by: "fakes typed into the zone"}},
	{"b: *fakemx*, plain zone, MX", bar{question: "MX", by: "fakemx", fakemx: true}},
	{"c: *file*, plain zone, other types", bar{question: "other types", by: "without fakemx"}},
	{"d: *fakemx*, plain zone, other types", bar{question: "other types", by: "fakemx", fakemx: true}},
	{"a: *file*, hand-edited zone, A of a sink", bar{question: "A of a sink", by: "typed into the zone"}},
	{"e: *fakemx*, plain zone, A of a sink", bar{question: "A of a sink", by: "fakemx", fakemx: true}},
}

// readCost returns the bars of the measured section of the notes.
func readCost(notes io.Reader) ([]bar, error) {
	rows, err := readSection(notes)
	if err != nil {
		return nil, err
	}
	bars := make([]bar, 0, len(subjects))
	for _, s := range subjects {
		cells, ok := rows[s.name]
		if !ok {
			return nil, fmt.Errorf("no row %q below %q", s.name, measured)
		}
		b := s.bar
		if b.cpu, err = parseFigure(cells[1]); err != nil {
			return nil, fmt.Errorf("row %q below %q: %w", s.name, measured, err)
		}
		bars = append(bars, b)
	}
	return bars, nil
}

// readSection returns the rows of the measured section by their first cell, each
// with at least two cells more.
func readSection(notes io.Reader) (map[string][]string, error) {
	rows := make(map[string][]string)
	inside := false
	lines := bufio.NewScanner(notes)
	for lines.Scan() {
		line := lines.Text()
		if strings.HasPrefix(line, "#") {
			inside = line == measured
		}
		if cells := cellsOf(line); inside && len(cells) > 2 {
			rows[cells[0]] = cells[1:]
		}
	}
	return rows, lines.Err()
}

// cellsOf returns the cells of a row of a table, none if line is not one.
func cellsOf(line string) []string {
	if !strings.HasPrefix(line, "|") {
		return nil
	}
	cells := strings.Split(strings.Trim(line, "|"), "|")
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
	}
	return cells
}

// parseFigure reads a number that may be followed by its quartiles in parentheses.
func parseFigure(cell string) (float64, error) {
	median, _, _ := strings.Cut(cell, " ")
	figure, err := strconv.ParseFloat(median, 64)
	if err != nil || math.IsNaN(figure) || figure <= 0 || figure > 1e9 {
		return 0, fmt.Errorf("%q: expected a number above 0", cell)
	}
	return figure, nil
}

const (
	barLeft  = 340
	barWidth = 500 // of the longest bar
	barHigh  = 22
)

// costPicture draws the bars in groups of one question, all on one scale.
func costPicture(bars []bar) string {
	const title = "CPU time of the server a query, without and with fakemx"
	c := &canvas{width: 960, title: title}
	c.text(480, 42, 22, "middle", "bold", title)
	longest := 0.0
	for _, b := range bars {
		longest = max(longest, b.cpu)
	}
	top, question := 68, ""
	for _, b := range bars {
		if b.question != question {
			question = b.question
			top += 14
			c.text(30, top+barHigh-5, 17, "start", "bold", question)
		}
		c.bar(top, b, b.cpu/longest)
		top += barHigh + 4
	}
	c.height = top + 20
	return c.String()
}

func (c *canvas) bar(top int, b bar, share float64) {
	width := int(math.Round(share * barWidth))
	middle := top + barHigh/2 + 5
	class := "without"
	if b.fakemx {
		class = "with"
	}
	c.text(barLeft-10, middle, 14, "end", "dim", b.by)
	c.add(`<rect x="%d" y="%d" width="%d" height="%d" class="%s"/>`, barLeft, top, width, barHigh, class)
	c.text(barLeft+width+8, middle, 14, "start", "", fmt.Sprintf("%.1f µs", b.cpu))
}

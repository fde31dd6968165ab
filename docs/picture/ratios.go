package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// ways are the columns of the table, each with how `go run ./test/bench servers`
// calls it, and questions its rows.
var (
	ways = []struct{ mode, title string }{
		{"`do`", "with DO"}, {"`udp`", "without EDNS"}, {"`tcp`", "TCP"}, {"`dnssec`", "*dnssec*"},
	}
	questions = [3]string{"MX", "other types", "A of a sink"}
)

// ratioTable is the table of docs/performance.md: of the notes' ratios with one
// core, those of the rates and, after a comma, those of the CPU time.
func ratioTable(notes io.Reader) (string, error) {
	found, err := readRatios(notes)
	if err != nil {
		return "", err
	}
	var table strings.Builder
	table.WriteString("| question |")
	for _, way := range ways {
		table.WriteString(" " + way.title + " |")
	}
	table.WriteString("\n|---|" + strings.Repeat("--:|", len(ways)) + "\n")
	for i, question := range questions {
		table.WriteString("| " + question + " |")
		for _, way := range ways {
			rate, cpu, err := found.of(way.mode, i)
			if err != nil {
				return "", err
			}
			fmt.Fprintf(&table, " %.2f, %.2f |", rate, cpu)
		}
		table.WriteString("\n")
	}
	return table.String(), nil
}

// ratios are the cells behind the number of cores, by the way to ask: first those
// of the rates, then those of the CPU time.
type ratios map[string][][]string

// readRatios reads the rows that begin with a way to ask and one core.
func readRatios(notes io.Reader) (ratios, error) {
	found := make(ratios)
	lines := bufio.NewScanner(notes)
	for lines.Scan() {
		cells := cellsOf(lines.Text())
		if len(cells) > 1+len(questions) && cells[1] == "1" {
			found[cells[0]] = append(found[cells[0]], cells[2:])
		}
	}
	return found, lines.Err()
}

func (r ratios) of(mode string, question int) (rate, cpu float64, err error) {
	rows := r[mode]
	if len(rows) < 2 {
		return 0, 0, fmt.Errorf("%d rows for %s with one core: expected one of rates and one of CPU time", len(rows), mode)
	}
	if rate, err = parseFigure(rows[0][question]); err == nil {
		cpu, err = parseFigure(rows[1][question])
	}
	if err != nil {
		err = fmt.Errorf("row %s: %w", mode, err)
	}
	return rate, cpu, err
}

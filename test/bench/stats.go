package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// spread is a median with the quartiles round it.
type spread struct {
	low, median, high float64
}

// spreadOf returns the spread of the samples, interpolated between neighbours.
func spreadOf(samples []float64) spread {
	sorted := slices.Sorted(slices.Values(samples))
	return spread{quantile(sorted, 0.25), quantile(sorted, 0.5), quantile(sorted, 0.75)}
}

func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	place := q * float64(len(sorted)-1)
	i := int(place)
	if i+1 == len(sorted) {
		return sorted[i]
	}
	return sorted[i] + (place-float64(i))*(sorted[i+1]-sorted[i])
}

// ratios divides the samples of one series by those of another, round by
// round, so that what slows a whole round down cancels out.
func ratios(numerator, denominator []float64) []float64 {
	n := min(len(numerator), len(denominator))
	r := make([]float64, 0, n)
	for i := range n {
		r = append(r, numerator[i]/denominator[i])
	}
	return r
}

// format prints the median and the quartiles with the verb, as "1.05 (1.03–1.06)".
func (s spread) format(verb string) string {
	return fmt.Sprintf(verb+" ("+verb+"–"+verb+")", s.median, s.low, s.high)
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// table is printed as markdown.
type table struct {
	head []string
	rows [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) print(w io.Writer) {
	fmt.Fprintf(w, "| %s |\n", strings.Join(t.head, " | "))
	fmt.Fprintf(w, "|---|%s\n", strings.Repeat("--:|", len(t.head)-1))
	for _, row := range t.rows {
		fmt.Fprintf(w, "| %s |\n", strings.Join(row, " | "))
	}
	fmt.Fprintln(w)
}

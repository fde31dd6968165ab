package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// median of the seconds of all delivered tries; false if there is none.
func (o outcome) median() (float64, bool) {
	var seconds []float64
	for _, t := range o.tries {
		if t.fate == delivered {
			seconds = append(seconds, t.seconds)
		}
	}
	if len(seconds) == 0 {
		return 0, false
	}
	slices.Sort(seconds)
	middle := len(seconds) / 2
	if len(seconds)%2 == 1 {
		return seconds[middle], true
	}
	return (seconds[middle-1] + seconds[middle]) / 2, true
}

// quickest is the least of the seconds of the delivered tries.
func (o outcome) quickest() float64 {
	least := math.Inf(1)
	for _, t := range o.tries {
		if t.fate == delivered {
			least = min(least, t.seconds)
		}
	}
	return least
}

// fates counts what became of the messages, in the order of first appearance.
func (o outcome) fates() string {
	var order []fate
	count := map[fate]int{}
	for _, t := range o.tries {
		if count[t.fate] == 0 {
			order = append(order, t.fate)
		}
		count[t.fate]++
	}
	if len(order) == 1 && len(o.tries) == 1 {
		return string(order[0])
	}
	var parts []string
	for _, f := range order {
		parts = append(parts, fmt.Sprintf("%d %s", count[f], f))
	}
	return strings.Join(parts, ", ")
}

// attempts tells on which attempts the messages were delivered.
func (o outcome) attempts() string {
	least, most := 0, 0
	for _, t := range o.tries {
		if least == 0 || t.attempt < least {
			least = t.attempt
		}
		most = max(most, t.attempt)
	}
	if least == most {
		return ordinal(least)
	}
	return ordinal(least) + " to " + ordinal(most)
}

func ordinal(n int) string {
	switch n {
	case 1:
		return "1st"
	case 2:
		return "2nd"
	case 3:
		return "3rd"
	default:
		return fmt.Sprintf("%dth", n)
	}
}

// orders lists the different orders in which addresses were tried.
func (o outcome) orders() []string {
	var found []string
	for _, t := range o.tries {
		if order := orderOf(t.called); !slices.Contains(found, order) {
			found = append(found, order)
		}
	}
	return found
}

// orderOf writes down the calls, attempt by attempt.
func orderOf(called []string) string {
	var parts []string
	times := 1
	runs := split(called)
	for i, run := range runs {
		if i+1 < len(runs) && slices.Equal(run, runs[i+1]) {
			times++
			continue
		}
		part := strings.Join(run, " ")
		if times > 1 {
			part = fmt.Sprintf("%s (%d times)", part, times)
		}
		parts = append(parts, part)
		times = 1
	}
	return strings.Join(parts, ", then ")
}

// split divides calls into attempts: a new one begins where an address comes
// again.
func split(called []string) [][]string {
	var runs [][]string
	start := 0
	for i, name := range called {
		if slices.Contains(called[start:i], name) {
			runs = append(runs, called[start:i])
			start = i
		}
	}
	if start < len(called) {
		runs = append(runs, called[start:])
	}
	return runs
}

// refused is the largest number of refused calls before a delivery.
func (o outcome) refused() int {
	most := 0
	for _, t := range o.tries {
		most = max(most, t.refused)
	}
	return most
}

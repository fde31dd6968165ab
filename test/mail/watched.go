package main

import "fmt"

// noticedTable is when watched fakes went and came back.
func (r *result) noticedTable() string {
	lines := make([][]string, 0, len(r.vigils))
	for _, v := range r.vigils {
		back := "-"
		if !v.back.IsZero() {
			back = fmt.Sprintf("%.0f s", v.back.Sub(v.mended).Seconds())
		}
		lines = append(lines, []string{v.what, fmt.Sprintf("%.1f s", v.gone.Sub(v.broke).Seconds()),
			fmt.Sprintf("%.0f s", v.noticed.Seconds()), back})
	}
	return tableOf([]string{"the sink", "fake out of the answers after", "promised", "back after the sink refused again"}, lines)
}

// watchedTable is what became of mail while sinks failed.
func (r *result) watchedTable() string {
	lines := make([][]string, 0, len(r.vigils)*len(r.senders))
	for _, v := range r.vigils {
		for _, s := range r.walkers() {
			m := v.streams[s.name]
			lines = append(lines, []string{v.what, s.name,
				v.within(m.with, unnoticed).worst(), v.within(m.with, later).worst(),
				v.within(m.without, unnoticed).worst(), v.within(m.without, later).worst()})
		}
	}
	return tableOf([]string{"the sink", "sender", "`watch`, at first", "`watch`, later", "without, at first", "without, later"}, lines)
}

// vigilFacts are a vigil in short, of all senders together.
type vigilFacts struct {
	Fails, Gone             string
	Later                   int
	Slowest, SlowestWithout string
	Lost, Sent              int
}

func (v *vigil) facts() vigilFacts {
	var safe, bad outcome
	for _, s := range v.streams {
		safe.tries = append(safe.tries, v.within(s.with, later).tries...)
		bad.tries = append(bad.tries, v.within(s.without, unnoticed).tries...)
		bad.tries = append(bad.tries, v.within(s.without, later).tries...)
	}
	return vigilFacts{
		Fails: v.what, Gone: fmt.Sprintf("%.0f s", v.gone.Sub(v.broke).Seconds()),
		Later:   len(safe.tries),
		Slowest: fmt.Sprintf("%.1f s", safe.longest()), SlowestWithout: fmt.Sprintf("%.1f s", bad.longest()),
		Lost: len(bad.tries) - bad.arrivals(), Sent: len(bad.tries),
	}
}

// worst is how many messages arrived, and the longest delay.
func (o outcome) worst() string {
	return fmt.Sprintf("%d of %d, %.1f s", o.arrivals(), len(o.tries), o.longest())
}

func (o outcome) arrivals() int {
	n := 0
	for _, t := range o.tries {
		if t.fate == delivered {
			n++
		}
	}
	return n
}

package main

import "fmt"

// noticedTable is when watched fakes went and came back.
func (r *result) noticedTable() string {
	var lines [][]string
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
	var lines [][]string
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

// worst is how many messages arrived, and the longest delay.
func (o outcome) worst() string {
	return fmt.Sprintf("%s, %.1f s", arrivals(o), o.longest())
}

func arrivals(o outcome) string {
	n := 0
	for _, t := range o.tries {
		if t.fate == delivered {
			n++
		}
	}
	return fmt.Sprintf("%d of %d", n, len(o.tries))
}

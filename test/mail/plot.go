package main

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// The plot is a heat map: a row a shape, a column a sender, the seconds that the
// shape adds to the sender's median.
const (
	cellWidth  = 84
	cellHeight = 26
	cellsLeft  = 232
	cellsTop   = 66
	mostAdded  = 8.0 // seconds at the dark end of the scale
)

// message is what the plot shows, in one sentence.
func (r *result) message() string {
	var late []string
	for _, s := range r.walkers() {
		if extra, refused := r.extra(s); extra > tolerance {
			late = append(late, fmt.Sprintf("%s, which waits %.0f s at each address that refuses", s.name, extra/float64(max(refused, 1))))
		}
	}
	if late == nil {
		return "Closed sinks delay no sender"
	}
	return "Closed sinks delay no sender but " + strings.Join(late, "; ")
}

// shade is the colour of added seconds: from near white to a dark orange, so that
// what is no delay looks like none.
func shade(seconds float64) (fill, ink string) {
	part := math.Sqrt(min(max(seconds, 0), mostAdded) / mostAdded)
	mix := func(from, to float64) int { return int(math.Round(from + (to-from)*part)) }
	return fmt.Sprintf("#%02x%02x%02x", mix(0xf4, 0xc4), mix(0xf6, 0x4a), mix(0xf8, 0x00)), map[bool]string{true: "#fff", false: "#222"}[part > 0.6]
}

// plot draws what each shape adds to each sender's median delay.
func (r *result) plot() string {
	var cells strings.Builder
	text := func(x, y float64, anchor, ink, words string) {
		fmt.Fprintf(&cells, `<text x="%.0f" y="%.0f" text-anchor="%s" fill="%s">%s</text>`+"\n", x, y, anchor, ink, html.EscapeString(words))
	}
	for i, s := range r.walkers() {
		text(cellsLeft+(float64(i)+0.5)*cellWidth, cellsTop-8, "middle", "#222", s.name)
	}
	y := float64(cellsTop)
	for _, row := range r.rows {
		if row.kind != safe && row.kind != unseen {
			continue
		}
		text(cellsLeft-10, y+17, "end", "#222", row.what)
		for i, s := range r.walkers() {
			took, ok := row.outcomes[s.name].median()
			base, had := r.rows[0].outcomes[s.name].median()
			if !ok || !had {
				continue
			}
			fill, ink := shade(took - base)
			x := cellsLeft + float64(i)*cellWidth
			fmt.Fprintf(&cells, `<rect x="%.0f" y="%.0f" width="%d" height="%d" fill="%s"><title>%s, %s: %+.3f s</title></rect>`+"\n",
				x+1, y+1, cellWidth-2, cellHeight-2, fill, html.EscapeString(s.name), html.EscapeString(row.what), took-base)
			text(x+cellWidth/2, y+17, "middle", ink, fmt.Sprintf("%.2f", max(took-base, 0)))
		}
		y += cellHeight
	}
	width := max(cellsLeft+len(r.walkers())*cellWidth+14, 760)
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %.0f" font-family="sans-serif" font-size="12" role="img" aria-label="%[3]s">
<rect width="100%%" height="100%%" fill="#fff"/>
<text x="14" y="22" font-size="15" fill="#222">%[3]s</text>
<text x="14" y="40" fill="#555">Median seconds more than without fakes, by shape and sender</text>
%[4]s</svg>
`, width, y+14, html.EscapeString(r.message()), cells.String())
}

package main

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// The plot is a group of bars a sender, one bar a shape, on a logarithmic scale
// of seconds.
const (
	barWidth   = 9
	groupGap   = 22
	plotLeft   = 62
	plotTop    = 112
	plotHeight = 300
	leastTime  = 0.005 // seconds at the foot of the scale
	mostTime   = 20.0
)

// palette is Okabe and Ito's, told apart also by the colour-blind; a tint of
// grey stands for the domain without fakes.
var palette = []string{
	"#777777", "#56b4e9", "#e69f00", "#d55e00", "#cc79a7", "#009e73",
	"#0072b2", "#f0e442", "#8c6bb1", "#a6761d", "#000000",
}

// height places seconds on the scale.
func height(seconds float64) float64 {
	at := math.Log(max(seconds, leastTime)/leastTime) / math.Log(mostTime/leastTime)
	return plotHeight * min(at, 1)
}

// plot draws the median delay of each sender in each shape where the seconds
// are the sender's own.
func (r *result) plot() string {
	var shapes []row
	for _, row := range r.rows {
		switch row.kind {
		case baseline, safe, unseen:
			shapes = append(shapes, row)
		}
	}
	var bars, legend strings.Builder
	x := float64(plotLeft) + groupGap/2
	for _, s := range r.senders {
		if s.dane {
			continue
		}
		start := x
		for i, row := range shapes {
			seconds, ok := row.outcomes[s.name].median()
			if ok {
				h := height(seconds)
				fmt.Fprintf(&bars, `<rect x="%.1f" y="%.1f" width="%d" height="%.1f" fill="%s"><title>%s, %s: %.3f s</title></rect>`+"\n",
					x, plotTop+plotHeight-h, barWidth-1, h, palette[i%len(palette)], html.EscapeString(s.name), html.EscapeString(row.what), seconds)
			}
			x += barWidth
		}
		fmt.Fprintf(&bars, `<text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n", (start+x)/2, plotTop+plotHeight+18, html.EscapeString(s.name))
		x += groupGap
	}
	width := max(x, 760)
	const columns = 3
	for i, row := range shapes {
		left, top := plotLeft+float64(i%columns)*(width-plotLeft)/columns, 30+i/columns*18
		fmt.Fprintf(&legend, `<rect x="%.1f" y="%d" width="11" height="11" fill="%s"/><text x="%.1f" y="%d">%s</text>`+"\n",
			left, top, palette[i%len(palette)], left+16, top+10, html.EscapeString(row.what))
	}
	var grid strings.Builder
	for _, seconds := range []float64{0.01, 0.03, 0.1, 0.3, 1, 3, 10} {
		y := plotTop + plotHeight - height(seconds)
		fmt.Fprintf(&grid, `<path d="M%d %.1fH%.1f" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%g s</text>`+"\n",
			plotLeft, y, width, plotLeft-6, y+4, seconds)
	}
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %d" font-family="sans-serif" font-size="12" role="img" aria-label="Delay of each sender in each shape">
<rect width="100%%" height="100%%" fill="#fff"/>
<text x="%d" y="18" font-size="14">Median seconds from submission to the real host (logarithmic)</text>
%s%s<path d="M%d %dH%.1f" stroke="#333"/>
%s</svg>
`, width, plotTop+plotHeight+32, plotLeft, legend.String(), grid.String(), plotLeft, plotTop+plotHeight, width, bars.String())
}

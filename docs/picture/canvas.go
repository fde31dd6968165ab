package main

import (
	"fmt"
	"html"
	"strings"
)

// style has the colours of both kinds of page. Renderers that know no
// media queries draw the light one.
const style = `<style>
text { font-family: system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: #1f2328 }
.mono { font-family: ui-monospace, "DejaVu Sans Mono", monospace }
.bold { font-weight: 600 }
.dim { fill: #59636e }
.card { fill: #ffffff; stroke: #d1d9e0 }
.box { fill: #f6f8fa; stroke: #8b949e }
.real { fill: #dafbe1; stroke: #1a7f37 }
.fake { fill: #ffebe9; stroke: #cf222e; stroke-dasharray: 5 4 }
.good { fill: none; stroke: #1a7f37; stroke-width: 3 }
.bad { fill: none; stroke: #cf222e; stroke-width: 3 }
.plain { fill: none; stroke: #59636e; stroke-width: 3 }
text.good { fill: #1a7f37; stroke: none }
text.bad { fill: #cf222e; stroke: none }
.with { fill: #0969da }
.without { fill: #8b949e }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 }
.dim { fill: #9198a1 }
.card { fill: #0d1117; stroke: #3d444d }
.box { fill: #151b23; stroke: #656c76 }
.real { fill: #12261e; stroke: #3fb950 }
.fake { fill: #25171c; stroke: #f85149 }
.good { stroke: #3fb950 }
.bad { stroke: #f85149 }
.plain { stroke: #9198a1 }
text.good { fill: #3fb950 }
text.bad { fill: #f85149 }
.with { fill: #4493f8 }
.without { fill: #656c76 }
}
</style>
`

// canvas collects the elements of one picture. All lengths are in pixels of its
// own width and height, which a page scales.
type canvas struct {
	width, height int
	title         string // what a reader who cannot see the picture is told
	body          strings.Builder
}

func (c *canvas) add(format string, args ...any) { fmt.Fprintf(&c.body, format+"\n", args...) }

// text writes a line with its baseline at y. anchor is start, middle or end.
func (c *canvas) text(x, y, size int, anchor, class, line string) {
	c.add(`<text x="%d" y="%d" font-size="%d" text-anchor="%s" class="%s">%s</text>`,
		x, y, size, anchor, class, html.EscapeString(line))
}

func (c *canvas) box(x, y, width, height int, class string) {
	c.add(`<rect x="%d" y="%d" width="%d" height="%d" rx="6" class="%s"/>`, x, y, width, height, class)
}

// arrow goes straight from one point to another on the same height.
func (c *canvas) arrow(from, to, y int, class string) {
	head := 10
	if to < from {
		head = -head
	}
	c.add(`<path d="M%d %dH%dm%d -7L%d %dl%d 7" class="%s"/>`, from, y, to, -head, to, y, -head, class)
}

// tick and cross mark what has come to a good and to a bad end.
func (c *canvas) tick(x, y int)  { c.add(`<path d="M%d %dl6 7l11 -14" class="good"/>`, x, y) }
func (c *canvas) cross(x, y int) { c.add(`<path d="M%d %dl14 14m0 -14l-14 14" class="bad"/>`, x, y-7) }

func (c *canvas) String() string {
	title := html.EscapeString(c.title)
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="%s">
<title>%s</title>
%s<rect x="1" y="1" width="%d" height="%d" rx="10" class="card"/>
%s</svg>
`, c.width, c.height, title, title, style, c.width-2, c.height-2, c.body.String())
}

package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// progress is a bar on a terminal, for many domains.
type progress struct {
	w     io.Writer
	total int
	drawn time.Time
	shown bool
}

// newProgress returns a bar that stays away where nobody would see it.
func newProgress(w io.Writer, total int, terminal bool) *progress {
	if !terminal || total < 2 {
		return nil
	}
	return &progress{w: w, total: total}
}

const redraw = 100 * time.Millisecond

// show draws the bar, not too often.
func (p *progress) show(done int) {
	if p == nil || time.Since(p.drawn) < redraw {
		return
	}
	const width = 40
	full := width * done / p.total
	fmt.Fprintf(p.w, "\r[%s%s] %d of %d", strings.Repeat("#", full), strings.Repeat(".", width-full), done, p.total)
	p.drawn, p.shown = time.Now(), true
}

// clear takes the bar away, so that a line can be written.
func (p *progress) clear() {
	if p == nil || !p.shown {
		return
	}
	fmt.Fprint(p.w, "\r\x1b[K")
	p.shown = false
}

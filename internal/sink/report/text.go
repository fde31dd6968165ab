package report

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// Text writes r for people.
func (r *Report) Text(w io.Writer) error {
	p := &printer{w: w}
	p.line("Clients of the sinks from %s to %s (UTC)", r.From.Format(time.DateOnly), r.To.Add(-time.Second).Format(time.DateOnly))
	p.line("")
	p.table(r)
	p.line("")
	p.feeds(r)
	p.line("")
	p.line("%s", r.Summary())
	p.line("")
	p.line("at least: neither the client nor anybody of its /24 (IPv4) or /48 (IPv6) was seen at a real host, and a day has passed.")
	p.line("at most:  the client itself was not seen at a real host so far.")
	p.line("Not every one of them is the fakes' merit: without fakes, some would have come to nothing either.")
	return p.err
}

// Summary is the report in a sentence.
func (r *Report) Summary() string {
	switch days := len(r.Days); {
	case len(r.Hosts) == 0:
		return "Nothing can be said: no real host is configured (-real), so it is not known who came to one."
	case r.Proven == 0:
		return "Nothing can be said: there is no hour for which the feeds of all real hosts are proven."
	default:
		return fmt.Sprintf("Of %s clients a day, between %s and %s were turned away.",
			each(r.All.Clients, days), each(r.All.AtLeast, days), each(r.All.AtMost, days))
	}
}

// each is n divided among days, with a digit behind the point where it matters.
func each(n, days int) string {
	mean := float64(n) / float64(days)
	if mean == float64(int(mean)) || mean >= 100 {
		return fmt.Sprintf("%.0f", mean)
	}
	return fmt.Sprintf("%.1f", mean)
}

// printer writes until something goes wrong.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

func (p *printer) table(r *Report) {
	if p.err != nil {
		return
	}
	t := tabwriter.NewWriter(p.w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "day\tclients\tseen before\tseen later\taway at least\taway at most\tleft out\t")
	for _, d := range append(slices.Clip(r.Days), r.All) {
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t\n", d.Day, d.Clients, d.Before, d.Later, d.AtLeast, d.AtMost, d.LeftOut)
	}
	p.err = t.Flush()
}

func (p *printer) feeds(r *Report) {
	p.line("Counted: %d of %d hours, those for which the feeds of all real hosts are proven.", r.Proven, r.Hours)
	for _, h := range r.Hosts {
		p.line("  %s: %d probes came back through its feed, %d did not", h.Name, h.Alive, h.Dead)
	}
}

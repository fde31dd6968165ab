package harvest

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/fakemx/fakemx/internal/sink/store"
	"github.com/fakemx/fakemx/internal/sink/visit"
)

// Text writes a listing for people.
func (l *Listing) Text(w io.Writer) error {
	p := &printer{w: w}
	p.line("%d addresses are listed.", len(l.Entries))
	if l.Status.Stopped != "" {
		p.line("Nothing can be listed for now: %s.", stoppedText(l.Status.Stopped))
	}
	if len(l.Entries) > 0 {
		p.line("")
		table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "address\tlisted\tuntil\tvisits")
		for _, e := range l.Entries {
			fmt.Fprintf(table, "%v\t%s\t%s\t%d\n", e.Client, short(e.Listed), short(e.Until), e.Times)
		}
		p.end(table)
	}
	if len(l.Allowed) > 0 {
		p.line("")
		p.line("Never listed:")
		for _, a := range l.Allowed {
			p.line("  %v since %s", a.Prefix, short(a.Since))
		}
	}
	return p.err
}

func stoppedText(why string) string {
	if why == "store" {
		return "the store can't be written"
	}
	return Reason(why).Text()
}

// Text writes what is known of an address for people. What a client has said is
// quoted, so that it can't steer a terminal.
func (s *Shown) Text(w io.Writer) error {
	p := &printer{w: w}
	switch {
	case s.Listed:
		p.line("%v is listed since %s, until %s, for %s.", s.Client, short(s.Entry.Listed), short(s.Entry.Until), times(s.Entry.Times))
	case s.Entry != nil:
		p.line("%v is not listed. It was from %s to %s, for %s.", s.Client, short(s.Entry.Listed), short(s.Entry.Until), times(s.Entry.Times))
	default:
		p.line("%v is not listed.", s.Client)
	}
	if s.Acquitted != nil {
		p.line("It was acquitted %s: %s.", short(s.Acquitted.At), acquittedText(s.Acquitted.Why))
	}
	if s.Allowed != nil {
		p.line("It is never listed: %v is on the allow list.", *s.Allowed)
	}
	if s.Listed && len(s.Visits) == 0 {
		p.line("")
		p.line("The visit that counted last, of which no more is known:")
		p.visit(s.Entry.Evidence)
	}
	for _, v := range s.Visits {
		p.line("")
		p.line("%s: %s", v.Reason, v.Text)
		p.visit(v.Candidate)
	}
	if len(s.Visits) == 0 && s.Entry == nil {
		p.line("No visit of it is known that could be judged.")
	}
	return p.err
}

func times(n int) string {
	if n == 1 {
		return "one visit"
	}
	return fmt.Sprintf("%d visits", n)
}

func acquittedText(why string) string {
	switch why {
	case ByHand:
		return "by hand"
	case store.WasSeen:
		return Seen.Text()
	default:
		return Reason(why).Text()
	}
}

func (p *printer) visit(c *store.Candidate) {
	v := c.Visit
	p.line("  %s at sink %v, HELO %s, %d recipients, end %s, early %v, TLS %v", short(v.Time), v.Sink, quote(v.Helo), v.Recipients, quote(string(v.End)), v.Early, v.TLS)
	for _, m := range v.Mail {
		to := make([]string, 0, len(m.To))
		for _, a := range m.To {
			to = append(to, mailbox(a))
		}
		p.line("  from %s to %s", mailbox(m.From), strings.Join(to, ", "))
	}
	if c.Checks == nil {
		p.line("  SPF was not evaluated")
		return
	}
	p.line("  SPF of HELO %s: %s", quote(c.Checks.Helo.Domain), quote(c.Checks.Helo.Result))
	for _, r := range c.Checks.From {
		p.line("  SPF of %s: %s", quote(r.Domain), quote(r.Result))
	}
}

// mailbox is an address whose local part is known by its hash alone.
func mailbox(a visit.Address) string {
	if a == (visit.Address{}) {
		return "<>"
	}
	return quote(a.Hash + "@" + a.Domain)
}

// quote makes text of which every octet is printable.
func quote(text string) string { return strconv.QuoteToASCII(text) }

func short(at time.Time) string { return at.UTC().Format("2006-01-02 15:04 UTC") }

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

func (p *printer) end(table *tabwriter.Writer) {
	if p.err == nil {
		p.err = table.Flush()
	}
}

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"
)

// A sinkReport is what a run has found.
type sinkReport struct {
	date     time.Time
	versions map[string]string
	senders  []string
	cases    []*sinkCase
	results  [][]sinkResult // by sender and case
	ends     map[string]map[string]int
	busy     [][]busyResult // by sender; with closed sinks, and with some that answer
	policy   []policyTry
	backOff  []backOff
}

// visitEnds counts how each sender's visits to the sinks ended: some never say
// QUIT after a 4xx. Those that waited for the greeting count too.
func visitEnds(stations []*station) (map[string]map[string]int, error) {
	ends := map[string]map[string]int{}
	for kind := range replies {
		text, err := os.ReadFile(visitsPath(kind))
		if errors.Is(err, os.ErrNotExist) {
			continue // the short form has not all
		}
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(text)) {
			var visit struct {
				Client netip.Addr
				End    string
			}
			if err := json.Unmarshal([]byte(line), &visit); err != nil {
				return nil, fmt.Errorf("%q: %w", line, err)
			}
			for _, st := range stations {
				if st.addr != visit.Client && v6(st.addr) != visit.Client {
					continue
				}
				if ends[st.name] == nil {
					ends[st.name] = map[string]int{}
				}
				ends[st.name][visit.End]++
			}
		}
	}
	return ends, nil
}

// verdict complains about every message that was not delivered in the end, or
// took more runs of the queue than with a closed sink, if no sender visited a sink
// at all, of a busy sender whose new mail arrives with closed sinks only, and of
// mail that Postfix didn't take because of its policy service.
func (r *sinkReport) verdict() error {
	var errs []error
	visits := 0
	for i, name := range r.senders {
		for j, c := range r.cases {
			if err := r.judge(i, j); err != nil {
				errs = append(errs, fmt.Errorf("%s: %s: %w", name, c.title(), err))
			}
			if c.reply != closed {
				visits += r.results[i][j].visits
			}
		}
	}
	if visits == 0 {
		errs = append(errs, errors.New("no sender came to an answering sink, so this shows nothing"))
	}
	for i, b := range r.busy {
		// Exim leaves a host alone that was down, whatever the sinks do.
		if closedOnes, answering := b[0], b[1]; answering.broken != nil && closedOnes.broken == nil {
			errs = append(errs, fmt.Errorf("%s, busy in an outage: %w; with closed sinks one after %v", r.senders[i], answering.broken, closedOnes.after))
		}
	}
	for _, p := range r.policy {
		if p.failed != nil {
			errs = append(errs, fmt.Errorf("policy service %s: %w", p.service, p.failed))
		}
	}
	return errors.Join(errs...)
}

// judge complains about a sender's message of a case.
func (r *sinkReport) judge(sender, of int) error {
	c, got := r.cases[of], r.results[sender][of]
	switch {
	case got.refused:
		return nil
	case got.broken != nil:
		return got.broken
	case slices.Contains(c.losers, r.senders[sender]):
		if got.fate == delivered {
			return errors.New("delivered, expected it to stay in the queue")
		}
		return nil
	case got.fate != delivered:
		return fmt.Errorf("%s, expected delivered", got.fate)
	}
	twin := slices.IndexFunc(r.cases, func(other *sinkCase) bool { return other.label == c.twin })
	if twin < 0 {
		return nil
	}
	if with := r.results[sender][twin]; with.broken == nil && got.runs > with.runs {
		return fmt.Errorf("delivered on run %d of the queue, with a closed sink on run %d", got.runs, with.runs)
	}
	return nil
}

// cell is what became of a message: at once, or with how many visits of sinks
// before, and by which run of the queue.
func (r sinkResult) cell() string {
	switch {
	case r.broken != nil:
		return r.broken.Error()
	case r.refused:
		return "-"
	case r.fate != delivered:
		return fmt.Sprintf("%s, %d", r.fate, r.visits)
	case r.runs == 0:
		return "at once"
	default:
		return fmt.Sprintf("run %d, %d", r.runs, r.visits)
	}
}

func (b busyResult) cell() string {
	if b.broken != nil {
		return b.broken.Error()
	}
	return fmt.Sprintf("%.0f s", b.after.Seconds())
}

// markdown are the tables for sink.md.
func (r *sinkReport) markdown() string {
	var b strings.Builder
	b.WriteString(r.date.UTC().Format(time.DateOnly) + ":")
	for i, name := range r.senders {
		fmt.Fprintf(&b, "%s %s %s", map[bool]string{true: ","}[i > 0], name, r.versions[name])
	}
	b.WriteString(".\n\n")
	rows := [][]string{append([]string{"the real host", "the sinks", "the message"}, r.senders...)}
	for j, c := range r.cases {
		rows = append(rows, c.words())
		for i := range r.senders {
			rows[j+1] = append(rows[j+1], r.results[i][j].cell())
		}
	}
	writeTable(&b, rows)
	b.WriteString("\n")
	rows = [][]string{{"", "visits of answering sinks that ended with QUIT", "without"}}
	for _, name := range r.senders {
		if ends := r.ends[name]; ends != nil {
			all := 0
			for _, n := range ends {
				all += n
			}
			rows = append(rows, []string{name, fmt.Sprint(ends["quit"]), fmt.Sprint(all - ends["quit"])})
		}
	}
	writeTable(&b, rows)
	if r.busy != nil {
		rows = [][]string{{"a message every " + busyEvery.String() + ", before and after the real host comes back", "closed sinks: a new one arrives after", "451 at RCPT"}}
		for i, b := range r.busy {
			rows = append(rows, []string{r.senders[i], b[0].cell(), b[1].cell()})
		}
		b.WriteString("\n")
		writeTable(&b, rows)
	}
	if r.backOff != nil {
		rows = [][]string{{fmt.Sprintf("%d messages at once to a domain whose real host refuses, Postfix, %d runs", backOffMails, backOffRuns), "calls of the real host", "of sinks"}}
		for _, o := range r.backOff {
			rows = append(rows, []string{o.sink, numbers(o.real), numbers(o.fakes)})
		}
		b.WriteString("\n")
		writeTable(&b, rows)
	}
	if r.policy != nil {
		rows = [][]string{{"the policy service", "Postfix takes a message within"}}
		for _, p := range r.policy {
			rows = append(rows, []string{p.service, fmt.Sprintf("%.1f s", p.slowest.Seconds())})
		}
		b.WriteString("\n")
		writeTable(&b, rows)
	}
	return b.String()
}

// words are the first cells of the row of a case.
func (c *sinkCase) words() []string {
	host, sink := string(c.state), c.reply
	if c.what != "" {
		host += ": " + c.what
	}
	if c.bare {
		sink += ", TLS at the sink only"
	}
	return []string{host, sink, c.letter.what}
}

// numbers lists counts in a cell.
func numbers(counts []int) string {
	words := make([]string, len(counts))
	for i, n := range counts {
		words[i] = fmt.Sprint(n)
	}
	return strings.Join(words, ", ")
}

// writeTable writes rows, the first of which is the head.
func writeTable(b *strings.Builder, rows [][]string) {
	for i, cells := range rows {
		fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
		if i == 0 {
			b.WriteString("|" + strings.Repeat(" --- |", len(cells)) + "\n")
		}
	}
}

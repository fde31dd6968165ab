package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestDocument(t *testing.T) {
	dir := t.TempDir()
	if err := fine().document(dir); err != nil {
		t.Fatal(err)
	}
	for name, wanted := range map[string][]string{
		"mail.md": {
			"4 messages from 2 mail servers in 2 safe shapes",
			"0.05 s (quick)",
			"waits about 2.4 s after every refused connection",
			"| one lowest ",
			"`fake0* mail` (all)",
			"Closed sinks delay no sender but OpenSMTPD, which waits 2 s",
			"lost with quick (queued)",
			"When a lowest sink drops packets, `watch` has its fake out of the answers, here after 30 s. Of the 2 messages",
			"none was lost, and the slowest took 0.2 s. Without `watch` 1 of 2 were lost",
			"Every 5s each sender",
			"Meanwhile 40 sets",
			"1.00 (1.00)",
		},
		"receivers.md": {
			"(greylisting) quick\n  went on to them",
			"OpenSMTPD never did",
			"leaves mail queued with quick;",
			"| 400 records | bounced | delivered |",
		},
	} {
		t.Run(name+" gives the figures of the run", func(t *testing.T) {
			page, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range wanted {
				if !strings.Contains(string(page), want) {
					t.Errorf("the page lacks %q", want)
				}
			}
		})
	}
	t.Run("the plot is an XML document with a cell a sender and shape", func(t *testing.T) {
		plot, err := os.Open(filepath.Join(dir, "mail.svg"))
		if err != nil {
			t.Fatal(err)
		}
		defer plot.Close()
		titles := 0
		for d := xml.NewDecoder(plot); ; {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if e, ok := token.(xml.StartElement); ok && e.Name.Local == "title" {
				titles++
			}
		}
		if titles != 4 { // two senders, two shapes
			t.Errorf("%d cells, want 4", titles)
		}
	})
}

func TestPagesAreWrittenOnlyForWhatTheRunShows(t *testing.T) {
	for name, tc := range map[string]struct {
		spoil func(*try)
		want  []string
	}{
		"a run that shows what it must writes both":            {func(*try) {}, []string{"mail.md", "mail.svg", "receivers.md"}},
		"one that is late writes the page without seconds":     {func(t *try) { t.seconds = 3 }, []string{"receivers.md"}},
		"one that loses mail where it must not writes nothing": {func(t *try) { t.fate = bounced }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			dir, r := t.TempDir(), fine()
			tc.spoil(&r.rows[1].outcomes["quick"].tries[0])
			if err := r.document(dir); err != nil {
				t.Fatal(err)
			}
			entries, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, e := range entries {
				got = append(got, e.Name())
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("wrote %v, want %v", got, tc.want)
			}
		})
	}
}

// everyRow is a run of all cases with all senders, each of whose cells is as
// wide as it gets.
func everyRow() *result {
	l := &laboratory{tlsa: strings.Repeat("ab", 32), receivers: receivers()}
	a := l.agenda(newPlan(), senders(), &options{mails: 9})
	r := &result{senders: senders(), receive: l.receivers}
	fill := func(w row) {
		w.outcomes = map[string]outcome{}
		for _, s := range r.senders {
			if s.dane == (w.kind == dane) {
				w.outcomes[s.name] = outcome{
					tries:  []try{{fate: delivered, attempt: 2, seconds: 10, called: []string{"fake0*", "mail/6"}}},
					remark: "after 100.0 s", detour: &detour{visits: []int{0}},
				}
			}
		}
		r.rows = append(r.rows, w)
	}
	for _, s := range a.steps {
		fill(s.row)
	}
	for _, k := range a.leaving {
		fill(row{kind: known, part: partLeaving, what: k.what})
	}
	for _, receiver := range r.receive {
		for _, a := range receiver.arrivals {
			if a.result.fate = delivered; a.stops(receiver) {
				a.result = try{fate: queued, called: []string{"fake0*", "fake0*"}}
			}
		}
	}
	for _, h := range habits() {
		r.bots = append(r.bots, botRow{habit: h.name, what: "real preference 65535, moved down", tries: 1})
	}
	for _, v := range a.vigils {
		v.mended = v.broke.Add(time.Hour)
		v.back = v.mended.Add(returnsWithin)
		for _, s := range r.walkers() {
			many := []sent{{try{fate: delivered, seconds: endures.Seconds()}, v.broke}, {try{fate: delivered, seconds: endures.Seconds()}, v.mended}}
			v.streams[s.name] = streams{with: slices.Repeat(many, owners), without: slices.Repeat(many, owners)}
		}
		r.vigils = append(r.vigils, v)
	}
	for _, w := range ways() {
		r.unsorted = append(r.unsorted, botRow{habit: w.name, what: "one lowest, five highest", tries: 1})
	}
	return r
}

func TestTablesFitAPage(t *testing.T) {
	for name, table := range everyRow().tables() {
		t.Run(name, func(t *testing.T) {
			if table == "" {
				t.Fatal("no table")
			}
			for line := range strings.Lines(table) {
				if n := len([]rune(line)) - 1; n > pageWidth {
					t.Errorf("%d characters, want at most %d: %s", n, pageWidth, line)
				}
			}
		})
	}
}

func TestWrap(t *testing.T) {
	got := wrap("- one two three", 9, "  ")
	if want := "- one two\n  three\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

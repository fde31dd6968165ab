package harvest

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/fakemx/fakemx/internal/sink/store"
	"github.com/fakemx/fakemx/internal/sink/visit"
)

// hostile steers a terminal, changes the direction of writing, and ends lines.
const hostile = "a\x1b[2J\x1b]0;x\x07\u202eb\u0085\u2028\r\nc\x00\xff\u009b31m"

// printable reports what of a text for people must not be in it.
func printable(text string) (bad []rune) {
	for _, r := range text {
		if r != '\n' && (r >= 0x7f || !unicode.IsPrint(r)) {
			bad = append(bad, r)
		}
	}
	return bad
}

func TestWhatIsPrintedSteersNoTerminal(t *testing.T) {
	w := newWorld(t)
	v := &visit.Visit{
		Time: w.now, Client: bot(1), Sink: sinkAddress, Helo: hostile, Recipients: 1, End: visit.End(hostile), KeyMark: hostile,
		Mail: []visit.Mail{{From: visit.Address{Domain: hostile, Hash: hostile}, To: []visit.Address{{Domain: ourDomain, Hash: hostile}, {Domain: hostile, Hash: hostile}}}},
	}
	w.hear(v) // as the line of another sink would
	w.check()
	shown, err := w.engine.Show(t.Context(), bot(1))
	w.must(err)
	if len(shown.Visits) != 1 || shown.Visits[0].Visit.Helo == "" {
		t.Fatalf("shown is %+v", shown)
	}
	shown.Listed = true
	shown.Entry = &store.Entry{Client: bot(1), Evidence: shown.Visits[0].Candidate, Times: 2}
	shown.Acquitted = &store.Acquittal{Why: hostile}
	var out bytes.Buffer
	w.must(shown.Text(&out))
	shown.Visits = nil
	w.must(shown.Text(&out))
	if bad := printable(out.String()); len(bad) > 0 {
		t.Errorf("printed is %q: %q", bad, out.String())
	}
	if !strings.Contains(out.String(), `\x1b[2J`) {
		t.Errorf("the evidence is missing: %q", out.String())
	}
	out.Reset()
	listing := &Listing{Status: Status{Stopped: hostile}}
	w.must(listing.Text(&out))
	if bad := printable(out.String()); len(bad) > 0 {
		t.Errorf("printed is %q: %q", bad, out.String())
	}
}

func TestShowAndList(t *testing.T) {
	w, listed := listOne(t)
	w.must(w.engine.Allow(near(ip("14.1.1.1"))))
	all, err := w.engine.List()
	w.must(err)
	var out bytes.Buffer
	w.must(all.Text(&out))
	for _, want := range []string{"3 addresses are listed.", "13.0.1.66  2026-03-09", "2026-03-12", "Never listed:\n  14.1.1.0/24 since "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in %s", want, out.String())
		}
	}
	shown, err := w.engine.Show(t.Context(), listed)
	w.must(err)
	out.Reset()
	w.must(shown.Text(&out))
	for _, want := range []string{
		"13.0.1.66 is listed since 2026-03-09", "for one visit.", "bot: all conditions are met", `HELO "bot.example"`,
		`SPF of HELO "bot.example": "none"`, `SPF of "forged.example": "none"`, `@example.org"`,
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in %s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "bot1@") || strings.Contains(out.String(), "bob@") {
		t.Errorf("a local part is printed: %s", out.String())
	}
	encoded, err := json.Marshal(shown)
	w.must(err)
	back := new(Shown)
	if err := json.Unmarshal(encoded, back); err != nil || back.Schema != ShowSchema || !back.Listed || len(back.Visits) != 1 || back.Visits[0].Reason != Bot {
		t.Errorf("as JSON it reads back as %+v, %v", back, err)
	}
}

func TestShowSaysWhyAVisitIsNotJudgedYet(t *testing.T) {
	w := newWorld(t)
	w.bots(2)
	w.pass(2 * time.Hour)
	shown, err := w.engine.Show(t.Context(), bot(1))
	w.must(err)
	if len(shown.Visits) != 1 || shown.Visits[0].Reason != Waiting {
		t.Errorf("shown is %+v", shown)
	}
}

func TestAcquitAllowAndDisallow(t *testing.T) {
	w, listed := listOne(t)
	w.must(w.engine.Acquit(listed))
	w.must(w.engine.Allow(near(bot(2))))
	w.seconds(10)
	if got := w.listed(); len(got) != 1 || got[0] != bot(0) {
		t.Errorf("listed are %v", got)
	}
	shown, err := w.engine.Show(t.Context(), bot(2))
	w.must(err)
	if shown.Allowed == nil || *shown.Allowed != near(bot(2)) || shown.Acquitted == nil || shown.Acquitted.Why != ByAllowance {
		t.Errorf("shown is %+v", shown)
	}
	w.must(w.engine.Disallow(near(bot(2))))
	if err := w.engine.Disallow(near(bot(2))); err == nil || !strings.Contains(err.Error(), "13.0.2.0/24 is not on the allow list") {
		t.Errorf("%v", err)
	}
	// Both come back, and count again.
	for i := range 2 {
		w.visit(bot(i+1), "bot.example", spam(100+i))
	}
	w.judge()
	if got := w.listed(); len(got) != 3 {
		t.Errorf("listed are %v", got)
	}
}

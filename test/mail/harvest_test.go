package main

import (
	"bytes"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// asExpected is a result in which everything is as it must be, with two bots a
// course and domain.
func asExpected() *harvestResult {
	r := &harvestResult{
		date: time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC), each: 2, courses: courses(), senders: 1,
		versions: map[string]string{"Postfix": "3", "rspamd": "4"},
		wronged:  wronged{listed: true, deferred: true, acquitted: true, arrived: true},
	}
	var shapes []*shape
	for _, label := range treatments {
		shapes = append(shapes, &shape{label: label})
	}
	for _, b := range harvestBots(r.courses, shapes, r.each) {
		r.count(b, b.listed)
		r.reached(b, b.reach[b.shape.label])
	}
	for day := range r.honest {
		for _, label := range treatments {
			r.honestly(day, label, true)
		}
	}
	return r
}

func TestJudgeHarvest(t *testing.T) {
	for _, c := range []struct {
		what   string
		change func(r *harvestResult)
		says   string // empty: nothing
	}{
		{"everything as expected", func(*harvestResult) {}, ""},
		{"a bot that is not listed", func(r *harvestResult) { r.row(&r.courses[0]).listed-- }, "only to the highest, each time: 5 of 6 bots are listed, expected 6"},
		{"a walker that is listed", func(r *harvestResult) { r.row(&r.courses[4]).listed++ }, "1 of 6 bots are listed, expected 0"},
		{"a listed bot in a mailbox", func(r *harvestResult) { r.row(&r.courses[1]).reached[defersLabel]++ }, "1 of 2 messages for defers.example.org are in a mailbox, expected 0"},
		{"an unlisted bot in none", func(r *harvestResult) { r.row(&r.courses[5]).reached[plainLabel] = 0 }, "0 of 2 messages for plain.example.org are in a mailbox, expected 2"},
		{"an honest sender's mail in no mailbox", func(r *harvestResult) { r.honestly(1, scoresLabel, false) }, "honest senders, day 2: 1 of 2 messages for scores.example.org"},
		{"no honest mail at all", func(r *harvestResult) { r.honest[0] = nil }, "honest senders, day 1: 0 of 0 messages"},
		{"an honest sender listed", func(r *harvestResult) { r.honestListed++ }, "1 honest senders are listed"},
		{"nobody listed by mistake", func(r *harvestResult) { r.wronged.listed = false }, "is not listed, so this shows nothing"},
		{"one that the listing does not put off", func(r *harvestResult) { r.wronged.early = true }, "was not put off"},
		{"one that is not acquitted", func(r *harvestResult) { r.wronged.acquitted = false }, "was not acquitted within 10s"},
		{"one that stays on the list", func(r *harvestResult) { r.wronged.served = true }, "stays on the list"},
		{"one whose mail does not arrive", func(r *harvestResult) { r.wronged.arrived = false }, "did not get its mail through"},
	} {
		t.Run(c.what, func(t *testing.T) {
			r := asExpected()
			c.change(r)
			err := r.verdict()
			if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("got %v, want %q", err, c.says)
			}
		})
	}
}

func TestTheTableIsReplacedInThePage(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "sink.md")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const beginTable, endTable = "<!-- begin: go -C test/mail run . harvest -write ../../docs -->\n", "<!-- end -->\n"
	write("before\n" + beginTable + "old\n" + endTable + "after\n")
	if err := asExpected().document(dir); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"| what it does | listed | without the list | smtpd defers | rspamd scores |\n| --- | --- | --- | --- | --- |\n",
		"| only to the highest, each time | 100 % | 0 % | 0 % | 0 % |\n",
		"| honest senders | 0 % | 100 % | 100 % | 100 % |\n" + endTable + "after\n",
	} {
		if !strings.Contains(string(text), line) {
			t.Errorf("got\n%s\nwant in it\n%s", text, line)
		}
	}
	if !strings.HasPrefix(string(text), "before\n"+beginTable+"2026-01-31, ") || strings.Contains(string(text), "old") {
		t.Errorf("got\n%s", text)
	}
	write("no place for it\n")
	if err := asExpected().document(dir); err == nil {
		t.Error("a page without a place for the table: got no error")
	}
}

func TestMailboxes(t *testing.T) {
	dir := t.TempDir()
	boxes := &mailboxes{dir: dir, letters: map[string]letter{}, files: map[string]bool{}}
	for name, text := range map[string]string{
		"1": "Delivered-To: b1@plain.example.org\nX-Spamd-Result: default: False [2.00 / 15.00];\n\tAUTH_NA(1.00)[]\n\nhello\n",
		"2": "Delivered-To: b2@plain.example.org\nX-Spamd-Result: default: False [9.00 / 15.00];\n\tAUTH_NA(1.00)[]\nX-Spam: Yes\n\nhello\n",
		"3": "Delivered-To: b3@plain.example.org\n\nhello\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := boxes.read(); err != nil {
		t.Fatal(err)
	}
	want := map[string]letter{
		"b1": {score: "default: False [2.00 / 15.00]"},
		"b2": {score: "default: False [9.00 / 15.00]", junk: true},
		"b3": {},
	}
	if !maps.Equal(boxes.letters, want) {
		t.Errorf("got %v, want %v", boxes.letters, want)
	}
}

func TestHarvestOptions(t *testing.T) {
	for _, c := range []struct {
		args string
		each int // 0: refused
	}{
		{"", 10},
		{"-short", 2},
		{"-write docs", 10},
		{"-short -write docs", 0},
		{"more", 0},
		{"-unknown", 0},
	} {
		t.Run(c.args, func(t *testing.T) {
			o, err := parseHarvestOptions(strings.Fields(c.args), io.Discard)
			switch {
			case (err != nil) != (c.each == 0):
				t.Errorf("got %v, want refused: %v", err, c.each == 0)
			case err == nil && o.each != c.each:
				t.Errorf("got %d bots, want %d", o.each, c.each)
			}
		})
	}
}

func TestBotsAreListedAndTheWronglyListedGetOff(t *testing.T) {
	if testing.Short() {
		t.Skip("installs mail servers: some minutes")
	}
	needsRoot(t)
	cmd := &exec.Cmd{Path: "/proc/self/exe", Args: []string{roleProgram, harvestCommand, "-short"}, Env: os.Environ()}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	t.Log(out.String())
	if err != nil {
		t.Errorf("the laboratory of the harvest fails: %v", err)
	}
}

package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

func TestVerdictOfSinks(t *testing.T) {
	good := sinkResult{try: try{fate: delivered}, visits: 2, runs: 1}
	for _, c := range []struct {
		what   string
		change func(r *sinkReport, got *sinkResult)
		says   string // empty: nothing
	}{
		{"delivered as soon as with a closed sink", func(*sinkReport, *sinkResult) {}, ""},
		{"bounced", func(_ *sinkReport, got *sinkResult) { got.fate = bounced }, "Postfix: puts it off, 451 at RCPT, plain: bounced, expected delivered"},
		{"left in the queue", func(_ *sinkReport, got *sinkResult) { got.fate = queued }, "queued, expected delivered"},
		{"taken by a sink", func(_ *sinkReport, got *sinkResult) { got.fate = stolen }, "taken by a sink, expected delivered"},
		{"delivered later", func(_ *sinkReport, got *sinkResult) { got.runs = 2 }, "on run 2 of the queue, with a closed sink on run 1"},
		{"not carried out", func(_ *sinkReport, got *sinkResult) { got.broken = errors.New("no such host") }, "no such host"},
		{"left in the queue by one that is known for it", func(r *sinkReport, got *sinkResult) {
			got.fate = queued
			r.cases[1].losers = []string{"Postfix"}
		}, ""},
		{"delivered by one that is known for not doing it", func(r *sinkReport, _ *sinkResult) { r.cases[1].losers = []string{"Postfix"} }, "expected it to stay in the queue"},
		{"never at a sink", func(_ *sinkReport, got *sinkResult) { got.visits = 0 }, "no sender came to an answering sink"},
		{"a busy sender whose mail doesn't get past the sink", func(r *sinkReport, _ *sinkResult) {
			r.busy = [][]busyResult{{{after: time.Second}, {broken: errors.New("none has arrived")}}}
		}, "Postfix, busy in an outage: none has arrived; with closed sinks one after 1s"},
		{"a busy sender that leaves the real host alone by itself", func(r *sinkReport, _ *sinkResult) {
			r.busy = [][]busyResult{{{broken: errors.New("none has arrived")}, {broken: errors.New("none has arrived")}}}
		}, ""},
		{"mail that was not taken for the policy service", func(r *sinkReport, _ *sinkResult) {
			r.policy = []policyTry{{service: "is dead", failed: errors.New("451 4.3.5")}}
		}, "policy service is dead: 451 4.3.5"},
	} {
		t.Run(c.what, func(t *testing.T) {
			got := good
			r := &sinkReport{senders: []string{"Postfix"}, cases: []*sinkCase{
				{shape: &shape{label: "closed"}, reply: closed, state: putsOff, letter: missive{what: "plain"}},
				{shape: &shape{label: "case1"}, reply: atRcpt, state: putsOff, letter: missive{what: "plain"}, twin: "closed"},
			}}
			c.change(r, &got)
			r.results = [][]sinkResult{{good, got}}
			err := r.verdict()
			if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("got %v, want %q", err, c.says)
			}
		})
	}
}

func TestTablesOfSinks(t *testing.T) {
	plain, _, _, _, _ := letters()
	p := newPlan()
	r := &sinkReport{
		date: time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC), versions: map[string]string{"Postfix": "3.7", "dma": "0.13"}, senders: []string{"Postfix", "dma"},
		cases:   []*sinkCase{p.sinkCase(putsOff, atRcpt, plain, "closed"), p.sinkCase(takesAll, closed, plain, "")},
		results: [][]sinkResult{{{try: try{fate: delivered}, visits: 2, runs: 1}, {try: try{fate: delivered}}}, {{refused: true}, {try: try{fate: queued}, visits: 1}}},
		ends:    map[string]map[string]int{"dma": {"quit": 1, "closed": 2, "idle": 3}},
		busy:    [][]busyResult{{{after: time.Second}, {after: 90 * time.Second}}, {{}, {broken: errors.New("nothing arrived")}}},
		policy:  []policyTry{{service: "runs", slowest: 120 * time.Millisecond}},
		backOff: []backOff{{sink: closed, real: []int{4, 3}, fakes: []int{8, 6}}},
	}
	got := r.markdown()
	for _, line := range []string{
		"2026-01-31: Postfix 3.7, dma 0.13.",
		"| the real host | the sinks | the message | Postfix | dma |",
		"| puts it off | 451 at RCPT | plain | run 1, 2 | - |",
		"| takes it | closed | plain | at once | queued, 1 |",
		"| dma | 1 | 5 |",
		"| Postfix | 1 s | 90 s |",
		"| dma | 0 s | nothing arrived |",
		"| closed | 4, 3 | 8, 6 |",
		"| runs | 0.1 s |",
	} {
		if !strings.Contains("\n"+got, "\n"+line+"\n") {
			t.Errorf("no line %q in:\n%s", line, got)
		}
	}
}

func TestMessagesPutOffInPostfixsQueue(t *testing.T) {
	const list = `{"queue_name": "deferred", "queue_id": "A", "recipients": [{"address": "m1@a.example", "delay_reason": "deferred transport"}]}
{"queue_name": "deferred", "queue_id": "B", "recipients": [{"address": "m2@a.example", "delay_reason": "connect to mail.a.example[192.0.2.1]:25: Connection refused"}]}
{"queue_name": "deferred", "queue_id": "C", "recipients": [{"address": "m3@a.example", "delay_reason": "delivery temporarily suspended: Connection refused"}]}
{"queue_name": "deferred", "queue_id": "D", "recipients": [{"address": "m4@b.example", "delay_reason": "deferred transport"}]}
{"queue_name": "incoming", "queue_id": "E", "recipients": [{"address": "m5@a.example", "delay_reason": "deferred transport"}]}
{"queue_name": "active", "queue_id": "F", "recipients": [{"address": "m6@a.example"}]}
`
	for held, want := range map[bool]int{true: 1, false: 2} {
		if got, err := countPutOff(list, "a.example", held); err != nil || got != want {
			t.Errorf("held %t: got %d, %v, expected %d", held, got, err, want)
		}
	}
	if _, err := countPutOff("Mail queue is empty\n", "a.example", true); err == nil {
		t.Error("a list that isn't JSON: no error, expected one")
	}
}

func TestSinkCases(t *testing.T) {
	p := newPlan()
	cases := sinkCases(p, &sinkOptions{})
	twins := map[string]bool{}
	for _, c := range cases {
		t.Run(c.title(), func(t *testing.T) {
			if c.twin == "" != (c.reply == closed) || c.twin != "" && !twins[c.twin] {
				t.Errorf("compared with %q, expected a case before it with a closed sink, or to be one", c.twin)
			}
			if len(c.highest) == 0 || len(c.want) != len(c.real)+len(c.fakes()) {
				t.Errorf("%d records, %d real hosts and %d fakes", len(c.want), len(c.real), len(c.fakes()))
			}
		})
		twins[c.label] = c.reply == closed
	}
}

func TestNoMailIsLostAtASinkThatAnswers(t *testing.T) {
	if testing.Short() {
		t.Skip("installs mail servers: some minutes")
	}
	needsRoot(t)
	cmd := &exec.Cmd{Path: "/proc/self/exe", Args: []string{roleProgram, sinkCommand, "-short"}, Env: os.Environ()}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	t.Log(out.String())
	if err != nil {
		t.Errorf("the laboratory of the sink fails: %v", err)
	}
}

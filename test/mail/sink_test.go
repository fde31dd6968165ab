package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestJudgeSinks(t *testing.T) {
	stations := []*station{{sender: &sender{name: "Postfix"}}}
	cases := []*sinkCase{
		{shape: &shape{what: "closed sink"}, reply: "closed", twin: -1},
		{shape: &shape{what: "451 at RCPT"}, reply: "rcpt"},
	}
	good := sinkResult{try: try{fate: delivered}, visits: 2, runs: 1}
	for _, c := range []struct {
		what   string
		change func(r *sinkResult)
		says   string // empty: nothing
	}{
		{"delivered as soon as with a closed sink", func(*sinkResult) {}, ""},
		{"bounced", func(r *sinkResult) { r.fate = bounced }, "bounced, expected delivered"},
		{"left in the queue", func(r *sinkResult) { r.fate = queued }, "queued, expected delivered"},
		{"taken by a sink", func(r *sinkResult) { r.fate = stolen }, "taken by a sink, expected delivered"},
		{"delivered later", func(r *sinkResult) { r.runs = 2 }, "on run 2 of the queue, with a closed sink on run 1"},
		{"not carried out", func(r *sinkResult) { r.broken = errors.New("no such host") }, "no such host"},
		{"left in the queue by one that is known for it", func(r *sinkResult) { r.fate = queued; cases[1].losers = []string{"Postfix"} }, ""},
		{"delivered by one that is known for not doing it", func(*sinkResult) { cases[1].losers = []string{"Postfix"} }, "expected it to stay in the queue"},
		{"never at a sink", func(r *sinkResult) { r.visits = 0 }, "no sender came to an answering sink"},
	} {
		t.Run(c.what, func(t *testing.T) {
			r := good
			cases[1].losers = nil
			c.change(&r)
			err := judgeSinks(stations, cases, [][]sinkResult{{good, r}})
			if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("got %v, want %q", err, c.says)
			}
		})
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

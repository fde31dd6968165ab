package main

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestGuide(t *testing.T) {
	for _, c := range []struct {
		what, text string
		block      string
		missed     string // empty: nothing
	}{
		{"the block of that name", "~~~ exim debian\nother\n~~~\n\n~~~ exim\na\nb\n~~~\n", "a\nb\n", ""},
		{"none of that name", "~~~\na\n~~~\n", "", `docs/sink.md has 0 blocks "~~~ exim", expected 1`},
		{"two of that name", "~~~ exim\na\n~~~\n~~~ exim\nb\n~~~\n", "", `docs/sink.md has 2 blocks "~~~ exim", expected 1`},
	} {
		t.Run(c.what, func(t *testing.T) {
			g := &guide{text: c.text}
			if got := g.block("exim"); got != c.block {
				t.Errorf("got %q, want %q", got, c.block)
			}
			if err := g.missed(); (err != nil) != (c.missed != "") || err != nil && err.Error() != c.missed {
				t.Errorf("got %v, want %q", err, c.missed)
			}
		})
	}
	t.Run("flags that the document doesn't have", func(t *testing.T) {
		g := &guide{text: "| `-feed /var/log/mail.log` |"}
		g.flags("-feed /var/log/mail.log", "-feed mail=/var/log/mail.log")
		if err := g.missed(); err == nil || err.Error() != `docs/sink.md has no "-feed mail=/var/log/mail.log"` {
			t.Errorf("got %v", err)
		}
	})
	t.Run("all that the laboratory looks for stands in the document", func(t *testing.T) {
		g, err := readGuide()
		if err != nil {
			t.Fatal(err)
		}
		feedHosts(g)
		if err := g.missed(); err != nil {
			t.Error(err)
		}
	})
}

func TestJudgeFeedReport(t *testing.T) {
	for _, c := range []struct {
		what   string
		change func(r *feedReport)
		good   bool
	}{
		{"all seen, before or later", func(*feedReport) {}, true},
		{"a client that came to the real host counts as turned away", func(r *feedReport) { r.All.Before--; r.All.AtMost++ }, false},
		{"the one that came to the sink alone is seen", func(r *feedReport) { r.All.Later++; r.All.AtMost-- }, false},
		{"a visit is missing", func(r *feedReport) { r.All.Clients--; r.All.Later-- }, false},
		{"the hour is not proven", func(r *feedReport) { r.All.Clients--; r.All.LeftOut++; r.All.AtMost-- }, false},
	} {
		t.Run(c.what, func(t *testing.T) {
			r := &feedReport{}
			r.All.Clients, r.All.Before, r.All.Later, r.All.AtMost = 4, 2, 1, 1
			c.change(r)
			if err := r.judge(3); (err == nil) != c.good {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestMetric(t *testing.T) {
	const text = "# HELP a b\nfakemx_sink_feed_proven{host=\"mail\"} 1\nfakemx_sink_feed_proven{host=\"mail2\"} 0\n"
	if value, found := metric(text, `fakemx_sink_feed_proven{host="mail"}`); !found || value != 1 {
		t.Errorf("got %v, %t", value, found)
	}
	if value, found := metric(text, "fakemx_sink_feed_proven"); found {
		t.Errorf("a series without its labels has the value %v", value)
	}
}

func TestTheDocumentedSetUpsTellWhoCame(t *testing.T) {
	if testing.Short() {
		t.Skip("installs mail servers: some minutes")
	}
	needsRoot(t)
	cmd := &exec.Cmd{Path: "/proc/self/exe", Args: []string{roleProgram, feedsCommand}, Env: os.Environ()}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	t.Log(out.String())
	if err != nil {
		t.Errorf("the laboratory of the feeds fails: %v", err)
	}
	if n := strings.Count(out.String(), "tells the sink server"); n == 0 {
		t.Error("no mail server told anything")
	}
}

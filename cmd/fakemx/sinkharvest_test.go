package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
)

const listCorefile = `example.org:1053 {
    fakemx {
        highest fake1 198.51.100.26
    }
    file db.example.org
}
`

// listFlags returns the flags with which a server lists, and its directories.
func listFlags(t *testing.T) (flags []string, state, lists string) {
	t.Helper()
	state, lists = t.TempDir(), t.TempDir()
	conf := filepath.Join(t.TempDir(), "Corefile")
	if err := os.WriteFile(conf, []byte(listCorefile), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{
		"-state", state, "-list", lists, "-list-zone", "bl.example.net", "-conf", conf, "-resolver", "127.0.0.1:1",
		"-real", "mx1=" + freePort(t), "-probe-rcpt", "postmaster@example.org", "-policy", "mx1=" + freePort(t),
	}, state, lists
}

// asks runs a command that speaks to the server, and returns all that it says.
func asks(t *testing.T, state, command string, args ...string) (said string, failed bool) {
	t.Helper()
	out, err := sinkCommand(t, append([]string{"sink", command, "-state", state}, args...)...).CombinedOutput()
	for _, r := range string(out) {
		if r != '\n' && (r >= 0x7f || !unicode.IsPrint(r)) {
			t.Errorf("%s prints %q in %q", command, r, out)
		}
	}
	return string(out), err != nil
}

func TestSinkList(t *testing.T) {
	flags, state, lists := listFlags(t)
	metrics := freePort(t)
	p := serveSink(t, nil, append(flags, "-metrics", metrics)...)
	p.say("EHLO a\x1b[2J\x1b]0;b\x07\u202ec\r\nMAIL FROM:<x\x1b@\x1b[31md.example>\r\nRCPT TO:<bob@example.org>\r\nQUIT\r\n")

	t.Run("the lists are there at once, and empty", func(t *testing.T) {
		for _, name := range []string{"db.bl.example.net", "ip4set", "ip6trie", "list.nft", "rspamd.map"} {
			path := filepath.Join(lists, name)
			for range 600 {
				if _, err := os.Stat(path); err == nil {
					break
				}
				time.Sleep(50 * time.Millisecond)
			}
			text, err := os.ReadFile(path)
			if err != nil || strings.Contains(string(text), "127.0.0.1\n") {
				t.Errorf("%v: %s", err, text)
			}
		}
	})
	t.Run("list says that nothing can be listed, and why", func(t *testing.T) {
		said, failed := asks(t, state, "list")
		if failed || !strings.Contains(said, "0 addresses are listed.\nNothing can be listed for now: the feed of a real host was never proven, or tells no connections.\n") {
			t.Error(said)
		}
	})
	t.Run("allow, list, and allow -remove", func(t *testing.T) {
		if said, failed := asks(t, state, "allow", "192.0.2.0/24"); failed || said != "" {
			t.Error(said)
		}
		if said, _ := asks(t, state, "list"); !strings.Contains(said, "Never listed:\n  192.0.2.0/24 since ") {
			t.Error(said)
		}
		if said, _ := asks(t, state, "show", "192.0.2.7"); !strings.Contains(said, "It is never listed: 192.0.2.0/24 is on the allow list.") {
			t.Error(said)
		}
		if said, failed := asks(t, state, "allow", "-remove", "192.0.2.0/24"); failed || said != "" {
			t.Error(said)
		}
		if said, failed := asks(t, state, "allow", "-remove", "192.0.2.0/24"); !failed || !strings.Contains(said, "192.0.2.0/24 is not on the allow list") {
			t.Error(said)
		}
	})
	t.Run("acquit, and show", func(t *testing.T) {
		if said, failed := asks(t, state, "acquit", "2001:db8::7"); failed || said != "" {
			t.Error(said)
		}
		said, failed := asks(t, state, "show", "2001:db8::7")
		if failed || !strings.Contains(said, "2001:db8::7 is not listed.\nIt was acquitted ") || !strings.Contains(said, ": by hand.\n") {
			t.Error(said)
		}
	})
	t.Run("as JSON", func(t *testing.T) {
		for command, schema := range map[string]string{"list": "fakemx-sink-list/1", "show": "fakemx-sink-show/1"} {
			args := []string{"-o", "json"}
			if command == "show" {
				args = append(args, "127.0.0.1")
			}
			if said, failed := asks(t, state, command, args...); failed || !strings.Contains(said, `"schema": "`+schema+`"`) {
				t.Error(said)
			}
		}
	})
	t.Run("metrics", func(t *testing.T) {
		text := getMetrics(t, metrics)
		for _, want := range []string{
			"fakemx_sink_listed 0", "fakemx_sink_list_stopped 1", "fakemx_sink_candidates 0", "fakemx_sink_candidates_left_total 0",
			`fakemx_sink_verdicts_total{reason="special_address"} 1`, `fakemx_sink_verdicts_total{reason="bot"} 0`, "fakemx_sink_list_written_timestamp_seconds 1.",
		} {
			if !strings.Contains(text, "\n"+want) {
				t.Errorf("%s is missing", want)
			}
		}
	})
	t.Run("what makes no sense is refused in a line", func(t *testing.T) {
		for _, c := range []struct {
			command string
			args    []string
			says    string
		}{
			{"show", []string{"here"}, `"here": expected an address, as in 192.0.2.7`},
			{"show", nil, "expected 1 arguments after the flags, got 0"},
			{"list", []string{"x"}, "expected 0 arguments after the flags, got 1"},
			{"list", []string{"-o", "xml"}, `-o "xml": expected text or json`},
			{"acquit", []string{"192.0.2.0/24"}, `"192.0.2.0/24": expected an address`},
			{"allow", []string{"192.0.2.1/24"}, "192.0.2.1/24: expected 192.0.2.0/24, or a longer prefix"},
			{"allow", []string{"::ffff:192.0.2.0/120"}, "expected an address or a prefix"},
		} {
			if said, failed := asks(t, state, c.command, c.args...); !failed || !strings.Contains(said, c.says) || strings.Count(said, "\n") != 1 {
				t.Errorf("%s %v: %q, expected %q", c.command, c.args, said, c.says)
			}
		}
	})
	p.stop()
	if said := p.stderr.String(); !strings.Contains(said, "bots are listed in "+lists) || !strings.Contains(said, "nobody is listed before the feeds of all real hosts were proven for 7 days") {
		t.Errorf("at start it says %s", said)
	}
}

func TestSinkListOfAServerThatListsNobody(t *testing.T) {
	state := t.TempDir()
	p := serveSink(t, nil, "-state", state)
	defer p.stop()
	for _, args := range [][]string{{"list"}, {"show", "192.0.2.7"}, {"acquit", "192.0.2.7"}, {"allow", "192.0.2.7"}} {
		if said, failed := asks(t, state, args[0], args[1:]...); !failed || !strings.Contains(said, "the server lists nobody: it runs without -list") {
			t.Errorf("%s: %s", args[0], said)
		}
	}
}

func TestSinkListFlags(t *testing.T) {
	conf := filepath.Join(t.TempDir(), "Corefile")
	if err := os.WriteFile(conf, []byte(listCorefile), 0o600); err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte("abc\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ args, says string }{
		{"-list x -state x -conf " + conf, `-list: expected -list-zone too`},
		{"-list x -state x -list-zone bl.example.net", `-list: expected -conf too`},
		{"-list x -list-zone bl.example.net -state= -conf " + conf, `-list: expected -state too`},
		{"-list x -list-zone bl.example.net -state x -list-after 23h -conf " + conf, `-list-after 23h0m0s: expected 24h0m0s to 72h0m0s`},
		{"-list x -list-zone bl.example.net -state x -exchange mail.example.org=mx1 -conf " + conf, `-exchange mail.example.org=mx1: expected a name that -real has`},
		{"-exchange mail.example.org", `expected the name in the MX record`},
		{"-list x -list-zone bl.example.net -state x -resolver here -conf " + conf, `-resolver: address here: missing port`},
		{"-list x -list-zone bl.example.net -state x -conf " + conf + ".not", `-conf: `},
		{"-key " + key, `expected 64 hexadecimal digits`},
		{"-key " + key + ".not", `-key: `},
	} {
		t.Run(c.args, func(t *testing.T) {
			_, err := parseServe(strings.Fields(c.args), io.Discard)
			if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want %q", err, c.says)
			}
		})
	}
	t.Run("which domains are ours, and what their fakes are", func(t *testing.T) {
		f, err := parseServe(strings.Fields("-list x -list-zone bl.example.net -state x -conf "+conf), io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		for domain, want := range map[string]string{"example.org": "fake1.example.org.", "EXAMPLE.org": "fake1.example.org.", "sub.example.org": "fake1.example.org."} {
			if fakes, ours := f.config.Harvest.Ours(domain); !ours || len(fakes) != 1 || strings.ToLower(fakes[0]) != want {
				t.Errorf("%s: %v, %v", domain, fakes, ours)
			}
		}
		for _, domain := range []string{"example.net", "", "\x00", "..", "[192.0.2.1]", strings.Repeat("a", 300), "b\u00fccher.example"} {
			if _, ours := f.config.Harvest.Ours(domain); ours {
				t.Errorf("%q is ours", domain)
			}
		}
	})
}

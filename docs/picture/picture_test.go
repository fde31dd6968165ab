package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/fakemx/fakemx/internal/servertest"
	"github.com/miekg/dns"
)

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// drawn returns what the command writes.
func drawn(t *testing.T, what, in string) string {
	t.Helper()
	var out strings.Builder
	if err := run([]string{what}, strings.NewReader(in), &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestPictures(t *testing.T) {
	notes := read(t, "../performance-notes.md")

	t.Run("those of the documents are what the command draws", func(t *testing.T) {
		if drawn(t, "nolisting", "") != read(t, "../nolisting.svg") {
			t.Error("docs/nolisting.svg differs: go run ./docs/picture nolisting >docs/nolisting.svg")
		}
		if drawn(t, "cost", notes) != read(t, "../performance.svg") {
			t.Error("docs/performance.svg differs: go run ./docs/picture cost <docs/performance-notes.md >docs/performance.svg")
		}
	})

	t.Run("the table of docs/performance.md is that of the notes", func(t *testing.T) {
		if table := drawn(t, "table", notes); !strings.Contains(read(t, "../performance.md"), table) {
			t.Errorf("docs/performance.md lacks this table:\n%s", table)
		}
	})

	for what, in := range map[string]string{"nolisting": "", "cost": notes} {
		t.Run(what+" is well-formed XML", func(t *testing.T) {
			decoder := xml.NewDecoder(strings.NewReader(drawn(t, what, in)))
			for {
				if _, err := decoder.Token(); errors.Is(err, io.EOF) {
					return
				} else if err != nil {
					t.Fatal(err)
				}
			}
		})
	}

	t.Run("nolisting shows the records that fakemx serves for such a zone", func(t *testing.T) {
		zone := servertest.Zone(t, "example.org", "@ MX 10 mail\n@ MX 20 backup\nmail A 192.0.2.10\nbackup A 192.0.2.11\n")
		server := servertest.Start(t, "example.org:0 {\nbind 127.0.0.1\nfakemx {\nhighest decoy[1-3] 192.0.2.2\n}\nfile "+zone+"\n}")
		answer := server.Ask(servertest.Query("example.org", dns.TypeMX)).Answer
		if len(answer) != len(served) {
			t.Fatalf("served %v, shown %v", answer, served)
		}
		for i, rr := range answer {
			mx, want := rr.(*dns.MX), served[i]
			if int(mx.Preference) != want.preference || mx.Mx != want.exchange+".example.org." {
				t.Errorf("record %d: served %v, shown %v", i, mx, want)
			}
		}
	})
}

func TestRunRefuses(t *testing.T) {
	const row = "| c: *file*, plain zone, MX | 1 | 0 |\n"
	for what, c := range map[string]struct {
		args []string
		in   string
		want string
	}{
		"no picture":                    {nil, "", "expected nolisting, cost or table"},
		"an unknown picture":            {[]string{"bars"}, "", `"bars"`},
		"notes without the section":     {[]string{"cost"}, "# Notes\n" + row, "no row"},
		"a figure that is not positive": {[]string{"cost"}, measured + "\n" + row, `"0": expected a number above 0`},
		"one row for a way to ask":      {[]string{"table"}, "| `do` | 1 | 1.1 | 1.1 | 1.1 |\n", "1 rows for `do` with one core"},
		"a ratio that is no number":     {[]string{"table"}, strings.Repeat("| `do` | 1 | 1.1 | x | 1.1 |\n", 2) + strings.Repeat("| `udp` | 1 | 1 | 1 | 1 |\n| `tcp` | 1 | 1 | 1 | 1 |\n| `dnssec` | 1 | 1 | 1 | 1 |\n", 2), "row `do`"},
	} {
		t.Run(what, func(t *testing.T) {
			err := run(c.args, strings.NewReader(c.in), io.Discard)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDocument(t *testing.T) {
	dir := t.TempDir()
	if err := fine().document(dir); err != nil {
		t.Fatal(err)
	}
	t.Run("the page gives the figures of the run", func(t *testing.T) {
		page, err := os.ReadFile(filepath.Join(dir, "mail.md"))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{
			"4 messages from 2 mail servers in 2 safe shapes",
			"0.05 s (quick)",
			"waits about 2.4 s after every refused connection",
			"| one lowest ",
			"fake0\\* mail",
			"lost with quick (queued)",
			"1.000 (1.000)",
		} {
			if !strings.Contains(string(page), want) {
				t.Errorf("the page lacks %q", want)
			}
		}
	})
	t.Run("the plot is an XML document with a bar a sender and shape", func(t *testing.T) {
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
		if titles != 6 { // two senders, three shapes
			t.Errorf("%d bars, want 6", titles)
		}
	})
}

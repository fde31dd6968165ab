package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// A guide is docs/sink.md. What is looked for in it and isn't there is kept, and
// told at the end.
type guide struct {
	text  string
	wants []error
}

func readGuide() (*guide, error) {
	here, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	top, err := moduleRoot(here)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(top, "docs", "sink.md"))
	return &guide{text: string(text)}, err
}

// missed are the errors so far.
func (g *guide) missed() error { return errors.Join(g.wants...) }

// block returns the only block with that word at its fence.
func (g *guide) block(word string) string {
	found := regexp.MustCompile("(?ms)^~~~ "+regexp.QuoteMeta(word)+"\n(.*?)^~~~$").FindAllStringSubmatch(g.text, -1)
	if len(found) != 1 {
		g.wants = append(g.wants, fmt.Errorf("docs/sink.md has %d blocks %q, expected 1", len(found), "~~~ "+word))
		return ""
	}
	return found[0][1]
}

// flags returns flags of fakemx sink serve that stand in the document.
func (g *guide) flags(texts ...string) []string {
	var flags []string
	for _, text := range texts {
		if !strings.Contains(g.text, text) {
			g.wants = append(g.wants, fmt.Errorf("docs/sink.md has no %q", text))
		}
		flags = append(flags, strings.Fields(text)...)
	}
	return flags
}

package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Level says how bad a finding is.
type Level int

const (
	// Info is worth knowing.
	Info Level = iota
	// Warning: mail may suffer, or something has no effect.
	Warning
	// Error: mail is or will be lost or late.
	Error
)

var levels = [...]string{"info", "warning", "error"}

// String returns "info", "warning" or "error".
func (l Level) String() string { return levels[l] }

// MarshalText implements [encoding.TextMarshaler].
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// ParseLevel is the reverse of String.
func ParseLevel(s string) (Level, error) {
	i := slices.Index(levels[:], s)
	if i < 0 {
		return 0, fmt.Errorf("bad level %q: expected info, warning or error", s)
	}
	return Level(i), nil
}

// Finding is one thing that an operator should know about a domain.
type Finding struct {
	Level Level `json:"level"`
	// Code is stable: docs/check.md has a paragraph for each.
	Code Code `json:"code"`
	// Subject is the name, address or line that it is about.
	Subject string `json:"subject"`
	// Text says in one sentence what is, or what will happen.
	Text string `json:"text"`
	// Evidence is what was seen, "" where the text says it all.
	Evidence string `json:"evidence,omitempty"`
	// Advice says what to do.
	Advice string `json:"advice,omitempty"`
}

// Unseen is something that could not be looked at.
type Unseen struct {
	Subject string `json:"subject"`
	Why     string `json:"why"`
}

// sortFindings puts the worst first.
func sortFindings(findings []Finding) {
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(b.Level, a.Level), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Subject, b.Subject))
	})
}

// shortList names the first few of a long list.
func shortList(names []string) string {
	const shown = 4
	if len(names) <= shown {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), len(names)-shown)
}

// maxText is how much of a text from outside is shown, in octets.
const maxText = 300

// printable makes a text fit for a report and a terminal: one line, not too long.
func printable(text string) string {
	text = strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return ' '
		}
		return c
	}, text)
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "") + "..."
	}
	return text
}

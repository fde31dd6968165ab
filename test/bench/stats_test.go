package main

import (
	"os"
	"slices"
	"strings"
	"testing"
)

func TestSpreadOf(t *testing.T) {
	for _, c := range []struct {
		what    string
		samples []float64
		want    spread
	}{
		{"nothing", nil, spread{}},
		{"one sample is all three", []float64{3}, spread{3, 3, 3}},
		{"samples in any order", []float64{5, 1, 4, 2, 3}, spread{2, 3, 4}},
		{"values between samples", []float64{1, 2, 3, 4}, spread{1.75, 2.5, 3.25}},
	} {
		t.Run(c.what, func(t *testing.T) {
			if got := spreadOf(c.samples); got != c.want {
				t.Errorf("spreadOf(%v) = %v, want %v", c.samples, got, c.want)
			}
		})
	}
}

func TestRatios(t *testing.T) {
	t.Run("divides round by round", func(t *testing.T) {
		got := ratios([]float64{10, 40}, []float64{10, 20})
		if !slices.Equal(got, []float64{1, 2}) {
			t.Errorf("got %v, want [1 2]", got)
		}
	})
}

func TestWriteHalves(t *testing.T) {
	t.Run("leaves the whole text behind", func(t *testing.T) {
		path := t.TempDir() + "/list"
		text := listText(0, 20)
		if err := writeHalves(path, text); err != nil {
			t.Fatal(err)
		}
		if got := read(t, path); got != string(text) {
			t.Errorf("got %q, want %q", got, text)
		}
	})
}

func TestOtherEdits(t *testing.T) {
	t.Run("are lines of the hand-edited zone, so that both configurations of the soak have an oracle", func(t *testing.T) {
		for line := range strings.Lines(otherEdits) {
			if !strings.Contains(handEdits, line) {
				t.Errorf("%q is not among the edits", line)
			}
		}
	})
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

package main

import (
	"math"
	"slices"
	"testing"
)

// TestHabitsMeetTheirPrediction lets each habit walk sets many times and
// compares the share that reaches a host with the one computed.
func TestHabitsMeetTheirPrediction(t *testing.T) {
	const tries = 20000
	for what, set := range map[string][]mx{
		"one lowest fake":            {{0, "fake*"}, {10, "mail"}, {20, "backup"}},
		"fakes at both ends":         {{0, "fake*"}, {10, "mail"}, {20, "fake*"}, {30, "fake*"}},
		"a fake and a real one tied": {{10, "fake*"}, {10, "mail"}, {20, "fake*"}},
		"only real ones":             {{10, "mail"}},
		"only fakes":                 {{10, "fake*"}, {20, "fake*"}},
	} {
		takes := func(m mx) bool { return !fakeName(m.host) }
		for _, h := range habits() {
			t.Run(what+", "+h.name, func(t *testing.T) {
				reached := 0
				for range tries {
					if slices.ContainsFunc(h.walk(set), takes) {
						reached++
					}
				}
				b := botRow{tries: tries, reached: reached, predicted: h.reaches(set, takes)}
				if off := b.off(); off > 0 {
					t.Errorf("share %.4f, predicted %.4f", b.share(), b.predicted)
				}
			})
		}
	}
}

func TestPredictions(t *testing.T) {
	set := []mx{{10, "fake0"}, {20, "mail"}, {30, "fake1"}, {40, "fake2"}, {50, "fake3"}, {60, "fake4"}, {70, "fake5"}}
	want := map[string]float64{
		"lowest only": 0, "highest only": 0, "one at random": 1.0 / 7, "lowest, then highest": 0, "all in order": 1,
	}
	for _, h := range habits() {
		t.Run(h.name+" at one lowest and five highest", func(t *testing.T) {
			got := h.reaches(set, func(m mx) bool { return m.host == "mail" })
			if math.Abs(got-want[h.name]) > 1e-12 {
				t.Errorf("predicted %v, want %v", got, want[h.name])
			}
		})
	}
}

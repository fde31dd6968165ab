package main

import (
	"strings"
	"testing"
	"time"
)

// keptVigil is a vigil that shows what it must: the sink fails at 0:30, the fake is
// gone at 1:00 and back at 15:00.
func keptVigil() *vigil {
	start := time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)
	at := func(d time.Duration) time.Time { return start.Add(d) }
	arrives := func(d time.Duration, seconds float64) sent {
		return sent{try{fate: delivered, seconds: seconds}, at(d)}
	}
	return &vigil{
		fault: faults()[0], broke: at(30 * time.Second), gone: at(time.Minute), mended: at(3 * time.Minute), back: at(15 * time.Minute), sets: 40,
		streams: map[string]streams{"quick": {
			with: []sent{arrives(0, 0.1), arrives(28*time.Second, 30), arrives(40*time.Second, 30), arrives(time.Minute+4*time.Second, 30),
				arrives(time.Minute+7*time.Second, 0.1), arrives(2*time.Minute, 0.2)},
			without: []sent{arrives(0, 0.1), arrives(40*time.Second, 30), {try{fate: bounced}, at(2 * time.Minute)}},
			after:   outcome{tries: []try{{fate: delivered}}},
		}},
	}
}

func TestVigil(t *testing.T) {
	spoil := func(with bool, i int, f func(*sent)) func(*vigil) {
		return func(v *vigil) {
			list := v.streams["quick"].without
			if with {
				list = v.streams["quick"].with
			}
			f(&list[i])
		}
	}
	for name, tc := range map[string]struct {
		change   func(*vigil)
		selected bool
		want     string // part of the complaint; "" for none
	}{
		"one that shows what it must passes":              {func(*vigil) {}, false, ""},
		"a sink that is noticed too late fails it":        {func(v *vigil) { v.noticed = 20 * time.Second }, false, "out of the answers after 30.0 s, expected 20s at most"},
		"a fake that flaps fails it":                      {func(v *vigil) { v.flaps = 2 }, false, "2 times more than their sinks"},
		"a loss before the sink fails, fails it":          {spoil(true, 0, func(m *sent) { m.fate = queued }), false, "quick: queued"},
		"a loss that watch can't prevent yet is no fault": {spoil(true, 3, func(m *sent) { m.fate = bounced }), false, ""},
		"a loss after detection and TTL fails it":         {spoil(true, 4, func(m *sent) { m.fate = bounced }), false, "quick: bounced"},
		"a delay after detection and TTL fails it":        {spoil(true, 5, func(m *sent) { m.seconds = 30 }), false, "delayed by 30.0 s once the fake was gone"},
		"nothing sent after detection and TTL shows nothing": {func(v *vigil) {
			s := v.streams["quick"]
			s.with = s.with[:4]
			v.streams["quick"] = s
		}, false, "no message was sent once the fake was gone"},
		"no harm without watch shows nothing":            {spoil(false, 2, func(m *sent) { m.fate = delivered }), false, "this shows nothing"},
		"... which a selection of senders need not show": {spoil(false, 2, func(m *sent) { m.fate = delivered }), true, ""},
		"a loss once the fake is back fails it": {func(v *vigil) {
			v.streams["quick"].after.tries[0].fate = queued
		}, false, "quick: queued"},
	} {
		t.Run(name, func(t *testing.T) {
			v := keptVigil()
			tc.change(v)
			err := v.judge(tc.selected)
			if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
	t.Run("the tables say when the fake was gone and what was late", func(t *testing.T) {
		r := &result{senders: []*sender{{name: "quick"}}, vigils: []*vigil{keptVigil()}}
		for _, want := range []string{"| drops packets | 30.0 s ", "| 720 s "} {
			if !strings.Contains(r.noticedTable(), want) {
				t.Errorf("no %q in\n%s", want, r.noticedTable())
			}
		}
		if want := "| 3 of 3, 30.0 s    | 2 of 2, 0.2 s  | 1 of 1, 30.0 s    | 0 of 1, 0.0 s "; !strings.Contains(r.watchedTable(), want) {
			t.Errorf("no %q in\n%s", want, r.watchedTable())
		}
	})
}

package main

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

// probes has the clock see probes one after the other, as the sink server makes
// them, until what was asked for is reached. It returns when they began.
func probes(t *testing.T, c *clock, reached <-chan struct{}) []time.Time {
	t.Helper()
	const most = 1000
	var began []time.Time
	for range most {
		c.mu.Lock()
		c.probed = c.time()
		c.mu.Unlock()
		began = append(began, c.probed)
		c.ended()
		select {
		case <-reached:
			return began
		default:
		}
	}
	t.Fatalf("not reached after %d probes", most)
	return nil
}

func TestClock(t *testing.T) {
	const every = 30 * time.Minute
	c := &clock{every: every}
	start := c.now()

	t.Run("goes as the machine's does at first", func(t *testing.T) {
		if c.ended(); c.now().Sub(start) > time.Minute {
			t.Errorf("got %v after a moment", c.now().Sub(start))
		}
	})
	t.Run("goes on by a day in steps of half an hour", func(t *testing.T) {
		const day = 24 * time.Hour
		began := probes(t, c, c.goOn(day))
		if last := began[len(began)-1].Sub(start); last < day || last > day+2*every {
			t.Errorf("the last probe begins after %v, want %v or somewhat more", last, day)
		}
		for i := range began[1:] {
			if step := began[i+1].Sub(began[i]); step < every || step > every+time.Minute {
				t.Errorf("got %v between two probes, want %v", step, every)
			}
		}
	})
	t.Run("stands still again then", func(t *testing.T) {
		at := c.now()
		if c.ended(); c.now().Sub(at) > time.Minute {
			t.Errorf("got %v after a moment", c.now().Sub(at))
		}
	})
}

func TestABadLineEndsIt(t *testing.T) {
	for _, line := range []string{"a day", "-1h", "0s", ""} {
		if err := new(clock).obey(strings.NewReader(line+"\n"), io.Discard); !errors.Is(err, errInput) {
			t.Errorf("%q: got %v, want %v", line, err, errInput)
		}
	}
}

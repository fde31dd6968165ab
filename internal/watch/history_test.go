package watch

import (
	"slices"
	"testing"
	"time"
)

// look is an outcome and how long after the one before it it came.
type look struct {
	after   time.Duration
	outcome Outcome
}

// lookEvery repeats an outcome every 30 seconds for as long as d, both ends
// included.
func lookEvery(o Outcome, d time.Duration) []look {
	return slices.Repeat([]look{{30 * time.Second, o}}, int(d/(30*time.Second))+1)
}

func TestHistory(t *testing.T) {
	good := []look{{0, Refused}}
	bad := []look{{0, Refused}, {time.Second, Accepted}}
	join := func(parts ...[]look) (all []look) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	for _, tt := range []struct {
		name  string
		looks []look
		want  State
	}{
		{"nothing seen is withheld", nil, Withheld},
		{"a first refusal is enough at the start", good, Good},
		{"a first silence leaves it withheld", []look{{0, TimedOut}}, Withheld},
		{"without a route it stays withheld", []look{{0, NoRoute}, {0, NoRoute}, {0, NoRoute}}, Withheld},
		{"a failure of this host says nothing", []look{{0, Refused}, {0, Failed}, {0, Failed}, {0, Failed}}, Good},
		{"accepted is bad at once", bad, Bad},
		{"one silence is not enough", join(good, []look{{0, TimedOut}}), Good},
		{"two in a row are", join(good, []look{{0, TimedOut}, {0, TimedOut}}), Bad},
		{"a refusal in between parts them", join(good, []look{{0, TimedOut}, {0, Refused}, {0, TimedOut}}), Good},
		{"so does an outcome that says nothing", join(good, []look{{0, TimedOut}, {0, Failed}, {0, TimedOut}}), Good},
		{"accepting every other time is bad at the second in a row", join(good, []look{{0, Wavered}, {0, Wavered}}), Bad},
		{"silent, then wavering is bad too", join(good, []look{{0, TimedOut}, {0, Wavered}}), Bad},
		{"a bad address that was never good is bad", []look{{0, Accepted}}, Bad},
		{"nine minutes of refusals are too few", join(bad, lookEvery(Refused, 9*time.Minute+30*time.Second)), Bad},
		{"ten minutes are enough", join(bad, lookEvery(Refused, 10*time.Minute)), Good},
		{"a silence begins them again", join(bad, lookEvery(Refused, 9*time.Minute), []look{{0, TimedOut}}, lookEvery(Refused, 9*time.Minute)), Bad},
		{"so does a time without sight", join(bad, lookEvery(Refused, 9*time.Minute), []look{{0, Failed}}, lookEvery(Refused, 9*time.Minute)), Bad},
		{"after a relapse ten minutes are too few", join(bad, lookEvery(Refused, 10*time.Minute), bad[1:], lookEvery(Refused, 10*time.Minute)), Bad},
		{"after a relapse twenty minutes are enough", join(bad, lookEvery(Refused, 10*time.Minute), bad[1:], lookEvery(Refused, 20*time.Minute)), Good},
		{"a day without a relapse forgives", join(bad, lookEvery(Refused, 10*time.Minute), bad[1:], lookEvery(Refused, 20*time.Minute),
			lookEvery(Refused, 24*time.Hour), bad[1:], lookEvery(Refused, 10*time.Minute)), Good},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var h history
			now := time.Unix(1_000_000, 0)
			for _, l := range tt.looks {
				now = now.Add(l.after)
				h.see(l.outcome, now)
			}
			if h.state != tt.want {
				t.Errorf("%s, want %s", h.state, tt.want)
			}
		})
	}
}

func TestHoldGrowsToADay(t *testing.T) {
	var h history
	now := time.Unix(1_000_000, 0)
	h.see(Refused, now)
	want := 10 * time.Minute
	for relapse := range 12 {
		h.see(Accepted, now)
		if h.hold != want {
			t.Fatalf("at relapse %d it has to refuse for %s, want %s", relapse, h.hold, want)
		}
		h.see(Refused, now)
		now = now.Add(h.hold)
		h.see(Refused, now)
		if h.state != Good {
			t.Fatalf("%s after %s of refusals", h.state, h.hold)
		}
		want = min(2*want, 24*time.Hour)
	}
}

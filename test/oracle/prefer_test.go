package oracle

import (
	"maps"
	"slices"
	"testing"
)

const highestPreference = 65535

// prefer returns the preferences of the lowest fakes, what each real preference
// becomes, and the preferences of the highest fakes. Three ways, the first that
// does: the real ones stay; all of them move alike; all are spaced anew.
func prefer(real []int, lowest, highest, step int) (low []int, moved map[int]int, high []int) {
	first, last := slices.Min(real), slices.Max(real)
	span := last - first
	shift := 0
	switch {
	case first >= lowest && highestPreference-last >= highest:
	case span+lowest+highest > highestPreference:
		return respace(real, lowest, highest, step)
	case first < lowest:
		shift = min(lowest*step, highestPreference-highest-span) - first
	default:
		shift = max(highestPreference-highest*step, lowest+span) - last
	}
	first, last = first+shift, last+shift

	moved = map[int]int{}
	for _, p := range real {
		moved[p] = p + shift
	}
	for i := range lowest {
		low = append(low, first-(lowest-i)*min(step, first/lowest))
	}
	for j := range highest {
		high = append(high, last+(j+1)*min(step, (highestPreference-last)/highest))
	}
	return low, moved, high
}

// respace numbers the fakes and the distinct real preferences through from 0.
func respace(real []int, lowest, highest, step int) (low []int, moved map[int]int, high []int) {
	moved = map[int]int{}
	for _, p := range real {
		moved[p] = p
	}
	distinct := slices.Sorted(maps.Keys(moved))
	gap := max(1, min(step, highestPreference/(lowest+len(distinct)+highest)))
	for i := range lowest {
		low = append(low, i*gap)
	}
	for i, p := range distinct {
		moved[p] = (lowest + i) * gap
	}
	for i := range highest {
		high = append(high, (lowest+len(distinct)+i)*gap)
	}
	return low, moved, high
}

func TestPreferencesOfTheHandEditedSet(t *testing.T) {
	for _, c := range []struct {
		say                   string
		real                  []int
		lowest, highest, step int
		low, want, high       []int
	}{
		{"room on both sides", []int{10, 20}, 1, 1, 10, []int{0}, []int{10, 20}, []int{30}},
		{"less room than the step below", []int{7}, 2, 0, 10, []int{1, 4}, []int{7}, nil},
		{"less room than the step above", []int{65530}, 0, 2, 10, nil, []int{65530}, []int{65532, 65534}},
		{"a real 0 moves up", []int{0, 5}, 1, 1, 10, []int{0}, []int{10, 15}, []int{25}},
		{"a real 65535 moves down", []int{65535}, 0, 2, 10, nil, []int{65515}, []int{65525, 65535}},
		{"both ends taken", []int{0, 0, 65535}, 1, 1, 10, []int{0}, []int{10, 10, 20}, []int{30}},
		{"the span leaves just enough", []int{0, 65533}, 1, 1, 10, []int{0}, []int{1, 65534}, []int{65535}},
	} {
		t.Run(c.say, func(t *testing.T) {
			low, moved, high := prefer(c.real, c.lowest, c.highest, c.step)
			var got []int
			for _, p := range c.real {
				got = append(got, moved[p])
			}
			if !slices.Equal(low, c.low) || !slices.Equal(got, c.want) || !slices.Equal(high, c.high) {
				t.Errorf("got %v %v %v, want %v %v %v", low, got, high, c.low, c.want, c.high)
			}
		})
	}
}

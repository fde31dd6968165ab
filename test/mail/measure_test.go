package main

import "testing"

func TestOrderOf(t *testing.T) {
	for name, tc := range map[string]struct {
		called   []string
		attempts int
		want     string
	}{
		"nothing tried is no attempt": {nil, 0, ""},
		"each address once is one attempt": {
			[]string{"fake0*", "mail", "mail/6", "backup"}, 1, "fake0* mail mail/6 backup"},
		"an address that comes again begins the next": {
			[]string{"fake0*", "mail", "backup", "fake0*", "mail"}, 2, "fake0* mail backup, then fake0* mail"},
		"the next may begin with another address than the first": {
			[]string{"fake0*", "mail", "mail", "backup"}, 2, "fake0* mail, then mail backup"},
		"attempts that are all alike are counted": {
			[]string{"a*", "b*", "a*", "b*", "a*", "b*"}, 3, "a* b* (3 times)"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := len(split(tc.called)); got != tc.attempts {
				t.Errorf("%d attempts in %q, want %d", got, tc.called, tc.attempts)
			}
			if got := orderOf(tc.called); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestMedian(t *testing.T) {
	o := outcome{tries: []try{
		{fate: delivered, seconds: 3}, {fate: queued, seconds: 100}, {fate: delivered, seconds: 1}, {fate: delivered, seconds: 2},
	}}
	t.Run("the middle of what was delivered", func(t *testing.T) {
		if got, ok := o.median(); !ok || got != 2 {
			t.Errorf("median = %v, %v, want 2", got, ok)
		}
	})
	t.Run("the mean of the two in the middle", func(t *testing.T) {
		o.tries = o.tries[:3]
		if got, ok := o.median(); !ok || got != 2 {
			t.Errorf("median = %v, %v, want 2", got, ok)
		}
	})
	t.Run("none where nothing was delivered", func(t *testing.T) {
		if got, ok := (outcome{tries: []try{{fate: bounced}}}).median(); ok {
			t.Errorf("median = %v, want none", got)
		}
	})
}

package main

import "testing"

func TestAttempts(t *testing.T) {
	for name, tc := range map[string]struct {
		called []string
		want   int
	}{
		"nothing tried is no attempt":                             {nil, 0},
		"each address once is one attempt":                        {[]string{"fake0*", "mail", "mail/6", "backup"}, 1},
		"an address that comes again begins the next":             {[]string{"fake0*", "mail", "fake0*", "mail"}, 2},
		"the next may begin with another address than the first":  {[]string{"fake0*", "mail", "mail", "backup"}, 2},
		"five addresses for ever are as many attempts as repeats": {[]string{"a*", "b*", "a*", "b*", "a*", "b*"}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			if got := attempts(tc.called); got != tc.want {
				t.Errorf("attempts(%q) = %d, want %d", tc.called, got, tc.want)
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

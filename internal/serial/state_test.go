package serial

import (
	"testing"
)

func TestAfter(t *testing.T) {
	// RFC 1982 section 5.1 and 5.2, with 32 bits.
	for _, tt := range []struct {
		a, b uint32
		want bool
	}{
		{1, 0, true}, {0, 1, false}, {0, 0, false},
		{44, 0, true}, {100, 44, true}, {0, 0xffffffff, true}, {100, 0xffffffff, true},
		{0x7fffffff, 0, true}, {0x80000000, 0, false}, {0, 0x80000000, false}, {0x80000001, 0, false},
	} {
		if got := After(tt.a, tt.b); got != tt.want {
			t.Errorf("%#x after %#x: %t, want %t", tt.a, tt.b, got, tt.want)
		}
	}
}

func TestNext(t *testing.T) {
	one, two := Digest{1}, Digest{2}
	state := func(backend, served uint32) *State { return &State{Backend: backend, Served: served, Digest: one} }
	seen := func(backend uint32, d Digest) Seen { return Seen{Backend: backend, Digest: d, Injects: true} }
	signed := func(backend uint32) Seen { return Seen{Backend: backend, Digest: one, Signed: true} }
	for _, tt := range []struct {
		name string
		last *State
		now  Seen
		want uint32
	}{
		{"an unknown zone with fakes gets the backend's and one", nil, seen(2026112401, one), 2026112402},
		{"an unknown zone without keeps the backend's", nil, Seen{Backend: 2026112401}, 2026112401},
		{"an unknown signed zone keeps its own", nil, signed(0), 0},
		{"0 is left out after the largest number", nil, seen(0xffffffff, one), 1},
		{"0 is left out for a zone without fakes", nil, Seen{Backend: 0}, 1},
		{"nothing new changes nothing", state(10, 15), seen(10, one), 15},
		{"another digest is one more", state(10, 15), seen(10, two), 16},
		{"a backend that overtakes is followed", state(10, 15), seen(20, one), 20},
		{"a backend that catches up is one more", state(10, 15), seen(15, one), 16},
		{"a backend that grows below is one more", state(10, 15), seen(11, one), 16},
		{"a backend that goes back is one more", state(10, 15), seen(5, one), 16},
		{"both at once are followed", state(10, 15), seen(20, two), 20},
		{"at a distance of 2^31 it is one more", state(10, 15), seen(15+1<<31, one), 16},
		{"just below that it is followed", state(10, 15), seen(15+1<<31-1, one), 15 + 1<<31 - 1},
		{"a backend that wraps is followed", state(0xfffffff0, 0xfffffff5), seen(3, one), 3},
		{"a backend that wraps to 0 is one more", state(0xfffffff0, 0xfffffff5), seen(0, one), 0xfffffff6},
		{"0 is left out after the last number", state(0xfffffff0, 0xffffffff), seen(0xfffffff0, two), 1},
		{"from a date to seconds since 1970 goes on by one", state(2026112401, 2026112405), seen(1795564800, one), 2026112406},
		{"a zone that becomes signed has its own, even back", state(10, 15), signed(11), 11},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := first(tt.now)
			if tt.last != nil {
				got = tt.last.next(tt.now)
			}
			if got.Served != tt.want {
				t.Errorf("serves %d, want %d", got.Served, tt.want)
			}
			if got.Backend != tt.now.Backend || got.Digest != tt.now.Digest || got.Signed != tt.now.Signed {
				t.Errorf("keeps %+v of %+v", got, tt.now)
			}
			if again := got.next(tt.now); again != got {
				t.Errorf("the same once more makes %+v of %+v", again, got)
			}
		})
	}
	t.Run("a zone that is signed no more goes on from what it served", func(t *testing.T) {
		s := state(10, 15).next(signed(300)).next(seen(301, one)).next(seen(5, one))
		if s.Served != 302 {
			t.Errorf("serves %d", s.Served)
		}
	})
	t.Run("a state is the same from disk", func(t *testing.T) {
		for _, s := range []State{*state(10, 15), {0xffffffff, 1, Digest{15: 9}, true}} {
			if got, ok := decode(s.encode()); !ok || got != s {
				t.Errorf("%+v became %+v", s, got)
			}
		}
	})
}

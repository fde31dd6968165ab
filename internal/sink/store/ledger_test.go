package store

import (
	"errors"
	"net/netip"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/fakemx/fakemx/internal/sink/visit"
)

// view looks at a store as it is.
func view(t *testing.T, s *Store, f func(*Ledger)) {
	t.Helper()
	err := s.View(func(l *Ledger) error {
		f(l)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func update(t *testing.T, s *Store, f func(*Ledger) error) {
	t.Helper()
	if err := s.Update(f); err != nil {
		t.Fatal(err)
	}
}

const (
	tick   = 5 * time.Minute
	within = 7 * time.Minute
)

// watch proves a host every tick, from and to so many ticks after noon.
func watch(s *Store, host string, from, to int, envelopes bool) {
	for i := from; i <= to; i++ {
		s.Watch(host, noon.Add(time.Duration(i)*tick), true, envelopes, within)
	}
}

// stretches are those of a host in ticks after noon.
func stretches(t *testing.T, s *Store, kind Kind, host string) (found [][2]int) {
	t.Helper()
	view(t, s, func(l *Ledger) {
		for _, one := range l.Proven(kind, host) {
			found = append(found, [2]int{int(one.From.Sub(noon) / tick), int(one.To.Sub(noon) / tick)})
		}
	})
	return found
}

func TestWhatIsProvenWithoutAGap(t *testing.T) {
	for _, c := range []struct {
		name             string
		happens          func(t *testing.T, s *Store) *Store
		lines, envelopes [][2]int
	}{
		{"proofs in a row", func(_ *testing.T, s *Store) *Store {
			watch(s, "mx1", 0, 10, true)
			return s
		}, [][2]int{{0, 10}}, [][2]int{{0, 10}}},
		{"a proof that is missing", func(_ *testing.T, s *Store) *Store {
			watch(s, "mx1", 0, 4, true)
			watch(s, "mx1", 6, 10, true)
			return s
		}, [][2]int{{0, 4}, {6, 10}}, [][2]int{{0, 4}, {6, 10}}},
		{"a failure between two proofs", func(_ *testing.T, s *Store) *Store {
			watch(s, "mx1", 0, 4, true)
			s.Watch("mx1", noon.Add(4*tick+time.Minute), false, true, within)
			watch(s, "mx1", 5, 10, true)
			return s
		}, [][2]int{{0, 4}, {5, 10}}, [][2]int{{0, 4}, {5, 10}}},
		{"envelopes that are missing for a while", func(_ *testing.T, s *Store) *Store {
			watch(s, "mx1", 0, 4, true)
			watch(s, "mx1", 5, 6, false)
			watch(s, "mx1", 7, 10, true)
			return s
		}, [][2]int{{0, 10}}, [][2]int{{0, 4}, {7, 10}}},
		{"another host, whose name begins with the same letters", func(_ *testing.T, s *Store) *Store {
			watch(s, "mx1", 0, 4, true)
			watch(s, "mx12", 5, 10, true)
			watch(s, "mx", 5, 10, true)
			watch(s, "mx1", 5, 5, true)
			return s
		}, [][2]int{{0, 5}}, [][2]int{{0, 5}}},
		{"a restart", func(t *testing.T, s *Store) *Store {
			t.Helper()
			watch(s, "mx1", 0, 4, true)
			path := s.db.Path()
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			watch(s, "mx1", 5, 10, true)
			return s
		}, [][2]int{{0, 4}, {5, 10}}, [][2]int{{0, 4}, {5, 10}}},
		{"something that found no room", func(t *testing.T, s *Store) *Store {
			t.Helper()
			watch(s, "mx1", 0, 4, true)
			if err := s.Flush(); err != nil {
				t.Fatal(err)
			}
			for range waiting + 1 {
				s.note(breakNote{only: 'x'})
			}
			if err := s.Flush(); err != nil {
				t.Fatal(err)
			}
			watch(s, "mx1", 5, 10, true)
			return s
		}, [][2]int{{0, 4}, {5, 10}}, [][2]int{{0, 4}, {5, 10}}},
		{"an envelope that found no room", func(_ *testing.T, s *Store) *Store {
			watch(s, "mx1", 0, 4, true)
			s.envelopes.Store(maxEnvelopes)
			s.Offered(visit.Pair{1}, noon)
			watch(s, "mx1", 5, 10, true)
			return s
		}, [][2]int{{0, 10}}, [][2]int{{0, 4}, {5, 10}}},
		{"a clock that was put back", func(_ *testing.T, s *Store) *Store {
			watch(s, "mx1", 0, 4, true)
			watch(s, "mx1", 2, 2, true)
			return s
		}, [][2]int{{0, 4}, {2, 2}}, [][2]int{{0, 4}, {2, 2}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := Open(filepath.Join(t.TempDir(), "sink.db"))
			if err != nil {
				t.Fatal(err)
			}
			s = c.happens(t, s)
			defer s.Close()
			for kind, want := range map[Kind][][2]int{Lines: c.lines, Envelopes: c.envelopes} {
				got := stretches(t, s, kind, "mx1")
				slices.SortFunc(got, func(a, b [2]int) int { return a[0] - b[0] })
				want = slices.Clone(want)
				slices.SortFunc(want, func(a, b [2]int) int { return a[0] - b[0] })
				if !slices.Equal(got, want) {
					t.Errorf("%c: %v, expected %v", kind, got, want)
				}
			}
		})
	}
}

func TestEnvelopes(t *testing.T) {
	s := open(t)
	a, b := visit.Pair{1}, visit.Pair{2}
	s.Envelopes([]visit.Pair{a}, noon.Add(time.Minute))
	s.Envelopes([]visit.Pair{a}, noon)
	s.Envelopes([]visit.Pair{a}, noon.Add(2*time.Minute))
	s.Offered(b, noon.Add(time.Hour))
	s.Offered(b, noon)
	view(t, s, func(l *Ledger) {
		if got, want := l.Envelope(a), (Envelope{First: noon, Last: noon.Add(2 * time.Minute)}); got != want {
			t.Errorf("%+v, expected %+v", got, want)
		}
		if got, want := l.Envelope(b), (Envelope{Real: noon.Add(time.Hour)}); got != want {
			t.Errorf("%+v, expected %+v", got, want)
		}
		if got := l.Envelope(visit.Pair{3}); got != (Envelope{}) {
			t.Errorf("%+v, expected nothing", got)
		}
	})
}

func candidateAt(client string, at time.Time) *visit.Visit {
	return &visit.Visit{Client: addr(client), Time: at, Helo: "bot.example"}
}

func TestCandidates(t *testing.T) {
	s := open(t)
	v := candidateAt("192.0.2.7", noon)
	s.Seen(addr("192.0.2.200"), noon.Add(-KeepSeen))
	s.Candidate(v)
	s.Candidate(candidateAt("198.51.100.7", noon.Add(time.Second)))
	s.Candidate(candidateAt("192.0.2.7", noon.Add(time.Minute)))
	s.Check(v, Checks{Helo: SPF{"bot.example", "none"}})
	var due []*Candidate
	view(t, s, func(l *Ledger) {
		due = l.Due(noon.Add(time.Minute), 10)
		if len(due) != 2 || due[0].Visit.Client != v.Client || due[0].Checks == nil || !due[0].Met || due[1].Met || due[1].Checks != nil {
			t.Fatalf("due are %+v", due)
		}
		if one := l.Due(noon.Add(time.Hour), 1); len(one) != 1 {
			t.Errorf("due are %d, expected one of three", len(one))
		}
		if found := l.OfClient(v.Client); len(found) != 2 || !found[1].Visit.Time.After(found[0].Visit.Time) {
			t.Errorf("the client's are %+v", found)
		}
		for _, c := range []struct {
			from, to time.Duration
			want     bool
		}{{0, time.Second, true}, {0, 999 * time.Millisecond, false}, {time.Second, time.Minute, true}, {2 * time.Second, time.Hour, false}} {
			if got := l.Several(noon.Add(c.from), noon.Add(c.to)); got != c.want {
				t.Errorf("several from %v to %v: %v", c.from, c.to, got)
			}
		}
	})
	update(t, s, func(l *Ledger) error { return errors.Join(l.Judged(due[0], "bot", noon), l.JudgedUpTo(noon)) })
	s.Check(v, Checks{Helo: SPF{"bot.example", "pass"}})
	view(t, s, func(l *Ledger) {
		if got := l.Due(noon.Add(time.Minute), 10); len(got) != 1 || got[0].Visit.Client == v.Client {
			t.Errorf("due are %+v", got)
		}
		if c := l.OfClient(v.Client)[0]; c.Verdict != "bot" || c.Checks.Helo.Result != "none" {
			t.Errorf("a visit that is judged was checked anew: %+v", c)
		}
	})
}

func TestBoundsOfCandidates(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(s *Store)
		kept int
	}{
		{"of one client", func(*Store) {}, maxOfClient},
		{"in all", func(s *Store) { s.candidates.Store(maxCandidates - 3) }, 3},
		{"in octets", func(s *Store) { s.octets.Store(maxCandidateOctets - 500) }, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t)
			c.make(s)
			for i := range 30 {
				s.Candidate(candidateAt("192.0.2.7", noon.Add(time.Duration(i)*time.Minute)))
			}
			view(t, s, func(l *Ledger) {
				if got := len(l.OfClient(addr("192.0.2.7"))); got != c.kept || s.Left() != uint64(30-c.kept) {
					t.Errorf("%d are kept and %d left out, expected %d and %d", got, s.Left(), c.kept, 30-c.kept)
				}
			})
		})
	}
}

// entries are the listed addresses.
func entries(t *testing.T, s *Store) (all []string) {
	t.Helper()
	view(t, s, func(l *Ledger) {
		l.Entries(func(e *Entry) { all = append(all, e.Client.String()) })
	})
	return all
}

// listed returns a store with some entries that end a day after noon.
func listed(t *testing.T, clients ...string) *Store {
	t.Helper()
	s := open(t)
	update(t, s, func(l *Ledger) error {
		for _, c := range clients {
			if err := l.List(&Entry{Client: addr(c), Listed: noon, Until: noon.Add(24 * time.Hour)}); err != nil {
				return err
			}
		}
		return nil
	})
	return s
}

func TestAcquit(t *testing.T) {
	all := []string{"10.1.1.127", "10.1.1.128", "10.1.1.255", "10.1.2.0", "2600:1:1::", "2600:1:1:ffff::1", "2600:1:2::1"}
	for _, c := range []struct {
		prefix string
		off    int // so many
		from   int // from this one on
	}{
		{"10.1.1.127/32", 1, 0},
		{"10.1.1.128/25", 2, 1},
		{"10.1.1.0/24", 3, 0},
		{"10.1.0.0/22", 4, 0},
		{"0.0.0.0/0", 4, 0},
		{"2600:1:1::/48", 2, 4},
		{"2600:1::/46", 3, 4},
		{"2600:1:1::/128", 1, 4},
		{"10.9.0.0/16", 0, 0},
	} {
		t.Run(c.prefix, func(t *testing.T) {
			s := listed(t, all...)
			before := s.Changes()
			update(t, s, func(l *Ledger) error {
				n, err := l.Acquit(netip.MustParsePrefix(c.prefix), noon, "why")
				if n != c.off {
					t.Errorf("%d are off, expected %d", n, c.off)
				}
				return err
			})
			want := slices.Delete(slices.Clone(all), c.from, c.from+c.off)
			if got := entries(t, s); !slices.Equal(got, want) {
				t.Errorf("left are %v, expected %v", got, want)
			}
			if changed := s.Changes() != before; changed != (c.off > 0) || s.listed.Load() != int64(len(want)) {
				t.Errorf("changed: %v, %d counted", changed, s.listed.Load())
			}
			view(t, s, func(l *Ledger) {
				for i, client := range all {
					a := l.Acquitted(addr(client))
					if off := i >= c.from && i < c.from+c.off; off != (a != nil) || off && (a.Why != "why" || !a.At.Equal(noon)) {
						t.Errorf("%s: %+v", client, a)
					}
				}
			})
		})
	}
}

// TestAChangeIsNotCountedBeforeItIsThere: whoever writes the list would take the old
// one for the new one.
func TestAChangeIsNotCountedBeforeItIsThere(t *testing.T) {
	s := listed(t, "10.1.1.1")
	before := s.Changes()
	update(t, s, func(l *Ledger) error {
		err := l.List(&Entry{Client: addr("10.1.1.2"), Listed: noon, Until: noon.Add(time.Hour)})
		if s.Changes() != before {
			t.Error("an entry is counted before others can see it")
		}
		if _, failure := l.Acquit(netip.MustParsePrefix("10.1.1.1/32"), noon, "why"); failure != nil || s.Changes() != before {
			t.Errorf("an acquittal is counted before others can see it: %v", failure)
		}
		return err
	})
	if s.Changes() == before {
		t.Error("nothing is counted")
	}
	before = s.Changes()
	if err := s.Update(func(l *Ledger) error {
		return errors.Join(l.List(&Entry{Client: addr("10.1.1.3")}), errors.New("no"))
	}); err == nil || s.Changes() != before {
		t.Errorf("what was not done is counted: %v", err)
	}
}

func TestASightAcquitsANetwork(t *testing.T) {
	s := listed(t, "10.1.1.1", "10.1.1.255", "10.1.2.1", "2600:1:1::1", "2600:1:1:2::1", "2600:1:2::1")
	s.Seen(addr("10.1.1.9"), noon)
	s.Seen(addr("2600:1:1:9::9"), noon)
	if got, want := entries(t, s), []string{"10.1.2.1", "2600:1:2::1"}; !slices.Equal(got, want) {
		t.Errorf("left are %v, expected %v", got, want)
	}
}

func TestTheListIsFull(t *testing.T) {
	s := listed(t, "10.1.1.1")
	full := func() (full bool) {
		view(t, s, func(l *Ledger) { full = l.Full() })
		return full
	}
	s.listed.Store(maxListed - 1)
	if full() {
		t.Error("it is full with room for one")
	}
	s.listed.Store(maxListed)
	if !full() {
		t.Error("it is not full")
	}
	if err := s.Forget(noon); err != nil {
		t.Fatal(err)
	}
	if s.listed.Load() != 1 {
		t.Errorf("%d are counted, expected one", s.listed.Load())
	}
}

func TestTheAllowList(t *testing.T) {
	s := listed(t, "10.1.1.1", "10.1.2.1", "2600:1::1")
	for _, p := range []string{"10.1.1.0/24", "10.0.0.0/8", "2600:1::/32"} {
		update(t, s, func(l *Ledger) error { return l.Allow(netip.MustParsePrefix(p), noon, "allowed") })
	}
	if got := entries(t, s); len(got) != 0 {
		t.Errorf("left are %v", got)
	}
	view(t, s, func(l *Ledger) {
		allowed := l.Allowed()
		all := make([]string, 0, len(allowed))
		for _, a := range allowed {
			all = append(all, a.Prefix.String())
		}
		if want := []string{"10.0.0.0/8", "10.1.1.0/24", "2600:1::/32"}; !slices.Equal(all, want) {
			t.Errorf("allowed are %v, expected %v", all, want)
		}
		for client, want := range map[string]string{"10.1.1.7": "10.0.0.0/8", "2600:1:2::": "2600:1::/32", "11.0.0.1": "", "2600:2::1": ""} {
			p, ok := l.AllowedBy(addr(client))
			if ok != (want != "") || ok && p.String() != want {
				t.Errorf("%s is allowed by %v, expected %q", client, p, want)
			}
		}
	})
	update(t, s, func(l *Ledger) error {
		if found, err := l.Disallow(netip.MustParsePrefix("10.0.0.0/8")); !found || err != nil {
			t.Errorf("%v, %v", found, err)
		}
		if found, err := l.Disallow(netip.MustParsePrefix("10.0.0.0/8")); found || err != nil {
			t.Errorf("it was found twice: %v", err)
		}
		return nil
	})
	view(t, s, func(l *Ledger) {
		if p, ok := l.AllowedBy(addr("10.1.1.7")); !ok || p.String() != "10.1.1.0/24" {
			t.Errorf("allowed by %v", p)
		}
	})
}

func TestTheAllowListIsBounded(t *testing.T) {
	s := open(t)
	err := s.Update(func(l *Ledger) error {
		for i := range maxAllowed {
			if err := l.tx.Bucket(allowedBucket).Put(allowedKey(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 32)), timeOctets(noon)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	allow := func(p string) error {
		return s.Update(func(l *Ledger) error { return l.Allow(netip.MustParsePrefix(p), noon, "allowed") })
	}
	if err := allow("11.0.0.1/32"); !errors.Is(err, ErrAllowFull) {
		t.Errorf("%v, expected that it is full", err)
	}
	if err := allow("10.0.0.1/32"); err != nil {
		t.Errorf("one that is on it: %v", err)
	}
}

func TestForgetWhatTheHarvestKnows(t *testing.T) {
	for _, c := range []struct {
		what   string
		bucket []byte
		n      int
		kept   time.Time // the last moment
	}{
		{"candidates", candidatesBucket, 1, noon.Add(KeepCandidates)},
		{"candidates by client", clientsBucket, 1, noon.Add(KeepCandidates)},
		{"envelopes", envelopesBucket, 2, noon.Add(KeepEnvelopes)},
		{"entries", listedBucket, 1, noon.Add(24*time.Hour + KeepListed)},
		{"acquittals", acquittedBucket, 1, noon.Add(KeepAcquitted)},
		{"proofs", watchedBucket, 2, noon.Add(tick + KeepVisits)},
	} {
		t.Run(c.what, func(t *testing.T) {
			s := listed(t, "10.1.1.1")
			s.Candidate(candidateAt("10.1.1.1", noon))
			s.Envelopes([]visit.Pair{{1}}, noon)
			s.Offered(visit.Pair{2}, noon)
			watch(s, "mx1", 0, 1, true)
			update(t, s, func(l *Ledger) error { return l.Clear(addr("10.2.2.2"), noon, "why") })
			for _, then := range []struct {
				now  time.Time
				left int
			}{{c.kept, c.n}, {c.kept.Add(time.Second), 0}} {
				if err := s.Forget(then.now); err != nil {
					t.Fatal(err)
				}
				view(t, s, func(l *Ledger) {
					if n := l.tx.Bucket(c.bucket).Stats().KeyN; n != then.left {
						t.Errorf("at %v %d are left, expected %d", then.now, n, then.left)
					}
				})
			}
		})
	}
}

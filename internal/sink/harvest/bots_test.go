package harvest

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fakemx/fakemx/internal/sink/dnsl"
	"github.com/fakemx/fakemx/internal/sink/smtp"
	"github.com/fakemx/fakemx/internal/sink/visit"
)

// spam is one envelope of a bot.
func spam(i int) smtp.Mail {
	return mailFrom(fmt.Sprintf("bot%d@forged.example", i), "bob@example.org")
}

func TestBotsThatComeOnceToTheHighestAloneAreListed(t *testing.T) {
	const n = 1000
	w := newWorld(t)
	w.bots(n)
	w.judge()
	if listed := len(w.listed()); listed < n*99/100 || w.verdicts[Bot] != listed {
		t.Errorf("%d of %d are listed, found was %v", listed, n, w.verdicts)
	}
}

// TestOtherKindsOfBots pins what becomes of bots that do more than the simplest:
// docs/sink.md has these numbers.
func TestOtherKindsOfBots(t *testing.T) {
	const n = 100
	for _, c := range []struct {
		name   string
		visits func(w *world, i int)
		listed int
		found  Reason // of the others
	}{
		{"say QUIT", func(w *world, i int) { w.visit(bot(i), "bot.example", spam(i)) }, n, ""},
		{"go away without QUIT", func(w *world, i int) {
			v := &visit.Visit{Time: w.now, Client: bot(i), Sink: sinkAddress, End: visit.Closed}
			v.Hear(&smtp.Heard{Helo: "bot.example", Recipients: 1, Mails: []smtp.Mail{spam(i)}}, w.store.Key())
			w.hear(v)
			w.in(time.Second, func() { w.check() })
		}, n, ""},
		{"walk the list from its end", func(w *world, i int) {
			w.visit(bot(i), "bot.example", spam(i))
			w.in(time.Minute, func() { w.call(w.hosts[1], bot(i), "bot@forged.example", "bob@example.org") })
		}, 0, Seen},
		{"walk the list from its beginning", func(w *world, i int) {
			w.call(w.hosts[0], bot(i), "bot@forged.example", "bob@example.org")
			w.visit(bot(i), "bot.example", spam(i))
		}, 0, Seen},
		{"come back three times within a minute with the same envelope", func(w *world, i int) {
			for try := range 3 {
				w.in(time.Duration(try)*20*time.Second, func() { w.visit(bot(i), "bot.example", spam(i)) })
			}
		}, n, ""},
		{"come back after ten minutes with the same envelope", func(w *world, i int) {
			w.visit(bot(i), "bot.example", spam(i))
			w.in(10*time.Minute, func() { w.visit(bot(i), "bot.example", spam(i)) })
		}, 0, Queue},
		{"come back after ten minutes with another envelope", func(w *world, i int) {
			w.visit(bot(i), "bot.example", spam(i))
			w.in(10*time.Minute, func() { w.visit(bot(i), "bot.example", spam(i+n)) })
		}, n, ""},
		{"send the same envelope from ten networks in three minutes", func(w *world, i int) {
			w.in(time.Duration(i%10)*20*time.Second, func() { w.visit(bot(i), "bot.example", spam(i/10)) })
		}, n, ""},
		{"send the same envelope from ten networks in an hour", func(w *world, i int) {
			w.in(time.Duration(i%10)*6*time.Minute, func() { w.visit(bot(i), "bot.example", spam(i/10)) })
		}, 0, Queue},
		{"send the same envelope to a real host from elsewhere", func(w *world, i int) {
			w.visit(bot(i), "bot.example", spam(i))
			w.in(time.Minute, func() {
				w.call(w.hosts[0], netip.AddrFrom4([4]byte{13, 99, byte(i), 1}), fmt.Sprintf("bot%d@forged.example", i), "bob@example.org")
			})
		}, 0, Offered},
		{"forge a reverse path of a domain whose SPF lets everybody pass", func(w *world, i int) {
			w.dns.txt["open.example"] = "v=spf1 +all"
			w.visit(bot(i), "bot.example", mailFrom(fmt.Sprintf("bot%d@open.example", i), "bob@example.org"))
		}, 0, SPFPass},
		{"forge a reverse path of a domain whose SPF lets them fail", func(w *world, i int) {
			w.dns.txt["strict.example"] = "v=spf1 -all"
			w.visit(bot(i), "bot.example", mailFrom(fmt.Sprintf("bot%d@strict.example", i), "bob@example.org"))
		}, n, ""},
		{"have a null reverse path", func(w *world, i int) { w.visit(bot(i), "bot.example", mailFrom("<>", "bob@example.org")) }, 0, ""},
	} {
		t.Run("bots that "+c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			for i := range n {
				w.in(time.Duration(i)*time.Second, func() { c.visits(w, i) })
			}
			w.judge()
			if listed := len(w.listed()); listed != c.listed {
				t.Errorf("%d of %d are listed, expected %d; found was %v", listed, n, c.listed, w.verdicts)
			}
			if c.found != "" && w.verdicts[c.found] == 0 {
				t.Errorf("found was %v, expected %s", w.verdicts, c.found)
			}
		})
	}
}

func TestVisitsAreTakenFasterThanDNSCanBeAsked(t *testing.T) {
	const more = 50
	w := newWorld(t)
	for i := range waitingChecks + more {
		v := &visit.Visit{Time: w.now.Add(time.Duration(i)), Client: bot(i), Sink: sinkAddress}
		v.Hear(&smtp.Heard{Helo: "bot.example", Recipients: 1, Mails: []smtp.Mail{spam(i)}}, w.store.Key())
		w.hear(v)
	}
	w.check()
	w.judge()
	if listed := len(w.listed()); listed != waitingChecks || w.verdicts[SPFUnknown] != more {
		t.Errorf("%d are listed, expected %d; found was %v", listed, waitingChecks, w.verdicts)
	}
}

func TestAVisitWaitsSixHoursForOurDNS(t *testing.T) {
	w := newWorld(t)
	w.bots(3)
	w.pass(2 * time.Hour)
	w.dns.dead[ourDomain] = true
	w.in(After+2*time.Hour, func() { w.dns.dead[ourDomain] = false })
	w.judge()
	if listed := w.listed(); len(listed) != 3 || w.verdicts[MXUnknown] > 0 {
		t.Errorf("listed are %v, found was %v", listed, w.verdicts)
	}
}

// listOne has one bot listed among others.
func listOne(t *testing.T) (w *world, listed netip.Addr) {
	t.Helper()
	w = newWorld(t)
	w.bots(3)
	w.judge()
	if len(w.listed()) != 3 {
		t.Fatalf("listed are %v", w.listed())
	}
	return w, bot(1)
}

// seconds has the engine work every second, as in earnest, for so long.
func (w *world) seconds(n int) {
	for range n {
		w.pass(time.Second)
		w.round()
	}
}

func TestASightAtARealHostTakesOffTheListWithinTenSeconds(t *testing.T) {
	for name, sight := range map[string]netip.Addr{
		"of the address itself":       bot(1),
		"of another one beside it":    bot(1).Next(),
		"of the last one of its /24":  ip("13.0.1.255"),
		"of the first one of its /24": ip("13.0.1.0"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, listed := listOne(t)
			w.call(w.hosts[0], sight, "eve@from.example.net", "bob@example.org")
			w.seconds(10)
			if got := w.listed(); len(got) != 2 || slices.Contains(got, listed) {
				t.Errorf("listed are %v", got)
			}
			shown, err := w.engine.Show(t.Context(), listed)
			if err != nil || shown.Listed || shown.Acquitted == nil || shown.Acquitted.Why != "seen" {
				t.Errorf("shown is %+v, %v", shown, err)
			}
		})
	}
}

func TestASightBesideItsNetworkChangesNothing(t *testing.T) {
	w, _ := listOne(t)
	w.call(w.hosts[0], ip("13.0.3.66"), "eve@from.example.net", "bob@example.org")
	w.seconds(10)
	if got := w.listed(); len(got) != 3 {
		t.Errorf("listed are %v", got)
	}
}

func TestAnEnvelopeThatComesToARealHostLaterTakesOffTheList(t *testing.T) {
	w, listed := listOne(t)
	w.call(w.hosts[0], ip("14.1.1.1"), "bot1@forged.example", "bob@example.org")
	w.pass(time.Hour)
	if got := w.listed(); len(got) != 2 || slices.Contains(got, listed) {
		t.Errorf("listed are %v", got)
	}
}

func TestAQueueThatComesToTheSinkAgainTakesOffTheList(t *testing.T) {
	w, listed := listOne(t)
	w.visit(ip("14.1.1.1"), "other.example.net", mailFrom("bot1@forged.example", "bob@example.org"))
	w.pass(time.Hour)
	if got := w.listed(); len(got) != 2 || slices.Contains(got, listed) {
		t.Errorf("listed are %v", got)
	}
}

// TestTheTimeOnTheListDoubles follows a bot that comes back whenever it is off the
// list, and once while it is on it.
func TestTheTimeOnTheListDoubles(t *testing.T) {
	const day = 24 * time.Hour
	w := newWorld(t)
	entry := func() (listed bool, until time.Duration, times int) {
		shown, err := w.engine.Show(t.Context(), bot(0))
		w.must(err)
		if shown.Entry == nil {
			return false, 0, 0
		}
		return shown.Listed, shown.Entry.Until.Sub(w.now), shown.Entry.Times
	}
	for i, days := range []int{3, 6, 12, 24, 30, 30} {
		lasts := time.Duration(days) * day
		w.visit(bot(0), "bot.example", spam(2*i))
		w.in(10*time.Minute, func() { w.visit(bot(0), "bot.example", spam(2*i+1)) }) // more of the same run
		w.in(20*time.Minute, func() { w.visit(bot(7), "bot.example", spam(1000+i)) })
		w.pass(After + 30*time.Minute)
		w.round()
		w.pass(time.Hour)
		w.round()
		listed, left, times := entry()
		if !listed || left < lasts-2*time.Hour || left > lasts || times != i+1 {
			t.Errorf("after %d returns: listed %v for %v, %d times; expected up to %v days", i, listed, left, times, days)
		}
		w.pass(lasts - 2*time.Hour)
		if !slices.Contains(w.listed(), bot(0)) {
			t.Errorf("after %d returns: it is off the list before its time", i)
		}
		w.pass(3 * time.Hour)
		if slices.Contains(w.listed(), bot(0)) {
			t.Errorf("after %d returns: it is on the list after its time", i)
		}
	}
}

func TestTheListIsEmptyWhenNobodyCouldGetOffIt(t *testing.T) {
	w, _ := listOne(t)
	w.hosts[1].deaf = true
	w.pass(50 * time.Minute)
	if got := w.listed(); len(got) != 3 {
		t.Errorf("after 50 minutes without a feed listed are %v", got)
	}
	w.pass(2 * time.Hour)
	if got := w.listed(); len(got) != 0 {
		t.Errorf("after three hours without a feed listed are %v", got)
	}
	if s := w.engine.Status(); s.Stopped == "" || s.Listed != 0 {
		t.Errorf("the status is %+v", s)
	}
	w.hosts[1].deaf = false
	w.pass(3 * time.Hour)
	if got := w.listed(); len(got) != 3 {
		t.Errorf("with the feed back listed are %v", got)
	}
	if s := w.engine.Status(); s.Stopped != "" || s.Listed != 3 {
		t.Errorf("the status is %+v", s)
	}
}

func TestWhatKeepsItFromListingIsSaidOnce(t *testing.T) {
	for _, c := range []struct {
		name, said string
		make       func(*world, *Config)
		happens    func(*world)
	}{
		{"no feed", "the feed of a real host was never proven, or tells no connections", func(w *world, _ *Config) { w.hosts[0].deaf = true }, func(*world) {}},
		{"no envelopes", "doesn't tell envelopes", func(w *world, _ *Config) { w.hosts[0].bare = true }, func(*world) {}},
		{"a gap", "not proven without a gap", nil, func(w *world) { w.hosts[0].deaf = true }},
		{"a proxy", "is there a proxy that hides the clients?", nil, func(w *world) {
			for i := range 5 {
				w.visit(ip("12.9.9.9"), "proxy.example.net", spam(i))
			}
		}},
		{"another key", "give all sinks the same -key", nil, func(w *world) {
			for range 3 {
				w.engine.Visit(&visit.Visit{Time: w.now, Client: ip("12.1.0.25")}, false)
				w.round()
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var change []func(*world, *Config)
			if c.make != nil {
				change = append(change, c.make)
			}
			w := newWorld(t, change...)
			c.happens(w)
			w.judge()
			w.pass(3 * time.Hour)
			if n := strings.Count(strings.Join(w.said, "\n"), c.said); n != 1 {
				t.Errorf("said %d times, expected once: %q", n, w.said)
			}
		})
	}
}

// TestVisitsUnderAnotherKeyStopListing: their envelopes could be those of a queue.
func TestVisitsUnderAnotherKeyStopListing(t *testing.T) {
	w := newWorld(t)
	w.bots(3)
	w.in(2*time.Hour, func() { w.engine.Visit(&visit.Visit{Time: w.now, Client: ip("12.1.0.25")}, false) })
	w.judge()
	if listed := w.listed(); len(listed) > 0 || w.verdicts[EnvelopeGap] != 3 || w.verdicts[OtherKey] != 1 {
		t.Errorf("listed are %v, found was %v", listed, w.verdicts)
	}
}

// failing writes lists, or not.
type failing struct {
	Lists
	err     error
	entries int // that were given last
}

func (f *failing) Write(now time.Time, entries []dnsl.Entry) (dnsl.Written, error) {
	f.entries = len(entries)
	if f.err != nil {
		return dnsl.Written{}, f.err
	}
	return f.Lists.Write(now, entries)
}

func TestListsThatCanNotBeWrittenAreSaidAndTriedAgain(t *testing.T) {
	lists := new(failing)
	w := newWorld(t, func(_ *world, c *Config) { lists.Lists, c.Lists = c.Lists, lists })
	w.bots(3)
	w.pass(time.Hour)
	lists.err = errors.New("no space left on device")
	w.judge()
	was := w.engine.Status()
	if n := strings.Count(strings.Join(w.said, "\n"), "the lists are not written: no space left on device"); n != 1 || len(w.listed()) != 0 {
		t.Errorf("said %q, listed are %v", w.said, w.listed())
	}
	lists.err = nil
	w.seconds(5)
	if s := w.engine.Status(); len(w.listed()) != 3 || !s.Written.After(was.Written) {
		t.Errorf("listed are %v, the status was %+v and is %+v", w.listed(), was, s)
	}
}

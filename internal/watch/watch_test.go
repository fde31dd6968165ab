package watch

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestDetection(t *testing.T) {
	bubble(t, "a sink that refuses joins with the first look", func(t bubbled) {
		n := newNetwork()
		n.set(sink4, refuses)
		n.set(control, greets)
		w := watching(n, sink4)
		defer w.Close()
		g := w.Guard(addrs(sink4))
		if g.Joins() {
			t.Error("joins before it was looked at")
		}
		until(t, g, true, time.Second)
		if !w.Ready() {
			t.Error("not ready after the first round")
		}
	})
	// Wherever between two looks the sink turns.
	for i := range 30 {
		bubble(t, fmt.Sprintf("one that begins to drop is out within 60 s, try %d", i), func(t bubbled) {
			n, w, g := standing(t)
			defer w.Close()
			n.set(sink4, drops)
			if took := until(t, g, false, time.Minute); took < 15*time.Second {
				t.Errorf("out after %s, which is less than two tries", took)
			}
			if w.log.count("192.0.2.1 does not answer") != 1 {
				t.Errorf("logged %q", w.log.all)
			}
		})
		bubble(t, fmt.Sprintf("one that begins to accept is out within 40 s, try %d", i), func(t bubbled) {
			n, w, g := standing(t)
			defer w.Close()
			n.set(sink4, accepts)
			until(t, g, false, 40*time.Second)
			dials := n.dials(sink4)
			if gap := dials[len(dials)-1].Sub(dials[len(dials)-2]); gap != time.Second {
				t.Errorf("the second connection came after %s", gap)
			}
			if w.log.count("192.0.2.1 accepts connections") != 1 {
				t.Errorf("logged %q", w.log.all)
			}
		})
		bubble(t, fmt.Sprintf("also where the control host greets slowly, try %d", i), func(t bubbled) {
			n, w, g := standing(t)
			defer w.Close()
			n.set(control, greetsSlowly)
			n.set(sink4, drops)
			until(t, g, false, time.Minute)
			time.Sleep(10 * time.Second)
			if _, early := n.farewells(); early > 0 {
				t.Error("spoke before the greeting was over")
			}
		})
	}
	bubble(t, "it is back after ten good minutes and twenty after a relapse", func(t bubbled) {
		n, w, g := standing(t)
		defer w.Close()
		for _, hold := range []time.Duration{10 * time.Minute, 20 * time.Minute, 40 * time.Minute} {
			n.set(sink4, accepts)
			until(t, g, false, 40*time.Second)
			n.set(sink4, refuses)
			if took := until(t, g, true, hold+time.Minute); took < hold {
				t.Errorf("back after %s, want %s", took, hold)
			}
		}
		if s := w.Snapshot(); s.Withdrawals != 3 {
			t.Errorf("%d withdrawals counted", s.Withdrawals)
		}
	})
	bubble(t, "a single lost packet changes nothing", func(t bubbled) {
		n, w, g := standing(t)
		defer w.Close()
		before := len(n.dials(sink4))
		n.mu.Lock()
		n.host[netip.MustParseAddr(sink4)] = func() behaviour {
			if len(n.dialed[netip.MustParseAddr(sink4)]) == before+1 {
				return drops
			}
			return refuses
		}
		n.mu.Unlock()
		stays(t, g, true, time.Hour)
	})
	bubble(t, "looks begin at most an interval and at least nine tenths of one apart", func(t bubbled) {
		n, w, _ := standing(t)
		defer w.Close()
		time.Sleep(time.Hour)
		dials := n.dials(sink4)
		for i := 2; i < len(dials); i++ {
			if gap := dials[i].Sub(dials[i-1]); gap < 27*time.Second || gap > 30*time.Second {
				t.Errorf("%s between two looks", gap)
			}
		}
		quits, _ := n.farewells()
		if calls := len(n.dials(control)); quits < calls-1 || calls > 140 {
			t.Errorf("control host: %d calls, %d ended with QUIT", calls, quits)
		}
	})
}

// standing is a watcher of one sink that refuses, at any time between two looks.
func standing(t testing.TB) (*network, *watched, *Guard) {
	t.Helper()
	n := newNetwork()
	n.set(sink4, refuses)
	n.set(control, greets)
	w := watching(n, sink4)
	g := w.Guard(addrs(sink4))
	until(t, g, true, time.Second)
	time.Sleep(time.Minute + rand.N(time.Minute))
	return n, w, g
}

func TestVantage(t *testing.T) {
	for i := range 10 {
		bubble(t, fmt.Sprintf("an hour of blocked egress changes nothing, try %d", i), func(t bubbled) {
			n, w, g := standing(t)
			defer w.Close()
			n.block(true)
			stays(t, g, true, time.Hour)
			if !w.Snapshot().Blind {
				t.Error("not blind")
			}
			n.block(false)
			stays(t, g, true, 2*time.Minute)
			if w.Snapshot().Blind {
				t.Error("blind though a control host accepts")
			}
			if w.log.count("blind") != 1 || w.log.count("sinks are seen again") != 1 {
				t.Errorf("logged %q", w.log.all)
			}
		})
		bubble(t, fmt.Sprintf("egress that comes and goes changes nothing, try %d", i), func(t bubbled) {
			n, w, g := standing(t)
			defer w.Close()
			ended := time.Now().Add(6 * time.Hour)
			for time.Now().Before(ended) {
				n.block(true)
				stays(t, g, true, rand.N(5*time.Minute))
				n.block(false)
				stays(t, g, true, rand.N(5*time.Minute))
			}
		})
	}
	bubble(t, "a process that starts blind withholds, and is ready after 15 s", func(t bubbled) {
		n := newNetwork()
		n.set(sink4, refuses)
		n.set(control, refuses)
		w := watching(n, sink4)
		defer w.Close()
		time.Sleep(time.Second)
		if w.Snapshot().Blind != true {
			t.Error("not blind")
		}
		g := w.Guard(addrs(sink4))
		stays(t, g, false, time.Hour)
		if !w.Ready() {
			t.Error("not ready")
		}
		if got := len(n.dials(control)); got > 150 {
			t.Errorf("%d calls to the control host in an hour", got)
		}
		n.set(control, greets)
		until(t, g, true, 2*time.Minute)
	})
	bubble(t, "it is not ready before that", func(t bubbled) {
		n := newNetwork()
		w := New(n.dial, new(lines))
		w.sockets = make(semaphore) // no look can begin
		s := w.Prepare(Request{DefaultInterval, addrs(sink4), addrs(control)})
		s.Start()
		defer s.Close()
		for range 15 {
			if s.Ready() {
				t.Fatal("ready without a first round")
			}
			time.Sleep(time.Second)
		}
		if !s.Ready() {
			t.Error("not ready after 15 s")
		}
	})
	bubble(t, "who is blind and sees a listener withdraws the fake", func(t bubbled) {
		n, w, g := standing(t)
		defer w.Close()
		n.set(control, drops)
		n.set(sink4, accepts)
		until(t, g, false, 40*time.Second)
	})
	bubble(t, "a refusal for all brings no fake back", func(t bubbled) {
		n, w, g := standing(t)
		defer w.Close()
		n.set(sink4, accepts)
		until(t, g, false, 40*time.Second)
		n.set(control, refuses)
		n.set(sink4, refuses)
		stays(t, g, false, 5*time.Hour)
	})
	bubble(t, "a host that accepts and never greets is no control host", func(t bubbled) {
		n, w, _ := standing(t)
		defer w.Close()
		n.set(control, greetsNever)
		time.Sleep(time.Minute)
		if !w.Snapshot().Blind {
			t.Error("not blind")
		}
	})
	bubble(t, "one of twenty control hosts is enough, and each gets its turn", func(t bubbled) {
		n := newNetwork()
		n.set(sink4, refuses)
		w := New(n.dial, new(lines))
		controls := make([]string, 0, 20)
		for i := range 20 {
			controls = append(controls, fmt.Sprintf("198.51.100.%d", i+1))
		}
		n.set(controls[17], greets)
		s := w.Prepare(Request{DefaultInterval, addrs(sink4), addrs(controls...)})
		s.Start()
		defer s.Close()
		g := s.Guard(addrs(sink4))
		until(t, g, true, 3*time.Minute)
		stays(t, g, true, time.Hour)
		if w.Snapshot().Blind {
			t.Error("blind")
		}
	})
}

func TestFlapping(t *testing.T) {
	for _, other := range []behaviour{drops, accepts} {
		for i := range 20 {
			bubble(t, fmt.Sprintf("a sink that flaps every 15 s changes twice an hour at most, %d, try %d", other, i), func(t bubbled) {
				n := newNetwork()
				n.set(control, greets)
				began := time.Now().Add(-rand.N(30 * time.Second))
				n.host[netip.MustParseAddr(sink4)] = func() behaviour {
					if time.Since(began)/(15*time.Second)%2 == 0 {
						return refuses
					}
					return other
				}
				w := watching(n, sink4)
				defer w.Close()
				g := w.Guard(addrs(sink4))
				var changes []time.Time
				joined := false
				for ended := time.Now().Add(12 * time.Hour); time.Now().Before(ended); time.Sleep(time.Second) {
					if g.Joins() != joined {
						joined = !joined
						changes = append(changes, time.Now())
					}
				}
				for i := 2; i < len(changes); i++ {
					if changes[i].Sub(changes[i-2]) <= time.Hour {
						t.Errorf("three changes within %s", changes[i].Sub(changes[i-2]))
					}
				}
			})
		}
	}
}

func TestFamilies(t *testing.T) {
	bubble(t, "an address without a route is left out, and that is said once", func(t bubbled) {
		n := newNetwork()
		n.set(sink4, refuses)
		n.set(sink6, unreachable)
		n.set(control, greets)
		w := watching(n, sink4, sink6)
		defer w.Close()
		until(t, w.Guard(addrs(sink4, sink6)), true, time.Second)
		stays(t, w.Guard(addrs(sink4, sink6)), true, time.Hour)
		if w.Guard(addrs(sink6)).Joins() {
			t.Error("a fake that cannot be seen at all joins")
		}
		if w.log.count("no route to 2001:db8::1") != 1 {
			t.Errorf("logged %q", w.log.all)
		}
	})
	bubble(t, "a fake is out while one of its addresses is bad", func(t bubbled) {
		n := newNetwork()
		n.set(sink4, refuses)
		n.set(sink6, accepts)
		n.set(control, greets)
		w := watching(n, sink4, sink6)
		defer w.Close()
		until(t, w.Guard(addrs(sink4)), true, time.Second)
		stays(t, w.Guard(addrs(sink4, sink6)), false, time.Hour)
	})
	bubble(t, "what was seen refusing stays in when its route goes away", func(t bubbled) {
		n, w, g := standing(t)
		defer w.Close()
		n.set(sink4, unreachable)
		stays(t, g, true, time.Hour)
	})
}

func TestReload(t *testing.T) {
	bubble(t, "there is one prober an address, however many subscriptions have it", func(t bubbled) {
		n, w, _ := standing(t)
		for range 50 {
			s := w.Prepare(Request{DefaultInterval, addrs(sink4), addrs(control)})
			s.Start()
			defer s.Close()
		}
		defer w.Close()
		before := len(n.dials(sink4))
		time.Sleep(time.Hour)
		if got := len(n.dials(sink4)) - before; got > 135 {
			t.Errorf("%d looks in an hour", got)
		}
	})
	bubble(t, "state survives where the old one is closed before the new one is started", func(t bubbled) {
		n, w, g := standing(t)
		n.set(sink4, accepts)
		until(t, g, false, 40*time.Second)
		old := w.Subscription
		for range 200 {
			s := w.Prepare(Request{DefaultInterval, addrs(sink4), addrs(control)})
			if s.Guard(addrs(sink4)).targets[0] != g.targets[0] {
				t.Fatal("another target")
			}
			old.Close()
			s.Start()
			if s.Guard(addrs(sink4)).Joins() || State(g.targets[0].state.Load()) != Bad {
				t.Fatal("the state is lost")
			}
			old = s
		}
		old.Close()
		synctest.Wait()
		if len(w.targets) != 0 || len(w.rounds) != 0 || len(w.vantage.controls) != 0 || w.running.Load() != 0 || n.open != 0 {
			t.Errorf("left: %d targets, %d rounds, %d controls, %d probers, %d sockets",
				len(w.targets), len(w.rounds), len(w.vantage.controls), w.running.Load(), n.open)
		}
	})
	bubble(t, "a good sink stays in through quick reloads, and looks go on", func(t bubbled) {
		n, w, g := standing(t)
		old := w.Subscription
		before := len(n.dials(sink4))
		for range 360 {
			s := w.Prepare(Request{DefaultInterval, addrs(sink4), addrs(control)})
			old.Close()
			if !g.Joins() {
				t.Fatal("out during a reload")
			}
			s.Start()
			old = s
			stays(t, g, true, 10*time.Second)
		}
		defer old.Close()
		if got := len(n.dials(sink4)) - before; got < 119 {
			t.Errorf("%d looks in an hour of reloads every 10 s", got)
		}
	})
	bubble(t, "one that was not looked at for an hour is withheld again", func(t bubbled) {
		n, w, g := standing(t)
		s := w.Prepare(Request{DefaultInterval, addrs(sink4), addrs(control)})
		w.Close()
		time.Sleep(time.Hour)
		n.set(control, drops)
		s.Start()
		defer s.Close()
		time.Sleep(time.Minute)
		if g.Joins() {
			t.Error("joins on what was known an hour ago")
		}
	})
	t.Run("a subscription that is forgotten leaves nothing", func(t *testing.T) {
		w := New(newNetwork().dial, new(lines))
		w.Prepare(Request{DefaultInterval, addrs(sink4), addrs(control)})
		for range 100 {
			runtime.GC()
			w.mu.Lock()
			left := len(w.targets)
			w.mu.Unlock()
			if left == 0 {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Error("its target is still there")
	})
}

func TestManyAddresses(t *testing.T) {
	const many = 10_000
	bubble(t, "ten thousand sinks, 200 sockets, an interval ten times as long", func(t bubbled) {
		n := newNetwork()
		n.set(control, greets)
		w := New(n.dial, new(lines))
		guards := make([]*Guard, 0, many)
		for i := range many {
			addr := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
			n.set(addr.String(), refuses)
			if i%10 == 0 {
				n.set(addr.String(), drops)
			}
			s := w.Prepare(Request{DefaultInterval, []netip.Addr{addr}, addrs(control)})
			s.Start()
			defer s.Close()
			guards = append(guards, s.Guard([]netip.Addr{addr}))
		}
		time.Sleep(2 * time.Minute)
		for i, g := range guards {
			if g.Joins() != (i%10 != 0) {
				t.Fatalf("sink %d joins: %t", i, g.Joins())
			}
		}
		if most := n.mostOpen(); most > 200 {
			t.Errorf("%d sockets at a time", most)
		}
		time.Sleep(5 * time.Minute)
		before := n.total()
		time.Sleep(10 * time.Minute)
		if looks := n.total() - before; looks < 2*many || looks > 3*many {
			t.Errorf("%d looks in ten minutes, want two an address", looks)
		}
		s := w.Snapshot()
		if len(s.Addresses) != 0 || s.States[Good] != many*9/10 || s.States[Bad] != many/10 {
			t.Errorf("snapshot names %d, states %v", len(s.Addresses), s.States)
		}
	})
}

func TestChanges(t *testing.T) {
	bubble(t, "a change is told, and nothing else is", func(t bubbled) {
		n, w, g := standing(t)
		defer w.Close()
		changes := w.Changes()
		stays(t, g, true, time.Hour)
		select {
		case <-changes:
			t.Error("told of a change where there was none")
		default:
		}
		n.set(sink4, accepts)
		select {
		case <-changes:
		case <-time.After(40 * time.Second):
			t.Error("no change was told")
		}
		if g.Joins() {
			t.Error("joins though a change was told")
		}
	})
}

func TestTelling(t *testing.T) {
	bubble(t, "a thousand changes are a hundred lines a minute", func(t bubbled) {
		log := new(lines)
		w := New(newNetwork().dial, log)
		for range 1000 {
			w.warn("watch: something")
		}
		if len(log.all) != linesAMinute {
			t.Errorf("%d lines", len(log.all))
		}
		time.Sleep(time.Minute)
		w.warn("watch: something")
		if got := log.all[linesAMinute]; !strings.Contains(got, "900 lines were left out") {
			t.Errorf("then %q", got)
		}
	})
	bubble(t, "a snapshot names the addresses and counts the looks", func(t bubbled) {
		_, w, _ := standing(t)
		defer w.Close()
		s := w.Snapshot()
		if len(s.Addresses) != 1 || s.Addresses[0].State != Good || s.States[Good] != 1 || s.Probes[Refused] < 2 || s.Blind {
			t.Errorf("%+v", s)
		}
		if w.log.count("first round: 1 of 1 sink addresses refuse") != 1 {
			t.Errorf("logged %q", w.log.all)
		}
	})
}

func BenchmarkJoins(b *testing.B) {
	w := New(newNetwork().dial, new(lines))
	s := w.Prepare(Request{DefaultInterval, addrs(sink4, sink6), addrs(control)})
	g := s.Guard(addrs(sink4, sink6))
	for _, t := range g.targets {
		t.state.Store(uint32(Good))
	}
	b.ReportAllocs()
	for b.Loop() {
		if !g.Joins() {
			b.Fatal("out")
		}
	}
	runtime.KeepAlive(s)
}

package oracle

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

// A ledger counts what was compared, and keeps failures readable: a world is
// shown once, some of its names once, and after some only the number goes on.
type ledger struct {
	expected  bool // one failure is what is looked for, and is no failure of the test
	asked     atomic.Int64
	transfers atomic.Int64
	secondary atomic.Int64

	mutex  sync.Mutex
	rules  map[*rule]int
	worlds map[uint64]bool
	names  map[string]bool
	shown  map[uint64]int  // how many names, by the seed of their world
	seeds  map[uint64]bool // of the worlds with a failure
	failed int
}

const (
	mostNamesShown   = 40
	mostNamesOfWorld = 4
	mostWorldsShown  = 3
)

func newLedger() *ledger {
	return &ledger{rules: map[*rule]int{}, worlds: map[uint64]bool{}, names: map[string]bool{}, shown: map[uint64]int{}, seeds: map[uint64]bool{}}
}

// expectFailure returns a ledger for zones that are known to differ.
func expectFailure() *ledger {
	l := newLedger()
	l.expected = true
	return l
}

func (l *ledger) fired(r *rule) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.rules[r]++
}

func (l *ledger) failures() int {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.failed
}

// enough reports whether there is nothing more to learn.
func (l *ledger) enough() bool { return l.expected && l.failures() > 0 }

func (l *ledger) fail(t *testing.T, f *finding, what string) {
	t.Helper()
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.failed++
	l.seeds[f.world.seed] = true
	name := fmt.Sprint(f.world.seed, canonical(f.question.name))
	if l.expected {
		return
	}
	t.Fail()
	if l.names[name] || len(l.names) >= mostNamesShown || l.shown[f.world.seed] >= mostNamesOfWorld {
		return
	}
	l.names[name] = true
	l.shown[f.world.seed]++
	world := ""
	if !l.worlds[f.world.seed] && len(l.worlds) < mostWorldsShown {
		l.worlds[f.world.seed] = true
		world = fmt.Sprintf("\n%s", f.world)
	}
	t.Errorf("again with -seed=%d\n%s\n%s%s", f.world.seed, f.question, what, world)
}

// failUnneededRules fails the test for each rule that allowed nothing: it may
// hide what it was not made for.
func (l *ledger) failUnneededRules(t *testing.T) {
	t.Helper()
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for _, r := range rules {
		if l.rules[r] == 0 {
			t.Errorf("rule %q was never needed, want it gone or a generator that needs it", r.name)
		}
	}
}

// report prints the counts.
func (l *ledger) report(t *testing.T) {
	t.Helper()
	t.Logf("%d questions and %d transfers compared, %d questions to secondaries, %d failures",
		l.asked.Load(), l.transfers.Load(), l.secondary.Load(), l.failures())
	if len(l.seeds) > 0 {
		t.Logf("failures in the worlds of seeds %d", slices.Sorted(maps.Keys(l.seeds)))
	}
	for _, r := range rules {
		t.Logf("%8d × %s: %s", l.rules[r], r.name, r.reason)
	}
}

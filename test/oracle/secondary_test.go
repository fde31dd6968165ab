package oracle

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/miekg/dns"
)

// secondaries hold what fakemx sent of each zone, for servers that load it.
type secondaries struct {
	mutex  sync.Mutex
	worlds map[uint64]*world
	// differs has the seeds of worlds of which some transferred zone is not the
	// hand-edited one.
	differs map[uint64]bool
}

func newSecondaries() *secondaries {
	return &secondaries{worlds: map[uint64]*world{}, differs: map[uint64]bool{}}
}

// keep notes the records of a whole transfer as the j-th zone of the i-th block,
// and whether they are those of the hand-edited zone.
func (s *secondaries) keep(t trial, i, j int, records []dns.RR, differs bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.differs[t.world.seed] = s.differs[t.world.seed] || differs
	w := s.worlds[t.world.seed]
	if w == nil {
		w = t.world.empty()
		s.worlds[t.world.seed] = w
	}
	w.blocks[i].zones[j].records = records[:max(1, len(records)-1)]
}

// empty returns the blocks of w with zones that have nothing yet.
func (w *world) empty() *world {
	e := &world{seed: w.seed}
	for _, b := range w.blocks {
		c := &block{terse: b.terse}
		for _, z := range b.zones {
			c.zones = append(c.zones, &zone{origin: z.origin})
		}
		e.blocks = append(e.blocks, c)
	}
	return e
}

// whole returns what was transferred of the worlds of those trials of which every
// zone was.
func (s *secondaries) whole(trials []trial) (worlds []*world, kept []trial) {
	for _, t := range trials {
		w := s.worlds[t.world.seed]
		if w == nil || slices.ContainsFunc(w.blocks, func(b *block) bool {
			return slices.ContainsFunc(b.zones, func(z *zone) bool { return len(z.records) == 0 })
		}) {
			continue
		}
		worlds, kept = append(worlds, w), append(kept, t)
	}
	return worlds, kept
}

// oneInSecondary is how rarely a question goes to the secondary of a world whose
// zones are, record for record, the hand-edited ones: their answers were compared.
const oneInSecondary = 20

// secondary is what a finding wants the answer of.
const secondary = "secondary"

// askSecondaries loads every transferred zone into a second server, and compares
// its answers with those of fakemx.
func (c *comparison) askSecondaries(t *testing.T, trials []trial) {
	t.Helper()
	worlds, kept := c.secondaries.whole(trials)
	if len(kept) == 0 {
		return
	}
	second := &comparison{want: serve(t, worlds, false), got: c.got, plain: c.plain, ledger: c.ledger}
	forEach(kept, func(trial trial) {
		c.settle(t, trial, newWatch(trial, c))
		rng := rand.New(rand.NewPCG(trial.world.seed, 0x5ec))
		for _, q := range trial.world.questions(c.secondaries.worlds[trial.world.seed], rng) {
			if !c.secondaries.differs[trial.world.seed] && rng.IntN(oneInSecondary) > 0 {
				continue
			}
			f := &finding{trial: trial, question: q, comparison: second, wanted: secondary}
			if err := f.ask(); err != nil {
				c.ledger.fail(t, f, err.Error())
				continue
			}
			c.ledger.secondary.Add(1)
			f.judge(t)
		}
	})
}

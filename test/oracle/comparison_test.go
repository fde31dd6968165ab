package oracle

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"
)

// A comparison puts the same questions to two servers: want has the edited
// zones, got the plain ones with fakemx before them. Some rules ask plain, which
// has the plain zones alone.
type comparison struct {
	want, got, plain *server
	ledger           *ledger
	secondaries      *secondaries // of the zones that got transfers
}

// A world on trial: the zones and configuration, and the zones as edited.
type trial struct {
	world  *world
	edited *world
}

func newTrial(seed uint64) trial { return trialOf(generate(seed)) }

func trialOf(w *world) trial {
	edited := &world{seed: w.seed}
	for _, b := range w.blocks {
		edited.blocks = append(edited.blocks, &block{zones: b.handEdit(), terse: b.terse})
	}
	return trial{w, edited}
}

func plainWorlds(trials []trial) (all []*world) {
	for _, t := range trials {
		all = append(all, t.world)
	}
	return all
}

func editedWorlds(trials []trial) (all []*world) {
	for _, t := range trials {
		all = append(all, t.edited)
	}
	return all
}

// run puts every question of every trial.
func (c *comparison) run(t *testing.T, trials []trial) {
	t.Helper()
	forEach(trials, func(trial trial) {
		c.compareAnswers(t, trial)
		c.compareTransfers(t, trial)
	})
}

// forEach calls do with each trial, several at a time.
func forEach(trials []trial, do func(trial)) {
	queue := make(chan trial)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for trial := range queue {
				do(trial)
			}
		})
	}
	for _, trial := range trials {
		queue <- trial
	}
	close(queue)
	workers.Wait()
}

// oneInSocket is how rarely a question goes over the sockets as well.
const oneInSocket = 100

// compareAnswers puts every question about one world.
func (c *comparison) compareAnswers(t *testing.T, trial trial) {
	t.Helper()
	rng := rand.New(rand.NewPCG(trial.world.seed, 0xa5c))
	watch := newWatch(trial, c)
	c.settle(t, trial, watch)
	for _, q := range trial.world.questions(trial.edited, rng) {
		if c.ledger.enough() {
			return
		}
		f := &finding{trial: trial, question: q, comparison: c, watch: watch}
		err := f.ask()
		if err == nil && rng.IntN(oneInSocket) == 0 {
			err = f.checkSockets()
		}
		if err != nil {
			c.ledger.fail(t, f, err.Error())
			continue
		}
		c.ledger.asked.Add(1)
		f.judge(t)
	}
}

// settle asks for sinks and apexes until no answer changes any more. What fakemx has
// to learn about many sinks it may learn behind the first answers, and leave the
// fakes out until then. But what it does hand out must hold from the first answer on.
func (c *comparison) settle(t *testing.T, trial trial, watch *watch) {
	t.Helper()
	const unchanged, rounds = 3, 200
	questions := trial.world.firstQuestions()
	last := make([][]byte, len(questions))
	for round, quiet := 0, 0; round < rounds && quiet < unchanged; round++ {
		quiet++
		for i, q := range questions {
			got, err := c.got.ask(q)
			if err == nil {
				err = watch.check(q, got)
			}
			if err != nil {
				c.ledger.fail(t, &finding{trial: trial, comparison: c, question: q}, "fakemx: "+err.Error())
				return
			}
			if !bytes.Equal(got, last[i]) {
				quiet, last[i] = 0, got
			}
		}
		time.Sleep(time.Millisecond)
	}
}

// A finding is one question with both answers.
type finding struct {
	trial
	question   question
	want, got  reply
	comparison *comparison
	watch      *watch // looks at what fakemx answers, if there is one
	wanted     string // whose answer is wanted, if not that of the hand-edited zone
}

func (f *finding) ask() (err error) {
	want, err := f.comparison.want.ask(f.question)
	if err != nil {
		return fmt.Errorf("hand-edited: %w", err)
	}
	got, err := f.comparison.got.ask(f.question)
	if err != nil {
		return fmt.Errorf("fakemx: %w", err)
	}
	if f.watch != nil {
		if err := f.watch.check(f.question, got); err != nil {
			return fmt.Errorf("fakemx: %w", err)
		}
	}
	if len(got) > f.question.limit() {
		return fmt.Errorf("fakemx: answer of %d octets, the client takes %d", len(got), f.question.limit())
	}
	if bytes.Equal(want, got) {
		return nil // spares reading most answers, and both readings are equal
	}
	if f.want, err = readReply(want); err != nil {
		return fmt.Errorf("hand-edited: %w", err)
	}
	if f.got, err = readReply(got); err != nil {
		return fmt.Errorf("fakemx: %w", err)
	}
	return nil
}

// checkSockets makes sure that asking behind the sockets is no other thing than
// asking through them.
func (f *finding) checkSockets() error {
	for _, s := range []*server{f.comparison.want, f.comparison.got} {
		inside, err := s.ask(f.question)
		if err != nil || inside == nil {
			return err
		}
		outside, err := s.askSocket(f.question)
		if err != nil {
			return fmt.Errorf("over the network: %w", err)
		}
		if !bytes.Equal(inside, outside) {
			return fmt.Errorf("not the same over the network:\n%x\n%x", inside, outside)
		}
	}
	return nil
}

// judge lets the rules explain what differs, and fails the test for what is left.
func (f *finding) judge(t *testing.T) {
	t.Helper()
	asked := f.want
	var applied []*rule
	for _, r := range rules {
		if f.want.equal(f.got) {
			break
		}
		if want, ok := r.permits(f); ok {
			f.want = want
			applied = append(applied, r)
		}
	}
	if !f.want.equal(f.got) {
		f.comparison.ledger.fail(t, f, f.wanted+"\n"+difference(asked, f.got))
		return
	}
	for _, r := range applied {
		f.comparison.ledger.fired(r)
	}
}

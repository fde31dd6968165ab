package serial

import (
	"sync"
	"sync/atomic"
)

// store is where states are kept.
type store interface {
	// commit keeps all of the states, or fails and keeps none.
	commit(map[string]State) error
	close() error
}

// shared is an open file with what all its parts share.
type shared struct {
	path string
	disk store
	log  Logger
	// parts is their number, which the mutex of the files guards.
	parts int
	// left are the zones that owners before have left, which the mutex of the files
	// guards, too.
	left []string
	// owner is the part that writes.
	owner atomic.Pointer[part]

	// states are those on disk, by zone.
	states sync.Map
	zones  atomic.Int64

	commits, failures atomic.Uint64
	failing           atomic.Bool

	// writing is held during a commit.
	writing sync.Mutex
}

// batch is what one commit writes.
type batch struct {
	seen []Seen
	done chan struct{}
	err  error
}

func share(path string, d store, states map[string]State, log Logger) *shared {
	s := &shared{path: path, disk: d, log: log}
	s.publish(states)
	return s
}

func (s *shared) state(zone string) (State, bool) {
	known, ok := s.states.Load(zone)
	if !ok {
		return State{}, false
	}
	return *known.(*State), true
}

func (s *shared) publish(states map[string]State) {
	for zone, state := range states {
		if _, known := s.states.Swap(zone, &state); !known {
			s.zones.Add(1)
		}
	}
}

// put adds to the next commit. Whoever begins a batch writes it, as soon as the
// commit before it is done; who comes meanwhile joins it.
func (p *part) put(seen []Seen) error {
	p.queue.Lock()
	b := p.pending
	begins := b == nil
	if begins {
		b = &batch{done: make(chan struct{})}
		p.pending = b
	}
	b.seen = append(b.seen, seen...)
	p.queue.Unlock()
	if !begins {
		<-b.done
		return b.err
	}
	p.writing.Lock()
	defer p.writing.Unlock()
	p.queue.Lock()
	p.pending = nil
	p.queue.Unlock()
	defer close(b.done)
	if p.owner.Load() != p {
		b.err = ErrNotOwner
		return b.err
	}
	b.err = p.write(b.seen)
	return b.err
}

// write commits what changes. The caller holds writing.
func (s *shared) write(seen []Seen) error {
	changed := make(map[string]State)
	for _, now := range seen {
		then, known := changed[now.Zone]
		if !known {
			then, known = s.state(now.Zone)
		}
		switch {
		case !known:
			changed[now.Zone] = first(now)
		case then.next(now) != then:
			changed[now.Zone] = then.next(now)
		}
	}
	if len(changed) == 0 {
		return nil
	}
	if err := s.disk.commit(changed); err != nil {
		s.failures.Add(1)
		if !s.failing.Swap(true) {
			s.log.Errorf("serial: %s cannot be written: %v; each zone keeps its last number until it can", s.path, err)
		}
		return err
	}
	s.commits.Add(1)
	if s.failing.Swap(false) {
		s.log.Infof("serial: %s is written again", s.path)
	}
	s.warnBack(changed)
	s.publish(changed)
	return nil
}

// warnBack logs the zones whose number goes back, as that of a zone may that was
// signed meanwhile.
func (s *shared) warnBack(changed map[string]State) {
	for zone, then := range changed {
		if before, ok := s.state(zone); ok && then.Served != before.Served && !After(then.Served, before.Served) {
			s.log.Warningf("serial: %s is signed now and keeps its own number: it goes back from %d to %d; secondaries need a new transfer",
				zone, before.Served, then.Served)
		}
	}
}

package serial

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
)

// platter is a disk that may fail, or crash before or after a commit is on it.
type platter struct {
	states map[string]State
	fault  fault
}

type fault int

const (
	none fault = iota
	full
	crashBefore
	crashAfter
)

var (
	errFull  = errors.New("no space left on device")
	errCrash = errors.New("crash")
)

func (p *platter) commit(states map[string]State) error {
	switch p.fault {
	case full:
		return errFull
	case crashBefore:
		return errCrash
	}
	maps.Copy(p.states, states)
	if p.fault == crashAfter {
		return errCrash
	}
	return nil
}

func (p *platter) close() error { return nil }

// quiet takes no lines.
type quiet struct{}

func (quiet) Infof(string, ...any)    {}
func (quiet) Warningf(string, ...any) {}
func (quiet) Errorf(string, ...any)   {}

// world is a primary whose zones change in every way, and a secondary of each.
type world struct {
	*rand.Rand
	disk   *platter
	files  *Files
	file   *File
	now    map[string]Seen
	served map[string]uint32
	signed map[string]bool
	steps  []string
}

func newWorld(seed uint64) *world {
	w := &world{
		Rand:   rand.New(rand.NewPCG(seed, 12)),
		disk:   &platter{states: make(map[string]State)},
		now:    make(map[string]Seen),
		served: make(map[string]uint32),
		signed: make(map[string]bool),
	}
	for i := range 3 {
		zone := fmt.Sprintf("zone%d.example.org.", i)
		w.now[zone] = Seen{Zone: zone, Backend: w.Uint32(), Injects: w.IntN(2) == 0}
	}
	w.start()
	return w
}

// start is a process that has read the disk.
func (w *world) start() {
	w.files = NewFiles(quiet{})
	w.files.open["/serials"] = share("/serials", w.disk, maps.Clone(w.disk.states), quiet{})
	w.file, _ = w.files.Open("/serials")
	w.file.Start()
}

// change is what happens to a zone behind the primary, or to what is made of it.
func (w *world) change(now Seen) Seen {
	switch w.IntN(10) {
	case 0, 1:
		now.Backend++
	case 2:
		now.Backend += w.Uint32N(1 << 20)
	case 3:
		now.Backend -= w.Uint32N(1000)
	case 4:
		now.Backend = [...]uint32{0, 1, 0xffffffff, 1 << 31, 1<<31 - 1, 2026112401, 1795564800, w.Uint32()}[w.IntN(8)]
	case 5:
		// Just where numbers stop to compare with the one that is served.
		now.Backend = w.served[now.Zone] + 1<<31 + w.Uint32N(5) - 2
	case 6:
		now.Backend = w.served[now.Zone] + w.Uint32N(3)
	case 7:
		now.Signed = w.IntN(4) == 0
	default:
		now.Digest[0] = byte(w.IntN(4)) // a list swapped, a reload, a verdict; and back again
	}
	return now
}

// look compares what the primary serves with what the secondaries have.
func (w *world) look() error {
	for zone := range w.now {
		s, known := w.file.State(zone)
		if !known {
			if _, ever := w.served[zone]; ever {
				return fmt.Errorf("%s was served and is unknown", zone)
			}
			continue
		}
		last, ever := w.served[zone]
		switch {
		case ever && s.Signed && !w.signed[zone]:
			// The one case in which it may go back.
		case s.Signed:
			if s.Served != s.Backend {
				return fmt.Errorf("%s is signed and has %d instead of %d", zone, s.Served, s.Backend)
			}
		case s.Served == 0:
			return fmt.Errorf("%s has 0", zone)
		case ever && s.Served != last && !After(s.Served, last):
			return fmt.Errorf("%s goes back from %d to %d", zone, last, s.Served)
		}
		w.served[zone], w.signed[zone] = s.Served, s.Signed
	}
	return nil
}

// step is one thing that happens.
func (w *world) step() error {
	var seen []Seen
	for zone, now := range w.now {
		if w.IntN(2) == 0 {
			w.now[zone] = w.change(now)
			seen = append(seen, w.now[zone])
		}
	}
	before := make(map[string]State)
	for zone := range w.now {
		before[zone], _ = w.file.State(zone)
	}
	w.disk.fault = none
	if w.IntN(3) == 0 {
		w.disk.fault = fault(w.IntN(4))
	}
	err := w.file.Put(seen...)
	w.steps = append(w.steps, fmt.Sprintf("%+v: %v", seen, err))
	for _, now := range seen {
		s, known := w.file.State(now.Zone)
		switch {
		case err != nil && s != before[now.Zone]:
			return errors.New("a write that failed changes what is served")
		case err == nil && (!known || s.Backend != now.Backend || s.Digest != now.Digest || w.disk.states[now.Zone] != s):
			return errors.New("a write that succeeded is not what is served")
		case err == nil && before[now.Zone] != s && before[now.Zone] != (State{}) && s.Served == before[now.Zone].Served && !s.Signed:
			return errors.New("a change has the number of what was before it")
		}
	}
	switch {
	case errors.Is(err, errCrash):
		w.start()
	case w.IntN(5) == 0: // a reload: the new one has the file before the old one leaves it
		next, _ := w.files.Open("/serials")
		_ = w.file.Close()
		w.file = next
		if next.Put(seen...) == nil {
			return errors.New("wrote before it started")
		}
		next.Start()
	}
	return w.look()
}

func TestServedNumberNeverGoesBack(t *testing.T) {
	for seed := range uint64(500) {
		w := newWorld(seed)
		for i := range 60 {
			if err := w.step(); err != nil {
				t.Fatalf("seed %d, step %d: %v\n%v", seed, i, err, w.steps)
			}
		}
	}
}

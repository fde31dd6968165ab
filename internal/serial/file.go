package serial

import (
	"errors"
	"iter"
	"path/filepath"
	"runtime"
	"sync"
)

// A Logger takes lines for the operator.
type Logger interface {
	Infof(format string, args ...any)
	Warningf(format string, args ...any)
	Errorf(format string, args ...any)
}

// Files are the open files of the process, by path. A file stays open while one
// configuration has it: at a reload the next one has opened it before the last
// one closes it, and its lock is never let go.
type Files struct {
	log Logger

	mu   sync.Mutex
	open map[string]*shared
}

// NewFiles returns a set of files, of which none is open.
func NewFiles(log Logger) *Files { return &Files{log: log, open: make(map[string]*shared)} }

// A File is one configuration's part in an open file. It is closed as well when
// it is forgotten, as happens at a reload that fails.
type File struct {
	part    *part
	cleanup runtime.Cleanup
}

// part must not know the File, which could then never be forgotten.
type part struct {
	*shared
	files  *Files
	closed bool

	// queue guards pending, the batch that its next commit writes.
	queue   sync.Mutex
	pending *batch
}

// ErrNotOwner is what Put fails with where another configuration writes, or none.
var ErrNotOwner = errors.New("another configuration has the file")

// Open opens the file at path, which is made if it is missing, and waits for its
// lock for at most 5 seconds. The error is one line that names the file. Nothing
// is written before Start.
func (f *Files) Open(path string) (*File, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.open[path]
	if s == nil {
		d, states, created, err := openDisk(path)
		if err != nil {
			return nil, err
		}
		if created {
			f.log.Warningf("serial: %s was missing and has been created: each zone begins with the number after its backend's", path)
		}
		s = share(path, d, states, f.log)
		f.open[path] = s
	}
	s.parts++
	p := &part{shared: s, files: f}
	h := &File{part: p}
	h.cleanup = runtime.AddCleanup(h, func(p *part) { _ = p.close() }, p)
	return h, nil
}

// Start makes h the one that writes. Whoever did before does no more.
func (h *File) Start() {
	f := h.part.files
	f.mu.Lock()
	defer f.mu.Unlock()
	if !h.part.closed {
		h.part.owner.Store(h.part)
	}
}

// Leave hands zones over to the next configuration that has the file.
func (h *File) Leave(zones []string) {
	f := h.part.files
	f.mu.Lock()
	defer f.mu.Unlock()
	h.part.left = append(h.part.left, zones...)
}

// Left returns the zones that were left, once.
func (h *File) Left() []string {
	f := h.part.files
	f.mu.Lock()
	defer f.mu.Unlock()
	left := h.part.left
	h.part.left = nil
	return left
}

// Close ends h, and returns when it writes no more.
func (h *File) Close() error {
	h.cleanup.Stop()
	return h.part.close()
}

func (p *part) close() error {
	f := p.files
	f.mu.Lock()
	defer f.mu.Unlock()
	if p.closed {
		return nil
	}
	p.closed = true
	p.owner.CompareAndSwap(p, nil)
	p.writing.Lock()
	defer p.writing.Unlock()
	if p.parts--; p.parts > 0 {
		return nil
	}
	delete(f.open, p.path)
	return p.disk.close()
}

// State returns what is known of a zone, and whether anything is. It takes no
// lock.
func (h *File) State(zone string) (State, bool) { return h.part.state(zone) }

// Zones yields the zones of which anything is known, in no order.
func (h *File) Zones() iter.Seq[string] {
	return func(yield func(string) bool) {
		h.part.states.Range(func(zone, _ any) bool { return yield(zone.(string)) })
	}
}

// Put says how zones are now, and returns when that is on disk and served.
// Puts at the same time share one commit. It fails if the file cannot be
// written, and then all is as before, or with ErrNotOwner.
func (h *File) Put(seen ...Seen) error { return h.part.put(seen) }

// Stats are figures of files.
type Stats struct {
	// Files is how many are open, Failing how many of them could not be written the
	// last time, and Zones the number of zones in them.
	Files, Failing, Zones int
	// Commits and Failures are how often they were written, and could not be, since
	// they were opened.
	Commits, Failures uint64
}

// Stats returns the figures of this moment, of all open files.
func (f *Files) Stats() (sum Stats) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.open {
		sum.Files++
		if s.failing.Load() {
			sum.Failing++
		}
		sum.Zones += int(s.zones.Load())
		sum.Commits += s.commits.Load()
		sum.Failures += s.failures.Load()
	}
	return sum
}

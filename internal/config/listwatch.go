package config

import (
	"errors"
	"io/fs"
	"iter"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coredns/caddy"
)

const (
	// pollInterval is how often a list is looked at.
	pollInterval = 2 * time.Second
	// settledPolls is for how many further looks a changed list has to stay as it
	// is before it is read, and unfinishedPolls one that ends like half a list.
	settledPolls    = 1
	unfinishedPolls = 3
)

// watcher keeps the lists of one CoreDNS instance up to date.
type watcher struct {
	lists []*List
	quit  chan struct{}
	// ended is closed when run returns.
	ended chan struct{}

	mu               sync.Mutex
	started, stopped bool
}

// List is the list of one stanza.
type List struct {
	*Stanza
	// names are the zones of the list in force, one a line: strings of their own
	// would take as much memory again.
	names string
	size  int

	// of gives the stanza of a zone of the Corefile, and changed is called when
	// another list is in force.
	of      func(apex string) *Stanza
	changed func()

	// seen is the file as last looked at, and unchanged the number of looks since
	// then that showed the same. done says that this version was dealt with.
	seen      stamp
	unchanged int
	done      bool
	// failure is what is wrong with the file, "" if the list in force is from it.
	failure string
}

// NewList returns a list of the stanza with the zones names, which are canonical.
func NewList(s *Stanza, names []string) *List {
	l := &List{Stanza: s}
	l.set(names)
	return l
}

// Len returns the number of zones of the list in force.
func (l *List) Len() int { return l.size }

// All yields the canonical names of the zones of the list in force. They share
// one text: whoever keeps one keeps it whole.
func (l *List) All() iter.Seq[string] {
	if l.size == 0 {
		return func(func(string) bool) {}
	}
	return strings.SplitSeq(l.names, "\n")
}

func (l *List) set(names []string) { l.names, l.size = strings.Join(names, "\n"), len(names) }

type watcherKey struct{}

// Lists reads the lists of the stanzas, and has them watched from when the
// instance is up. changed gets all of them, now and whenever one has changed; two
// calls never overlap.
//
// A goroutine that OnStartup starts would outlive a reload that fails after it,
// which nobody tells; the event comes after all that can fail.
func Lists(c *caddy.Controller, stanzas []*Stanza, changed func([]*List)) error {
	var lists []*List
	of := byZone(stanzas)
	for _, s := range stanzas {
		if s.ListFile == "" {
			continue
		}
		l := &List{Stanza: s, done: true, of: of}
		l.seen, _ = shown(s.ListFile)
		names, err := readList(s, of)
		if err != nil && !errors.Is(err, errUnfinished) {
			return err
		}
		l.set(names)
		lists = append(lists, l)
	}
	if len(lists) == 0 {
		return nil
	}
	for _, l := range lists {
		l.changed = func() { changed(lists) }
	}
	changed(lists)

	w, ok := c.Get(watcherKey{}).(*watcher)
	if !ok {
		w = &watcher{quit: make(chan struct{}), ended: make(chan struct{})}
		c.Set(watcherKey{}, w)
		c.OnShutdown(w.stop)
	}
	w.lists = append(w.lists, lists...)
	// On SIGUSR1 caddy forgets all hooks before it starts the new instance.
	if !slices.Contains(caddy.ListPlugins()["event_hooks"], pluginName) {
		caddy.RegisterEventHook(pluginName, startWatcher)
	}
	return nil
}

func startWatcher(event caddy.EventName, info any) error {
	if event != caddy.InstanceStartupEvent {
		return nil
	}
	instance := info.(*caddy.Instance)
	instance.StorageMu.RLock()
	w, ok := instance.Storage[watcherKey{}].(*watcher)
	instance.StorageMu.RUnlock()
	if ok {
		w.start()
	}
	return nil
}

// start watches the lists, unless the instance has been stopped already.
func (w *watcher) start() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped {
		return
	}
	w.started = true
	for _, l := range w.lists {
		listLoadsTotal.WithLabelValues("loaded").Inc()
		listZones.Add(float64(l.size))
	}
	go w.run()
}

// stop returns when no list is being read any more.
func (w *watcher) stop() error {
	w.mu.Lock()
	if !w.stopped {
		w.stopped = true
		close(w.quit)
	}
	started := w.started
	w.mu.Unlock()
	if started {
		<-w.ended
	}
	return nil
}

func (w *watcher) run() {
	defer close(w.ended)
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			for _, l := range w.lists {
				l.look()
			}
		case <-w.quit:
			for _, l := range w.lists {
				l.forget()
			}
			return
		}
	}
}

// forget takes the list out of the metrics.
func (l *List) forget() {
	listZones.Sub(float64(l.size))
	if l.failure != "" {
		listsFailing.Dec()
	}
}

// look reads the list again if it has changed and then stayed as it is.
func (l *List) look() {
	now, _ := shown(l.ListFile)
	if !now.equal(l.seen) {
		l.seen, l.unchanged, l.done = now, 0, false
		return
	}
	l.unchanged++
	if l.done || l.unchanged < settledPolls {
		return
	}
	names, err := readList(l.Stanza, l.of)
	if after, _ := shown(l.ListFile); !after.equal(now) {
		l.seen, l.unchanged = after, 0
		return
	}
	if errors.Is(err, errUnfinished) {
		if l.unchanged < unfinishedPolls {
			return
		}
		err = nil
	}
	if err != nil {
		l.fail(err)
		return
	}
	listLoadsTotal.WithLabelValues("loaded").Inc()
	listZones.Add(float64(len(names) - l.size))
	if l.failure != "" {
		listsFailing.Dec()
	}
	l.set(names)
	l.failure, l.done = "", true
	l.changed()
	// The old list and what it took to read the new one are garbage, and more than
	// the list itself.
	debug.FreeOSMemory()
	log.Infof("zones_from: %d zones loaded from %s", l.size, l.ListFile)
}

// fail keeps the list in force. A file that cannot be read is tried again, one
// with a mistake in it when it has changed.
func (l *List) fail(err error) {
	var unreadable *fs.PathError
	l.done = !errors.As(err, &unreadable)
	if l.failure == err.Error() {
		return
	}
	if l.failure == "" {
		listsFailing.Inc()
	}
	l.failure = err.Error()
	listLoadsTotal.WithLabelValues("failed").Inc()
	log.Errorf("zones_from: %s; the list in force stays", l.failure)
}

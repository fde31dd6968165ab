package config

import (
	"errors"
	"os"
	"runtime/debug"
	"slices"
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
	// counted is the number of zones that the metrics have.
	counted int

	mu               sync.Mutex
	started, stopped bool
}

type watcherKey struct{}

// Lists reads the lists of the stanzas, and has them watched from when the
// instance is up. changed gets all of them, now and whenever one has changed; two
// calls never overlap.
//
// A goroutine that OnStartup starts would outlive a reload that fails after it,
// which nobody tells; the event comes after all that can fail.
func Lists(c *caddy.Controller, stanzas []*Stanza, changed func([]*List)) error {
	lists, err := readAll(stanzas)
	if err != nil || len(lists) == 0 {
		return err
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

// readAll reads every list of the stanzas for the first time.
func readAll(stanzas []*Stanza) ([]*List, error) {
	var lists []*List
	of := byZone(stanzas)
	for _, s := range stanzas {
		if s.ListFile == "" {
			continue
		}
		l := &List{Stanza: s, stanzas: stanzas, of: of, done: true}
		l.seen = shown(s.ListFile)
		r, err := l.read(nil)
		if _, ok := errors.AsType[*fileError](err); ok {
			return nil, s.listAt.errorf("zones_from: %w", err)
		}
		if err != nil {
			return nil, err
		}
		l.zoneNames, l.warned = r.zoneNames, l.warnings(r)
		s.Warnings = append(s.Warnings, l.warned...)
		lists = append(lists, l)
	}
	return lists, nil
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
	listLoadsTotal.WithLabelValues("loaded").Add(float64(len(w.lists)))
	w.count()
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
			w.look()
		case <-w.quit:
			w.forget()
			return
		}
	}
}

func (w *watcher) look() {
	changed := false
	for _, l := range w.lists {
		changed = l.look(w.quit) || changed
	}
	if changed {
		w.count()
	}
}

// count brings the number of zones in force into the metrics, once for each.
func (w *watcher) count() {
	zones := distinct(w.lists)
	listZones.Add(float64(zones - w.counted))
	w.counted = zones
}

// forget takes the lists out of the metrics.
func (w *watcher) forget() {
	listZones.Sub(float64(w.counted))
	for _, l := range w.lists {
		if l.failure != "" {
			listsFailing.Dec()
		}
	}
}

// look reads the list again if it has changed and then stayed as it is, and
// reports whether another one is in force.
func (l *List) look(quit <-chan struct{}) bool {
	now := shown(l.ListFile)
	if !now.equal(l.seen) {
		l.seen, l.unchanged, l.done = now, 0, false
		return false
	}
	l.unchanged++
	if l.done || l.unchanged < settledPolls {
		return false
	}
	r, err := l.read(quit)
	if after := shown(l.ListFile); !after.equal(now) {
		l.seen, l.unchanged = after, 0
		return false
	}
	switch {
	case errors.Is(err, errStopped):
		return false
	case err != nil:
		l.fail(err)
		return false
	case r.unfinished && l.unchanged < unfinishedPolls:
		return false
	}
	l.take(r)
	return true
}

// take puts another list in force.
func (l *List) take(r *reading) {
	listLoadsTotal.WithLabelValues("loaded").Inc()
	if l.failure != "" {
		listsFailing.Dec()
	}
	l.failure, l.done = "", true
	warnings := l.warnings(r)
	l.zoneNames = r.zoneNames
	l.changed()
	// The old list and what it took to read the new one are garbage, and more than
	// the list itself.
	debug.FreeOSMemory()
	log.Infof("zones_from: %d zones loaded from %s", l.size, shownPath(l.ListFile))
	for _, warning := range warnings {
		if !slices.Contains(l.warned, warning) {
			log.Warning(warning)
		}
	}
	l.warned = warnings
}

// fail keeps the list in force. A file that cannot be read is tried again, one
// with a mistake in it when it has changed.
func (l *List) fail(err error) {
	l.done = !errors.Is(err, errUnreadable)
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

// shown returns what changes when a file is written or replaced.
func shown(path string) stamp {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{problem: err.Error()}
	}
	return stamp{info: info}
}

// stamp identifies a version of a file.
type stamp struct {
	info    os.FileInfo
	problem string
}

func (s stamp) equal(other stamp) bool {
	if s.info == nil || other.info == nil {
		return s.info == nil && other.info == nil && s.problem == other.problem
	}
	return os.SameFile(s.info, other.info) && s.info.Size() == other.info.Size() && s.info.ModTime().Equal(other.info.ModTime())
}

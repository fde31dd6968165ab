package config

import (
	"bytes"
	stdlog "log"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/coredns/caddy"
	"github.com/prometheus/client_golang/prometheus"
)

// watched is a list that is looked at when the test says so.
type watched struct {
	*List
	t       *testing.T
	watcher *watcher
	// swaps counts how often another list was put in force.
	swaps int
	log   bytes.Buffer
}

func watch(t *testing.T, path string, properties ...string) *watched {
	t.Helper()
	w := &watched{t: t}
	c := caddy.NewTestController("dns", "")
	err := Lists(c, withList(t, path, properties...), func(lists []*List) {
		w.List = lists[0]
		w.swaps++
	})
	if err != nil {
		t.Fatal(err)
	}
	w.swaps = 0
	w.watcher = c.Get(watcherKey{}).(*watcher)
	output, flags := stdlog.Writer(), stdlog.Flags()
	stdlog.SetOutput(&w.log)
	stdlog.SetFlags(0)
	t.Cleanup(func() {
		stdlog.SetOutput(output)
		stdlog.SetFlags(flags)
	})
	return w
}

// look looks at the list so many times.
func (w *watched) look(times int) {
	for range times {
		w.watcher.look()
	}
}

func (w *watched) want(names ...string) {
	w.t.Helper()
	wantLines(w.t, slices.Collect(w.All()), names...)
}

// logged returns what was logged since it was last asked.
func (w *watched) logged() []string {
	defer w.log.Reset()
	if w.log.Len() == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(w.log.String(), "\n"), "\n")
}

func newList(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "zones")
	write(t, path, content)
	return path
}

const oneFake = "highest a 9.9.9.9"

func TestAListIsReadAgain(t *testing.T) {
	t.Run("when it has changed in place and stayed so for a look", func(t *testing.T) {
		path := newList(t, "example.org\n")
		w := watch(t, path, oneFake)
		write(t, path, "example.net\nother.org\n")
		w.look(1)
		w.want("example.org.")
		w.look(1)
		w.want("example.net.", "other.org.")
		w.look(5)
		if w.swaps != 1 {
			t.Errorf("got %d swaps, want one", w.swaps)
		}
	})
	t.Run("when another file was renamed over it", func(t *testing.T) {
		path := newList(t, "example.org\n")
		w := watch(t, path, oneFake)
		write(t, path+".new", "example.net\n")
		rename(t, path+".new", path)
		w.look(2)
		w.want("example.net.")
	})
	t.Run("when the symbolic link to it was turned", func(t *testing.T) {
		path := newList(t, "example.org\n")
		write(t, path+".2", "example.net\n")
		link := path + ".link"
		symlink(t, path, link)
		w := watch(t, link, oneFake)
		symlink(t, path+".2", link+".new")
		rename(t, link+".new", link)
		w.look(2)
		w.want("example.net.")
	})
	t.Run("when it is there again", func(t *testing.T) {
		path := newList(t, "example.org\n")
		w := watch(t, path, oneFake)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		w.look(5)
		w.want("example.org.")
		write(t, path, "example.net\n")
		w.look(2)
		w.want("example.net.")
	})
	t.Run("but not while it is being written", func(t *testing.T) {
		path := newList(t, "example.org\n")
		w := watch(t, path, oneFake)
		for _, content := range []string{"example.net\n", "example.net\nother.org\n", "example.net\nother.org\na.org\n"} {
			write(t, path, content)
			w.look(1)
			w.want("example.org.")
		}
		w.look(1)
		w.want("example.net.", "other.org.", "a.org.")
	})
	for _, content := range []string{"example.net", ""} {
		t.Run("a little later when it ends like half a list: "+quoted(content), func(t *testing.T) {
			path := newList(t, "example.org\n")
			w := watch(t, path, oneFake)
			write(t, path, content)
			w.look(unfinishedPolls)
			w.want("example.org.")
			w.look(1)
			if got := slices.Contains(slices.Collect(w.All()), "example.org."); got {
				t.Error("got the old list, want the new one")
			}
		})
	}
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func symlink(t *testing.T, target, path string) {
	t.Helper()
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
}

// A list with a mistake leaves the one in force, and is logged and counted once.
func TestAFailingList(t *testing.T) {
	path := newList(t, "example.org\n")
	w := watch(t, path, oneFake)
	count := func() [3]float64 {
		return [3]float64{value(t, "zones_from_loads_total", "failed"), value(t, "zones_from_loads_total", "loaded"), value(t, "zones_from_failing", "")}
	}
	before := count()
	wantCounts := func(t *testing.T, moreFailed, moreLoaded, failing float64) {
		t.Helper()
		if got, want := count(), [3]float64{before[0] + moreFailed, before[1] + moreLoaded, before[2] + failing}; got != want {
			t.Errorf("got %v loads that failed, that did not, and lists failing, want %v", got, want)
		}
	}

	write(t, path, "example.net\n*.example.com\n")
	w.look(10)
	w.want("example.org.")
	wantLines(t, w.logged(), "[ERROR] plugin/fakemx: zones_from: "+path+`:2 - bad zone "*.example.com": `+
		"expected a domain name without a wildcard, what is below it belongs to it; the list in force stays")
	wantCounts(t, 1, 0, 1)

	t.Run("another mistake is another line", func(t *testing.T) {
		write(t, path, "example.net\nhttp://example.com/\n")
		w.look(10)
		wantLines(t, w.logged(), "[ERROR] plugin/fakemx: zones_from: "+path+`:2 - bad zone "http://example.com/": expected a domain name, not a URL; the list in force stays`)
		wantCounts(t, 2, 0, 1)
	})
	t.Run("so is a file that is gone", func(t *testing.T) {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		w.look(10)
		wantLines(t, w.logged(), "[ERROR] plugin/fakemx: zones_from: "+path+": no such file or directory: expected a file that can be read; the list in force stays")
		wantCounts(t, 3, 0, 1)
	})
	t.Run("or a FIFO in its place", func(t *testing.T) {
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
		w.look(10)
		w.want("example.org.")
		wantLines(t, w.logged(), "[ERROR] plugin/fakemx: zones_from: "+path+": a FIFO: expected a regular file; the list in force stays")
		wantCounts(t, 4, 0, 1)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("a good list ends it", func(t *testing.T) {
		write(t, path, "example.net\nexample.net\na.org\n")
		w.look(2)
		w.want("example.net.", "a.org.")
		lines := w.logged()
		if len(lines) == 0 || lines[0] != "[INFO] plugin/fakemx: zones_from: 2 zones loaded from "+path {
			t.Errorf("got the lines %q, want one that two zones are loaded", lines)
		}
		wantCounts(t, 4, 1, 0)
	})
}

// What is warned about at start is warned about when a new list brings it, once.
func TestAChangedListIsWarnedAbout(t *testing.T) {
	path := newList(t, "a.org\nexample.net\n")
	w := watch(t, path, "highest a.b.org 9.9.9.9")
	outside := "[WARNING] plugin/fakemx: Corefile:3 - zones_from: 1 zones in " + path + ` are outside the zones of the server block, the first is "example.com.": no query for them comes here`

	write(t, path, "b.org\nexample.com\n")
	w.look(2)
	wantLines(t, w.logged(),
		"[INFO] plugin/fakemx: zones_from: 2 zones loaded from "+path,
		`[WARNING] plugin/fakemx: Corefile:4 - sink "a.b.org" ends in the listed zone "b.org." and is relative all the same: for one host write it with a final dot`,
		outside)
	write(t, path, "b.org\nexample.com\nc.org\n")
	w.look(2)
	wantLines(t, w.logged(), "[INFO] plugin/fakemx: zones_from: 3 zones loaded from "+path)
	write(t, path, "# all gone\n")
	w.look(5)
	wantLines(t, w.logged(),
		"[INFO] plugin/fakemx: zones_from: 0 zones loaded from "+path,
		"[WARNING] plugin/fakemx: Corefile:3 - zones_from: no zone in "+path)
}

// The number of zones in the metrics is that of the lists in force, without
// repetition, and nothing once the instance has stopped.
func TestZonesOfListsAreCounted(t *testing.T) {
	before := value(t, "zones_from_zones", "")
	path := newList(t, "a.org\nA.org\nb.org\n")
	w := watch(t, path, oneFake)
	wantZones := func(want float64) {
		t.Helper()
		if got := value(t, "zones_from_zones", "") - before; got != want {
			t.Errorf("got %v zones, want %v", got, want)
		}
	}
	w.watcher.count()
	wantZones(2)
	write(t, path, "a.org\nb.org\nc.org\nc.org\n")
	w.look(2)
	wantZones(3)
	w.watcher.forget()
	wantZones(0)
}

func TestStoppingEndsTheWatch(t *testing.T) {
	w := watch(t, newList(t, "a.org\n"), oneFake)
	w.watcher.start()
	if err := w.watcher.stop(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-w.watcher.ended:
	default:
		t.Error("it is still watched")
	}
	t.Run("and one that never started is not waited for", func(t *testing.T) {
		w := watch(t, newList(t, "a.org\n"), oneFake)
		if err := w.watcher.stop(); err != nil {
			t.Fatal(err)
		}
		w.watcher.start()
		if w.watcher.started {
			t.Error("it was started after it was stopped")
		}
	})
}

// value returns that of a counter with the result, or of a gauge without.
func value(t *testing.T, name, result string) float64 {
	t.Helper()
	families, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != "coredns_fakemx_"+name {
			continue
		}
		for _, m := range family.GetMetric() {
			if result == "" || m.GetLabel()[0].GetValue() == result {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return 0
}

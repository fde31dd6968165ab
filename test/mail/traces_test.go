package main

import (
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// A watcher notes which processes and namespaces a run of the laboratory makes,
// and looks for them afterwards.
type watcher struct {
	cmd    *exec.Cmd
	work   string
	before map[string][]string // what the machine had

	mu         sync.Mutex
	processes  map[string]bool // pid and start time
	namespaces map[string]bool // as the links in /proc name them
	latest     map[string]bool // of those, the ones seen last: numbers come again
}

func watch(t *testing.T, cmd *exec.Cmd, work string) *watcher {
	t.Helper()
	return &watcher{
		cmd: cmd, work: work, before: machine(t),
		processes: map[string]bool{}, namespaces: map[string]bool{},
	}
}

// machine lists what the laboratory could leave on the machine.
func machine(t *testing.T) map[string][]string {
	t.Helper()
	have := map[string][]string{}
	for _, dir := range []string{place, "/run/netns", "/var/run/netns"} {
		entries, err := os.ReadDir(dir)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		for _, e := range entries {
			have[dir] = append(have[dir], e.Name())
		}
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		if strings.Contains(line, place) || strings.Contains(line, " nsfs ") {
			have["mounts"] = append(have["mounts"], line)
		}
	}
	links, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		if link.Name == "br0" || strings.HasPrefix(link.Name, "port") {
			have["links"] = append(have["links"], link.Name)
		}
	}
	return have
}

// follow notes descendants and their namespaces until it is told to stop.
func (w *watcher) follow() (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			w.note()
			select {
			case <-quit:
				w.note()
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	}()
	return func() { close(quit); <-done }
}

func (w *watcher) note() {
	w.mu.Lock()
	defer w.mu.Unlock()
	own := namespacesOf("/proc/self/task/*")
	found := map[string]bool{}
	all := stats()
	children := map[string][]string{}
	for pid, fields := range all {
		children[fields[parent]] = append(children[fields[parent]], pid)
	}
	for todo := []string{fmt.Sprint(w.cmd.Process.Pid)}; len(todo) > 0; todo = todo[1:] {
		pid := todo[0]
		todo = append(todo, children[pid]...)
		if fields, ok := all[pid]; ok {
			w.processes[pid+" "+fields[startTime]] = true
		}
		for ns := range namespacesOf("/proc/" + pid + "/task/*") {
			if !own[ns] {
				found[ns] = true
				w.namespaces[ns] = true
			}
		}
	}
	if len(found) > 0 {
		w.latest = found
	}
}

// The places of what is needed among the fields of /proc/PID/stat that follow
// the command's name.
const parent, startTime = 1, 19

// stats returns those fields by process.
func stats() map[string][]string {
	found := map[string][]string{}
	paths, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // gone meanwhile
		}
		rest := string(text)[strings.LastIndexByte(string(text), ')')+1:]
		found[filepath.Base(filepath.Dir(path))] = strings.Fields(rest)
	}
	return found
}

// namespacesOf returns the namespaces of the tasks that match a pattern.
func namespacesOf(tasks string) map[string]bool {
	found := map[string]bool{}
	paths, _ := filepath.Glob(tasks + "/ns/*")
	for _, path := range paths {
		if link, err := os.Readlink(path); err == nil {
			found[link] = true
		}
	}
	return found
}

// nothingLeft fails unless, within some seconds, every process is gone, nobody
// stands in one of the namespaces, and the machine has what it had.
func (w *watcher) nothingLeft(t *testing.T) {
	t.Helper()
	if len(w.processes) < 2 || len(w.namespaces) < 3 {
		t.Fatalf("saw %d processes and %d namespaces: the laboratory was not watched", len(w.processes), len(w.namespaces))
	}
	ended := uptime(t)
	var left []string
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		if left = w.left(ended); len(left) == 0 || time.Now().After(deadline) {
			break
		}
	}
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	after := machine(t)
	for _, kind := range slices.Sorted(maps.Keys(after)) {
		for _, thing := range after[kind] {
			if !slices.Contains(w.before[kind], thing) {
				t.Errorf("left behind in %s: %s", kind, thing)
			}
		}
	}
	files, err := os.ReadDir(w.work)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		t.Errorf("left behind as a file: %s", f.Name())
	}
	t.Logf("watched %d processes and %d namespaces", len(w.processes), len(w.namespaces))
}

// left lists what is still there of the run. Who was started after its end is
// somebody else, in whatever namespace: the kernel uses their numbers again.
func (w *watcher) left(ended uint64) []string {
	var left []string
	for pid, fields := range stats() {
		if w.processes[pid+" "+fields[startTime]] {
			left = append(left, "process "+pid)
		}
		if started, err := strconv.ParseUint(fields[startTime], 10, 64); err != nil || started > ended {
			continue
		}
		for ns := range namespacesOf("/proc/" + pid + "/task/*") {
			if w.latest[ns] {
				left = append(left, "process "+pid+" in namespace "+ns)
			}
		}
	}
	return left
}

// uptime is the time since the start of the machine in the unit of a process's
// start time, hundredths of a second.
func uptime(t *testing.T) uint64 {
	t.Helper()
	text, err := os.ReadFile("/proc/uptime")
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), " ")
	seconds, err := strconv.ParseFloat(first, 64)
	if err != nil {
		t.Fatal(err)
	}
	return uint64(seconds * 100)
}

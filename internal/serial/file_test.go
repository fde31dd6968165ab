package serial

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

// lines keeps what is logged.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) Infof(format string, args ...any)    { l.add(format, args) }
func (l *lines) Warningf(format string, args ...any) { l.add(format, args) }
func (l *lines) Errorf(format string, args ...any)   { l.add(format, args) }

func (l *lines) add(format string, args []any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, fmt.Sprintf(format, args...))
}

const zone = "example.org."

func opened(t testing.TB, files *Files, path string) *File {
	t.Helper()
	f, err := files.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	f.Start()
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func served(t *testing.T, f *File, want uint32) {
	t.Helper()
	if s, ok := f.State(zone); !ok || s.Served != want {
		t.Errorf("serves %d, known: %t, want %d", s.Served, ok, want)
	}
}

func put(t *testing.T, f *File, seen ...Seen) {
	t.Helper()
	if err := f.Put(seen...); err != nil {
		t.Fatal(err)
	}
}

func TestFile(t *testing.T) {
	t.Run("a missing file is made, that is logged, and it is read again", func(t *testing.T) {
		path, log := filepath.Join(t.TempDir(), "serials"), new(lines)
		f := opened(t, NewFiles(log), path)
		put(t, f, Seen{Zone: zone, Backend: 10, Injects: true})
		put(t, f, Seen{Zone: zone, Backend: 10, Digest: Digest{1}, Injects: true})
		served(t, f, 12)
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		again := opened(t, NewFiles(log), path)
		served(t, again, 12)
		if len(log.all) != 1 || !strings.Contains(log.all[0], path+" was missing and has been created") {
			t.Errorf("logged %q", log.all)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v, %v", info.Mode(), err)
		}
	})
	t.Run("at a reload it stays open, and the last who started writes", func(t *testing.T) {
		path, files := filepath.Join(t.TempDir(), "serials"), NewFiles(quiet{})
		first := opened(t, files, path)
		put(t, first, Seen{Zone: zone, Backend: 10, Injects: true})
		next, err := files.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer next.Close()
		if err := next.Put(Seen{Zone: zone, Backend: 20}); err != ErrNotOwner {
			t.Errorf("wrote before it started: %v", err)
		}
		_ = first.Close()
		served(t, next, 11)
		next.Start()
		put(t, next, Seen{Zone: zone, Backend: 20, Injects: true})
		served(t, next, 20)
		served(t, first, 20)
		if err := first.Put(Seen{Zone: zone, Backend: 30}); err != ErrNotOwner {
			t.Errorf("wrote after it was closed: %v", err)
		}
	})
	t.Run("the next configuration has the zones that are known, and once those that the last one left", func(t *testing.T) {
		path, files := filepath.Join(t.TempDir(), "serials"), NewFiles(quiet{})
		first := opened(t, files, path)
		put(t, first, Seen{Zone: zone, Backend: 10}, Seen{Zone: "example.net.", Backend: 10})
		next := opened(t, files, path)
		first.Leave([]string{zone})
		first.Leave([]string{"example.net."})
		_ = first.Close()
		if known := slices.Sorted(next.Zones()); !slices.Equal(known, []string{"example.net.", zone}) {
			t.Errorf("knows %q", known)
		}
		if left := next.Left(); !slices.Equal(left, []string{zone, "example.net."}) {
			t.Errorf("%q are left", left)
		}
		if left := next.Left(); len(left) > 0 {
			t.Errorf("%q are left twice", left)
		}
	})
	t.Run("the part of a reload that failed is let go", func(t *testing.T) {
		path, files := filepath.Join(t.TempDir(), "serials"), NewFiles(quiet{})
		if _, err := files.Open(path); err != nil {
			t.Fatal(err)
		}
		for range 100 {
			runtime.GC()
			files.mu.Lock()
			open := len(files.open)
			files.mu.Unlock()
			if open == 0 {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Error("the file is still open")
	})
	t.Run("zones that are put at the same time share commits", func(t *testing.T) {
		f := opened(t, NewFiles(quiet{}), filepath.Join(t.TempDir(), "serials"))
		f.part.writing.Lock()
		var puts sync.WaitGroup
		for i := range 500 {
			puts.Go(func() {
				if err := f.Put(Seen{Zone: fmt.Sprintf("zone%d.example.", i), Backend: 1}); err != nil {
					t.Error(err)
				}
			})
		}
		for joined := 0; joined < 500; runtime.Gosched() {
			f.part.queue.Lock()
			if joined = 0; f.part.pending != nil {
				joined = len(f.part.pending.seen)
			}
			f.part.queue.Unlock()
		}
		f.part.writing.Unlock()
		puts.Wait()
		if s := f.part.files.Stats(); s.Commits != 1 || s.Zones != 500 {
			t.Errorf("%+v", s)
		}
	})
	t.Run("what changes nothing is not written", func(t *testing.T) {
		f := opened(t, NewFiles(quiet{}), filepath.Join(t.TempDir(), "serials"))
		for range 10 {
			put(t, f, Seen{Zone: zone, Backend: 1})
		}
		if s := f.part.files.Stats(); s.Commits != 1 {
			t.Errorf("%+v", s)
		}
	})
	t.Run("a file that is gone is logged once, counted, and the last number stays", func(t *testing.T) {
		path, log := filepath.Join(t.TempDir(), "serials"), new(lines)
		f := opened(t, NewFiles(log), path)
		put(t, f, Seen{Zone: zone, Backend: 10, Injects: true})
		if err := os.Rename(path, path+".old"); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if f.Put(Seen{Zone: zone, Backend: 20}) == nil {
				t.Error("wrote a file that is gone")
			}
		}
		served(t, f, 11)
		if s := f.part.files.Stats(); s.Failures != 3 || s.Failing != 1 || len(log.all) != 2 {
			t.Errorf("%+v, logged %q", s, log.all)
		}
		if err := os.Rename(path+".old", path); err != nil {
			t.Fatal(err)
		}
		put(t, f, Seen{Zone: zone, Backend: 20})
		served(t, f, 20)
		if s := f.part.files.Stats(); s.Failing != 0 || len(log.all) != 3 {
			t.Errorf("%+v, logged %q", s, log.all)
		}
	})
	t.Run("a zone that becomes signed and goes back is logged", func(t *testing.T) {
		log := new(lines)
		f := opened(t, NewFiles(log), filepath.Join(t.TempDir(), "serials"))
		put(t, f, Seen{Zone: zone, Backend: 10, Injects: true})
		put(t, f, Seen{Zone: zone, Backend: 10, Signed: true})
		if len(log.all) != 2 || !strings.Contains(log.all[1], "goes back from 11 to 10") {
			t.Errorf("logged %q", log.all)
		}
	})
}

func TestUnusableFile(t *testing.T) {
	good := filepath.Join(t.TempDir(), "serials")
	f := opened(t, NewFiles(quiet{}), good)
	seen := make([]Seen, 0, 3000)
	for i := range 3000 {
		seen = append(seen, Seen{Zone: fmt.Sprintf("zone%d.example.", i), Backend: uint32(i)})
	}
	put(t, f, seen...)
	_ = f.Close()
	content, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	// unusable expects one clear line, or that the file can be used.
	unusable := func(t *testing.T, path, want string) {
		t.Helper()
		f, err := NewFiles(quiet{}).Open(path)
		if err == nil {
			_ = f.Close()
			t.Fatal("no error")
		}
		if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q, want a line with %q and the path", err, want)
		}
	}
	with := func(t *testing.T, content []byte) string {
		t.Helper()
		path := filepath.Join(t.TempDir(), "serials")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	t.Run("text", func(t *testing.T) {
		unusable(t, with(t, []byte(strings.Repeat("this is a zone file\n", 1000))), "not a file of serials")
	})
	t.Run("cut short", func(t *testing.T) {
		for size := 10; size < len(content); size += 5000 {
			path := with(t, content[:size])
			f, err := NewFiles(quiet{}).Open(path)
			if err != nil {
				if !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "\n") {
					t.Errorf("%d octets: %q", size, err)
				}
				continue
			}
			// What is missing was of no use.
			if s := f.part.files.Stats(); s.Zones != len(seen) {
				t.Errorf("%d octets have %d zones of %d", size, s.Zones, len(seen))
			}
			_ = f.Close()
		}
	})
	t.Run("a state of another size", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "serials")
		db, err := bbolt.Open(path, 0o600, nil)
		if err != nil {
			t.Fatal(err)
		}
		err = db.Update(func(tx *bbolt.Tx) error {
			b, err := tx.CreateBucket(bucket)
			if err != nil {
				return err
			}
			return b.Put([]byte(zone), []byte("short"))
		})
		if err != nil {
			t.Fatal(err)
		}
		_ = db.Close()
		unusable(t, path, "state of 5 octets, expected 25")
	})
	t.Run("overwritten anywhere, it panics nowhere", func(t *testing.T) {
		for seed := range uint64(60) {
			random := rand.New(rand.NewPCG(seed, 1))
			broken := append([]byte(nil), content...)
			for range 1 + random.IntN(400) {
				broken[random.IntN(len(broken))] = byte(random.Uint32())
			}
			path := with(t, broken)
			if f, err := NewFiles(quiet{}).Open(path); err == nil {
				f.Start()
				_ = f.Put(seen...)
				_ = f.Close()
			} else if !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "\n") {
				t.Errorf("seed %d: %q", seed, err)
			}
		}
	})
	t.Run("a directory", func(t *testing.T) { unusable(t, t.TempDir(), "is not a regular file") })
	t.Run("a named pipe, which is not waited for", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "serials")
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
		unusable(t, path, "is not a regular file")
	})
	t.Run("no directory", func(t *testing.T) {
		unusable(t, filepath.Join(t.TempDir(), "missing", "serials"), "no such file or directory")
	})
	t.Run("locked by another owner", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "serials")
		opened(t, NewFiles(quiet{}), path)
		start := time.Now()
		unusable(t, path, "is locked")
		if took := time.Since(start); took < lockTimeout-time.Second || took > 2*lockTimeout {
			t.Errorf("gave up after %s", took)
		}
	})
}

// TestKilled kills a process at any time while it writes: what it said that it
// serves is never lost.
func TestKilled(t *testing.T) {
	const at = "FAKEMX_SERIAL_WRITER"
	zones := []string{"a.example.", "b.example.", "c.example."}
	if path := os.Getenv(at); path != "" {
		f := opened(t, NewFiles(quiet{}), path)
		last, _ := f.State(zones[0])
		for digest := last.Digest[0] + 1; ; digest++ {
			for i, zone := range zones {
				put(t, f, Seen{Zone: zone, Backend: 7, Digest: Digest{digest}, Injects: true})
				s, _ := f.State(zone)
				fmt.Println("serves", i, s.Served)
			}
		}
	}
	path := filepath.Join(t.TempDir(), "serials")
	last := make([]uint32, len(zones))
	for range 10 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilled$")
		cmd.Env = append(os.Environ(), at+"="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		said, kill := 0, 1+rand.IntN(200)
		for lines := bufio.NewScanner(out); lines.Scan(); said++ {
			if said == kill {
				_ = cmd.Process.Kill()
			}
			var i int
			var served uint32
			if _, err := fmt.Sscanf(lines.Text(), "serves %d %d", &i, &served); err == nil {
				if !After(served, last[i]) {
					t.Fatalf("%s goes from %d to %d", zones[i], last[i], served)
				}
				last[i] = served
			}
		}
		_, _ = io.Copy(io.Discard, out)
		if cmd.Wait() == nil || said < kill {
			t.Fatal("the writer ended by itself")
		}
		f := opened(t, NewFiles(quiet{}), path)
		for i, zone := range zones {
			if s, _ := f.State(zone); s.Served != last[i] && !After(s.Served, last[i]) {
				t.Errorf("%s was served with %d, the file has %d", zone, last[i], s.Served)
			}
		}
		_ = f.Close()
	}
}

// BenchmarkZones is the cost of a hundred thousand zones in one file.
func BenchmarkZones(b *testing.B) {
	const zones = 100_000
	all := func(digest byte) []Seen {
		seen := make([]Seen, zones)
		for i := range seen {
			seen[i] = Seen{Zone: "customer" + strconv.Itoa(i) + ".example.", Backend: 2026112401, Digest: Digest{digest}, Injects: true}
		}
		return seen
	}
	path := filepath.Join(b.TempDir(), "serials")
	f := opened(b, NewFiles(quiet{}), path)
	digest := byte(0)
	b.Run("all change", func(b *testing.B) {
		for b.Loop() {
			digest++
			if err := f.Put(all(digest)...); err != nil {
				b.Fatal(err)
			}
		}
		if info, err := os.Stat(path); err == nil {
			b.ReportMetric(float64(info.Size())/zones, "B/zone")
		}
	})
	b.Run("none changes", func(b *testing.B) {
		for b.Loop() {
			if err := f.Put(all(digest)...); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("one changes", func(b *testing.B) {
		one := all(digest)[:1]
		for b.Loop() {
			one[0].Backend++
			if err := f.Put(one...); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("a query", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, ok := f.State("customer4711.example."); !ok {
				b.Fatal("unknown")
			}
		}
	})
	b.Run("read at the start", func(b *testing.B) {
		_ = f.Close()
		for b.Loop() {
			f, err := NewFiles(quiet{}).Open(path)
			if err != nil {
				b.Fatal(err)
			}
			_ = f.Close()
		}
	})
}

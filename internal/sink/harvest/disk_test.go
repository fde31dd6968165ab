package harvest

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// smallDisk is where a test that was started anew may mount a disk of its own.
const smallDisk = "FAKEMX_TEST_SMALL_DISK"

// onASmallDisk runs the test once more, in a process and a mount namespace of its
// own, with all its temporary files on a disk of a few megabytes. In that process
// it returns the disk.
func onASmallDisk(t *testing.T) (disk string, there bool) {
	t.Helper()
	if disk := os.Getenv(smallDisk); disk != "" {
		if err := errors.Join(
			syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""),
			syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=12m"),
		); err != nil {
			t.Fatal(err)
		}
		return disk, true
	}
	disk = t.TempDir()
	runtime.LockOSThread() // Pdeathsig
	defer runtime.UnlockOSThread()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), smallDisk+"="+disk, "TMPDIR="+disk)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Cloneflags: syscall.CLONE_NEWNS}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, os.ErrPermission) && os.Getenv("CI") != "true" {
		t.Skipf("mounts a disk of its own, as root: %v", err)
	}
	if err != nil {
		t.Errorf("%v: %s", err, out)
	}
	return "", false
}

// TestAFullDiskStopsListing: nothing is listed while the disk is full, visits and
// sightings are taken all the same and wait, and after an hour the lists are empty
// if they can be written at all.
func TestAFullDiskStopsListing(t *testing.T) {
	disk, there := onASmallDisk(t)
	if !there {
		return
	}
	lists := new(failing)
	w := newWorld(t, func(_ *world, c *Config) { lists.Lists, c.Lists = c.Lists, lists })
	w.bots(3)
	w.judge()
	if got := w.listed(); len(got) != 3 {
		t.Fatalf("listed are %v", got)
	}
	const n = 200
	for i := range n {
		w.in(time.Duration(i)*time.Second, func() { w.visit(bot(10+i), "bot.example", spam(10+i)) })
	}
	w.pass(23 * time.Hour)
	ballast := filepath.Join(disk, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 32<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
	// So much that the file must grow.
	for i := range 20_000 {
		w.store.Visit(bot(10_000+i), w.now)
	}
	w.visit(bot(5), "bot.example", spam(5))
	w.round()
	if s := w.engine.Status(); s.Stopped != "store" || s.Listed != 3 {
		t.Errorf("the status is %+v", s)
	}
	if len(w.said) == 0 || !strings.Contains(w.said[len(w.said)-1], "nothing is listed for now: the store can't be written") {
		t.Errorf("said was %q", w.said)
	}
	if got := w.listed(); len(got) != 3 {
		t.Errorf("listed are %v", got)
	}
	for range 3 {
		w.now = w.now.Add(30 * time.Minute)
		w.round()
	}
	if n := lists.entries; n != 0 {
		t.Errorf("after an hour and a half %d entries are given to the lists", n)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	w.round()
	if s := w.engine.Status(); s.Stopped == "store" {
		t.Errorf("there is room, and the status is %+v", s)
	}
	if shown, err := w.engine.Show(t.Context(), bot(5)); err != nil || len(shown.Visits) != 1 {
		t.Errorf("the visit while the disk was full is lost: %+v, %v", shown, err)
	}
}

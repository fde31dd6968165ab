package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The test binary plays the laboratory's parts as the program itself does, and
// two more: the whole program, and the program run by somebody else.
const (
	roleProgram = "fakemx-mail"
	roleNobody  = "fakemx-mail-nobody"
)

func TestMain(m *testing.M) {
	switch os.Args[0] {
	case roleNobody:
		const nobody = 65534
		if err := syscall.Setuid(nobody); err != nil {
			os.Exit(3)
		}
		os.Exit(play(os.Args))
	case roleProgram, roleContained, roleInit:
		os.Exit(play(os.Args))
	}
	os.Exit(m.Run())
}

// needsRoot skips, except where a skipped test would pass for a good one.
func needsRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() == 0 {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatal(errNotRoot)
	}
	t.Skip(errNotRoot)
}

// built is the project's CoreDNS, built once for all tests.
var built = sync.OnceValues(func() (string, error) {
	here, err := os.Getwd()
	if err != nil {
		return "", err
	}
	dir, err := moduleRoot(here)
	if err != nil {
		return "", err
	}
	// Beside the test binary, which go test removes with everything else.
	binary := filepath.Join(filepath.Dir(os.Args[0]), "coredns")
	return binary, buildCoreDNS(context.Background(), dir, binary)
})

// program prepares a run of the laboratory whose working directory and TMPDIR
// are empty.
func program(t *testing.T, args ...string) (cmd *exec.Cmd, work string) {
	t.Helper()
	binary, err := built()
	if err != nil {
		t.Fatal(err)
	}
	work = t.TempDir()
	return &exec.Cmd{
		Path: "/proc/self/exe",
		Args: append([]string{roleProgram, "-coredns", binary}, args...),
		Dir:  work,
		Env:  append(os.Environ(), "TMPDIR="+work),
	}, work
}

func TestOnlyRootMayRunTheLaboratory(t *testing.T) {
	needsRoot(t) // to become somebody else
	cmd := &exec.Cmd{Path: "/proc/self/exe", Args: []string{roleNobody, "-short"}}
	out, err := cmd.CombinedOutput()
	if err == nil || strings.TrimSpace(string(out)) != errNotRoot {
		t.Errorf("got %v and %q, want a failure and one line: %s", err, out, errNotRoot)
	}
}

func TestNoMailIsLost(t *testing.T) {
	if testing.Short() {
		t.Skip("installs mail servers: some minutes")
	}
	needsRoot(t)
	cmd, work := program(t, "-short")
	w := watch(t, cmd, work)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop := w.follow()
	err := cmd.Wait()
	stop()
	t.Logf("%s", out.String())
	if err != nil {
		t.Errorf("the short form fails: %v", err)
	}
	w.nothingLeft(t)
}

func TestNothingIsLeftBehind(t *testing.T) {
	if testing.Short() {
		t.Skip("installs mail servers: some minutes")
	}
	needsRoot(t)
	for _, moment := range []struct{ what, line string }{
		{"while packages are installed", "installed "},
		{"while mail flows", " are up after "},
	} {
		for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGKILL} {
			t.Run(sig.String()+" "+moment.what, func(t *testing.T) {
				cmd, work := program(t, "-senders", "dma,Postfix")
				w := watch(t, cmd, work)
				progress := &waitingFor{line: moment.line, seen: make(chan struct{})}
				// A pipe of our own: with exec's, Wait would wait for whoever is
				// left behind, and end it by closing.
				read, written, err := os.Pipe()
				if err != nil {
					t.Fatal(err)
				}
				defer read.Close()
				go func() { _, _ = io.Copy(progress, read) }()
				cmd.Stderr = written
				err = cmd.Start()
				written.Close()
				if err != nil {
					t.Fatal(err)
				}
				stop := w.follow()
				select {
				case <-progress.seen:
				case <-time.After(5 * time.Minute):
					t.Error("the moment did not come")
				}
				time.Sleep(300 * time.Millisecond) // into the midst of what follows
				stop()
				if err := cmd.Process.Signal(sig); err != nil {
					t.Fatal(err)
				}
				if err := cmd.Wait(); err == nil {
					t.Error("the interrupted laboratory succeeds, want a failure")
				}
				w.nothingLeft(t)
			})
		}
	}
}

// waitingFor tells when a line with a certain text was written.
type waitingFor struct {
	line string
	seen chan struct{}
	once sync.Once
	text bytes.Buffer
}

func (w *waitingFor) Write(p []byte) (int, error) {
	w.text.Write(p)
	if strings.Contains(w.text.String(), w.line) {
		w.once.Do(func() { close(w.seen) })
	}
	return len(p), nil
}

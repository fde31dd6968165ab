package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/fakemx/fakemx/test/proc"
)

// process is a running sink server.
type process struct {
	cmd     *exec.Cmd
	dir     string
	address string
	done    chan error
}

// start builds the command and runs a server whose limits are out of the way.
func start(flags ...string) (*process, error) {
	dir, err := os.MkdirTemp("", "fakemx-sink-load-")
	if err != nil {
		return nil, err
	}
	p := &process{dir: dir, done: make(chan error, 1)}
	if err := p.run(flags); err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	return p, nil
}

func (p *process) run(flags []string) error {
	binary := filepath.Join(p.dir, "fakemx")
	build := exec.Command("go", "build", "-o", binary, "github.com/fakemx/fakemx/cmd/fakemx")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	p.address = l.Addr().String()
	l.Close()
	args := append([]string{"sink", "serve", "-listen", p.address, "-metrics", "", "-state", p.dir, "-visits", p.visits(),
		"-connections", "19000", "-per-address", "19000", "-per-prefix", "19000"}, flags...)
	p.cmd = exec.Command(binary, args...) // #nosec G204 -- built just now
	p.cmd.Stderr = os.Stderr
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	runtime.LockOSThread() // Pdeathsig is sent when the thread ends, so it must not
	if err := p.cmd.Start(); err != nil {
		return err
	}
	go func() { p.done <- p.cmd.Wait() }()
	for range 200 {
		if conn, err := net.Dial("tcp", p.address); err == nil {
			return conn.Close()
		}
		time.Sleep(50 * time.Millisecond)
	}
	return errors.Join(errors.New("the server does not listen within 10 s"), p.cmd.Process.Kill())
}

// visits is the file with a line for each visit.
func (p *process) visits() string { return filepath.Join(p.dir, "visits.json") }

// visitLines counts the lines that hold text.
func (p *process) visitLines(text string) (int, error) {
	all, err := os.ReadFile(p.visits())
	return bytes.Count(all, []byte(text)), err
}

// stop sends SIGTERM and returns how long the server took to end.
func (p *process) stop() (time.Duration, error) {
	began := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return 0, err
	}
	select {
	case err := <-p.done:
		return time.Since(began), err
	case <-time.After(time.Minute):
		return 0, errors.Join(errors.New("still running a minute after SIGTERM"), p.cmd.Process.Kill())
	}
}

func (p *process) remove() { os.RemoveAll(p.dir) }

func (p *process) memory() (int64, error) {
	rss, _, err := proc.Memory(p.cmd.Process.Pid)
	return rss, err
}

// describe prints what the figures depend on.
func describe(w io.Writer) {
	load := "unknown"
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		load = strings.Fields(string(text))[0]
	}
	fmt.Fprintf(w, "%s, %s, %d cores, load of the machine before the run: %s\n",
		time.Now().UTC().Format(time.DateOnly), runtime.Version(), runtime.NumCPU(), load)
}

// again runs this program with other arguments.
func again(args ...string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, args...) // #nosec G204 -- this program
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}

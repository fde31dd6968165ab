package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/fakemx/fakemx/internal/sink/dnsl"
	"github.com/fakemx/fakemx/test/bench/load"
	"github.com/fakemx/fakemx/test/proc"
)

// subject is a server that is measured. argv is its command line for the lists of
// a directory, whose zone file is at path.
type subject struct {
	name string
	argv func(dir, path, port string) ([]string, error)
}

// figures are what is found about a server and a list.
type figures struct {
	loadCPU, loadWall time.Duration
	memory            int64 // loaded
	peak              int64 // while it read the next list
	hits, misses      rate
}

// rate is of answers: how many a second, and the processor's time for each.
type rate struct {
	perSecond float64
	cpu       time.Duration
}

// measure serves lists of each size by each server and prints a table.
func measure(w io.Writer, sizes string, sample time.Duration) error {
	wanted, err := numbers(sizes)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "fakemx-lists-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	// rbldnsd gives up root.
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	subjects, err := subjectsIn(dir)
	if err != nil {
		return err
	}
	describe(w)
	fmt.Fprintln(w, "| listed | server | memory | at most, reading the next list | time to load | of a processor | listed addresses | others |")
	fmt.Fprintln(w, "| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |")
	for _, n := range wanted {
		for _, s := range subjects {
			f, err := s.measure(dir, n, sample)
			if err != nil {
				return fmt.Errorf("%s, %d addresses: %w", s.name, n, err)
			}
			fmt.Fprintf(w, "| %d | %s | %d MiB | %d MiB | %.1f s | %.1f s | %s | %s |\n",
				n, s.name, f.memory>>20, f.peak>>20, f.loadWall.Seconds(), f.loadCPU.Seconds(), f.hits, f.misses)
		}
	}
	return nil
}

func (r rate) String() string {
	return fmt.Sprintf("%.0f/s, %.1f µs", r.perSecond, float64(r.cpu)/float64(time.Microsecond))
}

// describe prints what the figures depend on.
func describe(w io.Writer) {
	loadavg := "unknown"
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		loadavg = strings.Fields(string(text))[0]
	}
	fmt.Fprintf(w, "%s, %s, %d cores, load of the machine before the run: %s\n\n",
		time.Now().UTC().Format(time.DateOnly), runtime.Version(), runtime.NumCPU(), loadavg)
}

// subjectsIn are the servers. CoreDNS is built into the directory.
func subjectsIn(dir string) ([]subject, error) {
	daemon, err := exec.LookPath("rbldnsd")
	if err != nil {
		if daemon, err = exec.LookPath("/usr/sbin/rbldnsd"); err != nil {
			return nil, errors.New("rbldnsd is not installed: apt-get install rbldnsd")
		}
	}
	coredns := filepath.Join(dir, "coredns")
	build := exec.Command("go", "build", "-o", coredns, "github.com/fakemx/fakemx/cmd/coredns")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return nil, err
	}
	return []subject{
		{"rbldnsd", func(dir, _, port string) ([]string, error) { return rbldnsd(daemon, dir, port), nil }},
		{"*file*", func(dir, path, port string) ([]string, error) {
			corefile := filepath.Join(dir, "Corefile")
			text := zone + ":" + port + " {\nbind 127.0.0.1\nfile " + path + " {\nreload 1s\n}\n}\n"
			return []string{coredns, "-quiet", "-conf", corefile}, os.WriteFile(corefile, []byte(text), 0o600)
		}},
	}, nil
}

func (s subject) measure(dir string, n int, sample time.Duration) (f figures, err error) {
	lists := filepath.Join(dir, "lists")
	if err := os.Mkdir(lists, 0o755); err != nil {
		return f, err
	}
	defer os.RemoveAll(lists)
	w, err := dnsl.New(dnsl.Config{Dir: lists, Zone: zone})
	if err != nil {
		return f, err
	}
	until := time.Now().Add(24 * time.Hour)
	if _, err := w.Write(time.Now(), entries(0, n, until)); err != nil {
		return f, err
	}
	port, err := freePort()
	if err != nil {
		return f, err
	}
	argv, err := s.argv(lists, w.ZonePath(), port)
	if err != nil {
		return f, err
	}
	running, err := startServer(port, argv)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, stop(running.cmd)) }()
	f.loadWall = time.Since(running.began)
	if f.loadCPU, err = proc.CPU(running.cmd.Process.Pid); err != nil {
		return f, err
	}
	if f.memory, _, err = proc.Memory(running.cmd.Process.Pid); err != nil {
		return f, err
	}
	if f.hits, err = running.ask(0, n, sample); err != nil {
		return f, err
	}
	if f.misses, err = running.ask(n, 2*n, sample); err != nil {
		return f, err
	}
	// The next list has one address less.
	next, err := w.Write(time.Now(), entries(1, n, until))
	if err != nil {
		return f, err
	}
	if err := running.has(func(serial uint32) bool { return serial == next.Serial }); err != nil {
		return f, err
	}
	_, f.peak, err = proc.Memory(running.cmd.Process.Pid)
	return f, err
}

// ask asks for the addresses of some numbers, as many at once as the server takes.
func (s *server) ask(first, end int, sample time.Duration) (rate, error) {
	const most = 50_000 // different questions
	plan := &load.Plan{}
	step := max(1, (end-first)/most)
	for i := first; i < end; i += step {
		plan.Queries = append(plan.Queries, load.Query{Name: dnsl.Owner(made(i), zone), Type: dns.TypeA})
	}
	before, err := proc.CPU(s.cmd.Process.Pid)
	if err != nil {
		return rate{}, err
	}
	const window = 32
	report, err := load.Run(load.Config{Server: s.address, Network: "udp", Conns: 2, Window: window, Duration: sample, Timeout: 10 * time.Second}, plan)
	if err != nil {
		return rate{}, err
	}
	if err := report.Failed(); err != nil {
		return rate{}, err
	}
	after, err := proc.CPU(s.cmd.Process.Pid)
	return rate{report.QPS, (after - before) / time.Duration(report.Answered)}, err
}

// freePort returns a port of 127.0.0.1 that nothing uses.
func freePort() (string, error) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(conn.LocalAddr().String())
	return port, errors.Join(err, conn.Close())
}

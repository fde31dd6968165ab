package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/miekg/dns"
)

// stop ends a process that this one has started.
func stop(cmd *exec.Cmd) error {
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // that it was told to stop is no news
		close(ended)
	}()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	const within = 15 * time.Second
	select {
	case <-ended:
		return nil
	case <-time.After(within):
		err := cmd.Process.Kill()
		<-ended
		return errors.Join(errors.New("still running 15 s after SIGTERM"), err)
	}
}

// rbldnsd is the command line that serves the lists of a directory. It looks for
// new ones each second.
func rbldnsd(path, dir, port string) []string {
	return []string{
		path, "-n", "-f", "-b", "127.0.0.1/" + port, "-c", "1", "-w", dir,
		zone + ":ip4set:ip4set", zone + ":ip6trie:ip6trie",
	}
}

// server is a running one that is measured.
type server struct {
	cmd     *exec.Cmd
	address string
	began   time.Time
}

// startServer starts a program that answers on a port and waits for the zone.
func startServer(port string, argv []string) (*server, error) {
	s := &server{cmd: exec.Command(argv[0], argv[1:]...), address: net.JoinHostPort("127.0.0.1", port), began: time.Now()} //nolint:gosec // ours
	s.cmd.Stderr = os.Stderr
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	runtime.LockOSThread() // Pdeathsig is sent when the thread ends, so it must not
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	if err := s.has(func(uint32) bool { return true }); err != nil {
		return nil, errors.Join(err, stop(s.cmd))
	}
	return s, nil
}

// has waits until the server has a zone whose serial is as expected.
func (s *server) has(serial func(uint32) bool) error {
	const within = 5 * time.Minute
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		answer, _, err := new(dns.Client).Exchange(new(dns.Msg).SetQuestion(zone, dns.TypeSOA), s.address)
		if err != nil || len(answer.Answer) == 0 {
			continue
		}
		if soa, ok := answer.Answer[0].(*dns.SOA); ok && serial(soa.Serial) {
			return nil
		}
	}
	return fmt.Errorf("%s: the list is not served within %v", s.cmd.Path, within)
}

// cpu is how long all threads of the process have run.
func (s *server) cpu() (time.Duration, error) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	var total time.Duration
	for _, path := range threads {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // the thread has just ended
		}
		running, _, _ := strings.Cut(string(text), " ")
		ns, err := strconv.ParseInt(running, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", path, err)
		}
		total += time.Duration(ns)
	}
	return total, nil
}

// memory is what the process holds now, and held at most, in octets.
func (s *server) memory() (now, most int64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(text)) {
		name, rest, _ := strings.Cut(line, ":")
		kib, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
		switch name {
		case "VmRSS":
			now = kib << 10
		case "VmHWM":
			most = kib << 10
		}
	}
	return now, most, nil
}

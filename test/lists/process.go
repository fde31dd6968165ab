package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"github.com/miekg/dns"
)

// stop ends a process that this one has started. rbldnsd notes a signal and looks
// before it waits for a query: one that comes in between it sees with the next.
func stop(cmd *exec.Cmd) error {
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // that it was told to stop is no news
		close(ended)
	}()
	const times = 15
	for range times {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return err
		}
		select {
		case <-ended:
			return nil
		case <-time.After(time.Second):
		}
	}
	err := cmd.Process.Kill()
	<-ended
	return errors.Join(errors.New("still running 15 s after SIGTERM"), err)
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

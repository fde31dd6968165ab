package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/miekg/dns"
)

// startLimit is how long a server may take until it answers, if nothing else is said.
const startLimit = 2 * time.Minute

// process is a running server.
type process struct {
	cmd  *exec.Cmd
	port int
	log  *output
	done chan error
	// started is how long the process took from its start to the first answer.
	started time.Duration
}

// placement says where a process may run.
type placement struct {
	cores int // GOMAXPROCS, and for servers that are told otherwise their threads
	core  int // the only core that it may use, or anyCore
}

const anyCore = -1

// pinned returns the command line that runs a program in its place.
func (p placement) pinned(argv []string) []string {
	if p.core == anyCore {
		return argv
	}
	return append([]string{"taskset", "-c", strconv.Itoa(p.core)}, argv...)
}

// start runs a server in dir and waits for a NOERROR answer to the question.
func start(dir string, place placement, port int, ask dns.Question, argv ...string) (*process, error) {
	return startWithin(startLimit, dir, place, port, ask, argv...)
}

// startWithin is start for a server that may take so long.
func startWithin(limit time.Duration, dir string, place placement, port int, ask dns.Question, argv ...string) (*process, error) {
	argv = place.pinned(argv)
	p := &process{cmd: exec.Command(argv[0], argv[1:]...), port: port, log: new(output), done: make(chan error, 1)}
	p.cmd.Dir = dir
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	p.cmd.Env = append(os.Environ(), "GOMAXPROCS="+strconv.Itoa(place.cores))
	// Should the harness be killed, its servers must not stay behind.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	begin := time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { p.done <- p.cmd.Wait() }()
	if err := p.waitReady(ask, begin, limit); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w\n%s", strings.Join(argv, " "), err, p.log), p.stop())
	}
	p.started = time.Since(begin)
	return p, nil
}

func (p *process) waitReady(ask dns.Question, begin time.Time, limit time.Duration) error {
	m := new(dns.Msg)
	m.SetQuestion(ask.Name, ask.Qtype)
	client := &dns.Client{Timeout: time.Second}
	for time.Since(begin) < limit {
		select {
		case err := <-p.done:
			p.done <- err
			return fmt.Errorf("ended before it answered: %w", err)
		default:
		}
		if r, _, err := client.Exchange(m, p.addr()); err == nil && r.Rcode == dns.RcodeSuccess {
			return nil
		}
		time.Sleep(5 * time.Millisecond)
	}
	return fmt.Errorf("no answer within %v", limit)
}

func (p *process) addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(p.port)) }

// stop asks the process to end, and makes it end if it does not within 15 s.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(15 * time.Second):
		return errors.Join(errors.New("still running 15 s after SIGTERM"), p.cmd.Process.Kill())
	}
}

// files returns how many file descriptors the process has open.
func (p *process) files() (int, error) {
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.cmd.Process.Pid))
	return len(entries), err
}

// freePort returns a port that is free for UDP and TCP on the loopback address.
func freePort() (int, error) {
	for range 100 {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			return 0, err
		}
		port := l.Addr().(*net.TCPAddr).Port
		c, err := net.ListenPacket("udp4", l.Addr().String())
		l.Close()
		if err == nil {
			c.Close()
			return port, nil
		}
	}
	return 0, errors.New("no port is free for UDP and TCP")
}

// output keeps what a process prints. It is safe for concurrent use.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(b)
}

// has reports whether the text was printed.
func (o *output) has(text string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return bytes.Contains(o.buf.Bytes(), []byte(text))
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

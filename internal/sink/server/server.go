// Package server puts SMTP sessions on the network: limits, times, TLS and the
// PROXY protocol. What is said, it leaves to package smtp, and every octet that
// it writes in the clear comes from smtp.Reply.
package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fakemx/fakemx/internal/sink/smtp"
	"github.com/fakemx/fakemx/internal/sink/visit"
)

// Config is how a Server behaves. It must not be changed once the server runs.
type Config struct {
	Host      string        // the name that the server gives itself
	AfterData bool          // see smtp.Session
	MaxLine   int           // octets of a command, smtp.LeastLine or more
	Delay     time.Duration // before the greeting
	Idle      time.Duration // without a finished command
	Session   time.Duration // in all
	Further   time.Duration // once it was told to come later, 0 for no limit
	Limits    Limits
	TLS       *tls.Config    // nil: no STARTTLS
	Proxies   []netip.Prefix // who must speak the PROXY protocol, and nobody else may
	Key       visit.Key

	// Visit is called when a client has gone, by many goroutines at once. It
	// must not wait.
	Visit func(*visit.Visit)
	// Turned is called when a client was sent away at once, with the name of
	// the limit that it met.
	Turned func(limit string)
	// Complain is called with what an operator should know.
	Complain func(error)
	// Now is the time of a visit, nil for that of the machine.
	Now func() time.Time
}

// CheckHost returns an error if name can't stand in a greeting.
func CheckHost(name string) error {
	valid := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.'
	}
	if name == "" || len(name) > 255 || strings.TrimFunc(name, valid) != "" || strings.ContainsFunc(name, func(r rune) bool { return !valid(r) }) {
		return fmt.Errorf("host name %q: expected letters, digits, hyphens and dots, as in sink.example.org", name)
	}
	return nil
}

// A Server answers mail with "come later".
type Server struct {
	config Config
	doors  doors

	mu        sync.Mutex
	listeners map[net.Listener]struct{}
	conns     map[*conn]struct{}
	stopped   chan struct{}  // closed by Stop
	serving   sync.WaitGroup // of connections
}

// New returns a server that does not listen yet.
func New(c Config) *Server {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Server{
		config:    c,
		doors:     newDoors(c.Limits),
		listeners: make(map[net.Listener]struct{}),
		conns:     make(map[*conn]struct{}),
		stopped:   make(chan struct{}),
	}
}

// Connections is how many clients are there now.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// Serve answers who connects to l, until Stop. It closes l.
func (s *Server) Serve(l net.Listener) error {
	defer l.Close()
	s.mu.Lock()
	if s.isStopping() {
		s.mu.Unlock()
		return nil
	}
	s.listeners[l] = struct{}{}
	s.mu.Unlock()

	var pause time.Duration
	for {
		c, err := l.Accept()
		if err == nil {
			pause = 0
			s.open(c)
			continue
		}
		if s.isStopping() {
			return nil
		}
		if errors.Is(err, net.ErrClosed) {
			return err
		}
		// Too many open files, most likely: it passes as clients leave.
		if pause == 0 {
			s.config.Complain(fmt.Errorf("no connection can be taken for now: %w", err))
		}
		pause = min(max(2*pause, 5*time.Millisecond), time.Second)
		time.Sleep(pause)
	}
}

// open lets a connection in, or sends it away at once.
func (s *Server) open(raw net.Conn) {
	if !s.doors.enter() {
		s.turnAway(raw, "all")
		return
	}
	c := &conn{server: s, raw: raw, started: time.Now(), visit: visit.Visit{Time: s.config.Now().UTC()}}
	s.mu.Lock()
	if s.isStopping() {
		s.mu.Unlock()
		s.doors.leave()
		raw.Close()
		return
	}
	s.conns[c] = struct{}{}
	s.serving.Add(1)
	s.mu.Unlock()
	go func() {
		defer s.serving.Done()
		c.serve()
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
		s.doors.leave()
	}()
}

// turnAway says 421. A new connection has room for so little, so nobody is waited for.
func (s *Server) turnAway(raw net.Conn, limit string) {
	_ = raw.SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = raw.Write(smtp.TooMany.Append(nil, s.config.Host))
	raw.Close()
	s.config.Turned(limit)
}

func (s *Server) isStopping() bool {
	select {
	case <-s.stopped:
		return true
	default:
		return false
	}
}

// Stop takes no more connections and tells every client to come later. It is
// called once, and returns when all have gone, or with an error when ctx ends and those that are
// left were cut off.
func (s *Server) Stop(ctx context.Context) error {
	s.mu.Lock()
	close(s.stopped)
	for l := range s.listeners {
		l.Close()
	}
	in := slices.Collect(maps.Keys(s.conns))
	s.mu.Unlock()
	// Those who leave need the lock.
	for _, c := range in {
		c.wake()
	}

	gone := make(chan struct{})
	go func() {
		s.serving.Wait()
		close(gone)
	}()
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	left := len(s.conns)
	for c := range s.conns {
		c.raw.Close()
	}
	s.mu.Unlock()
	<-gone
	if left == 0 {
		return nil // the last one went just now
	}
	return fmt.Errorf("%d connections were cut off: %w", left, ctx.Err())
}

package watch

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// behaviour is what port 25 of a host does with a connection.
type behaviour int

const (
	drops behaviour = iota
	refuses
	accepts
	greets
	greetsSlowly // as postscreen does: a first line, and a second one after six seconds
	greetsNever
	unreachable
	fails
)

// network is a network whose hosts behave as told, drops unless told. It counts
// the connections.
type network struct {
	mu     sync.Mutex
	host   map[netip.Addr]func() behaviour
	egress func() bool
	dialed map[netip.Addr][]time.Time
	open   int
	most   int
	// quits are the control hosts that were left with QUIT, early those that were
	// spoken to before their greeting was over.
	quits, early int
}

func newNetwork() *network {
	return &network{host: make(map[netip.Addr]func() behaviour), dialed: make(map[netip.Addr][]time.Time), egress: func() bool { return true }}
}

func (n *network) set(addr string, b behaviour) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.host[netip.MustParseAddr(addr)] = func() behaviour { return b }
}

// block stops all that leaves for port 25, or lets it go again.
func (n *network) block(blocked bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.egress = func() bool { return !blocked }
}

func (n *network) behaviour(addr netip.Addr) behaviour {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.dialed[addr] = append(n.dialed[addr], time.Now())
	if f := n.host[addr]; f != nil && n.egress() {
		return f()
	}
	return drops
}

func (n *network) dials(addr string) []time.Time {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.dialed[netip.MustParseAddr(addr)]
}

// total is the number of all connections.
func (n *network) total() (total int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, at := range n.dialed {
		total += len(at)
	}
	return total
}

func (n *network) mostOpen() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.most
}

func (n *network) farewells() (quits, early int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.quits, n.early
}

func (n *network) count(by int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.open += by
	n.most = max(n.most, n.open)
}

// counted is a connection whose end is counted.
type counted struct {
	net.Conn
	n    *network
	once sync.Once
}

func (c *counted) Close() error {
	c.once.Do(func() { c.n.count(-1) })
	return c.Conn.Close()
}

func (n *network) dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	if to.Port() != 25 {
		return nil, fmt.Errorf("dialed %s", to)
	}
	n.count(1)
	var err error
	switch b := n.behaviour(to.Addr()); b {
	case drops:
		<-ctx.Done()
		err = ErrSilent
	case refuses:
		err = ErrRefused
	case unreachable:
		err = ErrNoRoute
	case fails:
		err = errOwn
	default:
		here, there := net.Pipe()
		go n.serve(there, b)
		return &counted{Conn: here, n: n}, nil
	}
	n.count(-1)
	return nil, err
}

func (n *network) serve(conn net.Conn, b behaviour) {
	defer conn.Close()
	switch b {
	case greets:
		_, _ = io.WriteString(conn, "220 mx.example.org ESMTP\r\n")
	case greetsSlowly:
		_, _ = io.WriteString(conn, "220-mx.example.org ESMTP\r\n")
		_ = conn.SetReadDeadline(time.Now().Add(6 * time.Second))
		if _, err := conn.Read(make([]byte, 1)); err == nil {
			n.mu.Lock()
			n.early++
			n.mu.Unlock()
			return
		}
		_ = conn.SetReadDeadline(time.Time{})
		_, _ = io.WriteString(conn, "220 mx.example.org ESMTP\r\n")
	}
	command, err := bufio.NewReader(conn).ReadString('\n')
	if err == nil && command == "QUIT\r\n" {
		n.mu.Lock()
		n.quits++
		n.mu.Unlock()
		_, _ = io.WriteString(conn, "221 bye\r\n")
	}
}

// lines keeps what is logged.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) Infof(format string, args ...any)    { l.add(format, args) }
func (l *lines) Warningf(format string, args ...any) { l.add(format, args) }

func (l *lines) add(format string, args []any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, fmt.Sprintf(format, args...))
}

func (l *lines) count(part string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.all {
		if strings.Contains(line, part) {
			n++
		}
	}
	return n
}

const (
	sink4   = "192.0.2.1"
	sink6   = "2001:db8::1"
	control = "198.51.100.25"
)

func addrs(all ...string) (parsed []netip.Addr) {
	for _, a := range all {
		parsed = append(parsed, netip.MustParseAddr(a))
	}
	return parsed
}

// watched is a watcher of a network with one subscription.
type watched struct {
	*network
	*Watcher
	*Subscription
	log *lines
}

func watching(n *network, sinks ...string) *watched {
	log := new(lines)
	w := &watched{network: n, Watcher: New(n.dial, log), log: log}
	w.Subscription = w.Prepare(Request{Interval: DefaultInterval, Sinks: addrs(sinks...), Controls: addrs(control)})
	w.Start()
	return w
}

// bubble runs a test with a clock of its own, which jumps from event to event,
// and fails if a goroutine is left at the end.
func bubble(t *testing.T, name string, test func(bubbled)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { test(bubbled{t}) })
	})
}

// bubbled is a test in a bubble.
type bubbled struct{ *testing.T }

// until waits for at most d until the guard says what is wanted, and returns how
// long that took.
func until(t testing.TB, g *Guard, joins bool, d time.Duration) time.Duration {
	t.Helper()
	start := time.Now()
	for g.Joins() != joins {
		if time.Since(start) > d {
			t.Fatalf("after %s the fake joins: %t, want %t", d, !joins, joins)
		}
		time.Sleep(100 * time.Millisecond)
	}
	return time.Since(start)
}

// stays waits for d and fails if the guard changes its mind.
func stays(t testing.TB, g *Guard, joins bool, d time.Duration) {
	t.Helper()
	for start := time.Now(); time.Since(start) < d; time.Sleep(time.Second) {
		if g.Joins() != joins {
			t.Fatalf("after %s the fake joins: %t, want %t all the time", time.Since(start), !joins, joins)
		}
	}
}

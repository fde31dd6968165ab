package watch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// inNamespace runs a test in a process whose network is its own: an Ethernet with
// one other host on it.
func inNamespace(t *testing.T, test func(t *testing.T, b *beyond)) {
	t.Helper()
	const here = "FAKEMX_WATCH_NAMESPACE"
	if os.Getenv(here) == "" {
		for _, program := range []string{"ip", "nft"} {
			if _, err := exec.LookPath(program); err != nil {
				unlessInCI(t, err)
			}
		}
		t.Parallel() // each is a process of its own, and waits most of the time
		deadline, limited := t.Deadline()
		if !limited {
			deadline = time.Now().Add(10 * time.Minute)
		}
		ctx, cancel := context.WithDeadline(t.Context(), deadline.Add(-10*time.Second))
		defer cancel()
		cmd := exec.CommandContext(ctx, os.Args[0], "-test.v", "-test.run=^"+t.Name()+"$", "-test.timeout="+time.Until(deadline).String())
		cmd.Env = append(os.Environ(), here+"=1")
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
		out, err := cmd.CombinedOutput()
		if errors.Is(err, os.ErrPermission) {
			unlessInCI(t, err)
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	b := newBeyond(t)
	ip(t, "link set lo up",
		fmt.Sprintf("link add eth0 type veth peer name eth0 netns /proc/%d/task/%d/ns/net", os.Getpid(), b.tid),
		"addr add 192.0.2.1/24 dev eth0", "addr add 2001:db8:1::1/64 dev eth0 nodad", "link set eth0 up")
	b.do(func() {
		ip(t, "link set lo up", "addr add 192.0.2.254/24 dev eth0", "addr add 2001:db8:1::fe/64 dev eth0 nodad", "link set eth0 up",
			"route add local 198.51.100.0/24 dev lo", "route add local 2001:db8:2::/64 dev lo", "addr add 2001:db8:2::2/128 dev lo nodad")
	})
	ip(t, "route add 198.51.100.0/24 via 192.0.2.254", "route add 2001:db8:2::/64 via 2001:db8:1::fe")
	test(t, b)
}

// beyond is the other host: a thread in a network namespace, with all addresses
// of 198.51.100.0/24 and 2001:db8:2::/64.
type beyond struct {
	tid  int
	work chan func()
}

func newBeyond(t *testing.T) *beyond {
	t.Helper()
	b := &beyond{work: make(chan func())}
	ready := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with its goroutine
		b.tid = syscall.Gettid()
		ready <- syscall.Unshare(syscall.CLONE_NEWNET)
		for f := range b.work {
			f()
		}
	}()
	if err := <-ready; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { close(b.work) })
	return b
}

func (b *beyond) do(f func()) {
	done := make(chan struct{})
	b.work <- func() { defer close(done); f() }
	<-done
}

// unlessInCI skips a test for which the machine lacks something; in CI it fails.
func unlessInCI(t *testing.T, lacking error) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("CI needs network namespaces, iproute2 and nftables: %v", lacking)
	}
	t.Skipf("needs network namespaces (root), iproute2 and nftables: %v", lacking)
}

// rules replaces what the packet filter of the calling thread's namespace does
// at a hook.
func rules(t *testing.T, hook string, lines ...string) {
	t.Helper()
	run(t, "flush ruleset\ntable inet filter {\nchain c {\ntype filter hook "+hook+" priority 0;\n"+strings.Join(lines, "\n")+"\n}\n}\n", "nft", "-f", "-")
}

func ip(t *testing.T, lines ...string) {
	t.Helper()
	run(t, strings.Join(lines, "\n")+"\n", "ip", "-batch", "-")
}

func run(t *testing.T, in, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Stdin = strings.NewReader(in)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s %q: %v: %s", name, in, err, out)
	}
}

// serve accepts on port 25 of an address of the other host, and greets.
func (b *beyond) serve(t *testing.T, addr string) {
	t.Helper()
	var l net.Listener
	var err error
	b.do(func() {
		l, err = (&net.ListenConfig{}).Listen(t.Context(), "tcp", netip.AddrPortFrom(netip.MustParseAddr(addr), smtpPort).String())
	})
	if err != nil {
		t.Fatal(err)
	}
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conns.Go(func() {
				defer conn.Close()
				_, _ = io.WriteString(conn, "220 mx.example.org ESMTP\r\n")
				_, _ = io.ReadAll(conn)
			})
		}
	})
	t.Cleanup(func() { _ = l.Close() })
}

func TestConnect(t *testing.T) { inNamespace(t, testConnect) }

func testConnect(t *testing.T, b *beyond) {
	t.Helper()
	b.serve(t, "198.51.100.2")
	b.serve(t, "2001:db8:2::2")
	b.do(func() {
		rules(t, "input",
			"ip daddr 198.51.100.3 drop",
			"ip daddr 198.51.100.4 tcp dport 25 reject with tcp reset",
			"ip daddr 198.51.100.5 reject",
			"ip daddr 198.51.100.6 reject with icmp host-unreachable",
			"ip daddr 198.51.100.7 reject with icmp admin-prohibited",
			"ip daddr 198.51.100.8 reject with icmp net-unreachable",
			"ip daddr 198.51.100.9 reject with icmp prot-unreachable",
			"ip6 daddr 2001:db8:2::3 drop",
			"ip6 daddr 2001:db8:2::4 tcp dport 25 reject with tcp reset",
			"ip6 daddr 2001:db8:2::5 reject",
			"ip6 daddr 2001:db8:2::6 reject with icmpv6 admin-prohibited",
			"ip6 daddr 2001:db8:2::7 reject with icmpv6 addr-unreachable",
			"ip6 daddr 2001:db8:2::8 reject with icmpv6 no-route")
	})
	rules(t, "output",
		"ip daddr 198.51.100.20 reject",
		"ip daddr 198.51.100.21 reject with icmp admin-prohibited",
		"ip daddr 198.51.100.22 drop",
		"ip6 daddr 2001:db8:2::20 reject with icmpv6 admin-prohibited")
	ip(t, "route add unreachable 198.51.100.30", "route add prohibit 198.51.100.31", "route add blackhole 198.51.100.32")
	for _, tt := range []struct {
		name, addr string
		want       Outcome
	}{
		{"a port where nobody listens", "198.51.100.1", Refused},
		{"a listener", "198.51.100.2", Accepted},
		{"a firewall that drops", "198.51.100.3", TimedOut},
		{"a firewall that resets", "198.51.100.4", Refused},
		{"a firewall that says port unreachable", "198.51.100.5", Refused},
		{"one that says host unreachable", "198.51.100.6", Refused},
		{"one that says prohibited", "198.51.100.7", Refused},
		{"one that says net unreachable", "198.51.100.8", Refused},
		{"one that says protocol unreachable", "198.51.100.9", Refused},
		{"a neighbour that is off", "192.0.2.77", TimedOut},
		{"this host itself", "192.0.2.1", Refused},
		{"no route", "203.0.113.1", NoRoute},
		{"a route that is unreachable", "198.51.100.30", NoRoute},
		{"one that is prohibited", "198.51.100.31", NoRoute},
		{"one that is a black hole", "198.51.100.32", NoRoute},
		{"this host's firewall refuses", "198.51.100.20", TimedOut},
		{"this host's firewall prohibits", "198.51.100.21", TimedOut},
		{"this host's firewall drops", "198.51.100.22", TimedOut},
		{"IPv6: a port where nobody listens", "2001:db8:2::1", Refused},
		{"IPv6: a listener", "2001:db8:2::2", Accepted},
		{"IPv6: a firewall that drops", "2001:db8:2::3", TimedOut},
		{"IPv6: a firewall that resets", "2001:db8:2::4", Refused},
		{"IPv6: one that says port unreachable", "2001:db8:2::5", Refused},
		{"IPv6: one that says prohibited", "2001:db8:2::6", Refused},
		{"IPv6: one that says address unreachable", "2001:db8:2::7", Refused},
		{"IPv6: one that says no route", "2001:db8:2::8", Refused},
		{"IPv6: a neighbour that is off", "2001:db8:1::77", TimedOut},
		{"IPv6: no route", "2001:db8:ff::1", NoRoute},
		{"IPv6: this host's firewall prohibits", "2001:db8:2::20", TimedOut},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			addr := netip.MustParseAddr(tt.addr)
			if got := Dial(Connect).look(t.Context(), addr); got != tt.want {
				ctx, cancel := context.WithTimeout(t.Context(), connectTimeout)
				defer cancel()
				_, err := Connect(ctx, netip.AddrPortFrom(addr, smtpPort))
				t.Errorf("%s, want %s (%v)", got, tt.want, err)
			}
		})
	}
}

func TestNoDescriptorIsLeft(t *testing.T) { inNamespace(t, testDescriptors) }

func testDescriptors(t *testing.T, b *beyond) {
	t.Helper()
	b.serve(t, "198.51.100.2")
	descriptors := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	dial := Dial(Connect)
	_ = dial.connect(t.Context(), netip.MustParseAddr("198.51.100.1"))
	before := descriptors()
	for range 200 {
		for _, addr := range []string{"198.51.100.1", "198.51.100.2", "203.0.113.1", "2001:db8:2::1"} {
			_ = dial.connect(t.Context(), netip.MustParseAddr(addr))
		}
	}
	// The other host's end of a connection is a descriptor of this process too.
	for range 100 {
		if descriptors() <= before {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Errorf("%d descriptors, %d before", descriptors(), before)
}

func TestBlockedEgress(t *testing.T) {
	inNamespace(t, func(t *testing.T, b *beyond) { t.Helper(); testBlockedEgress(t, b, "drop") })
}

func TestRefusedEgress(t *testing.T) {
	inNamespace(t, func(t *testing.T, b *beyond) { t.Helper(); testBlockedEgress(t, b, "reject with tcp reset") })
}

// testBlockedEgress watches over a real network. How long port 25 is cut off is 4
// seconds, or what the environment says.
func testBlockedEgress(t *testing.T, b *beyond, verdict string) {
	t.Helper()
	b.serve(t, "198.51.100.2")
	blocked := 4 * time.Second
	if d, err := time.ParseDuration(os.Getenv("FAKEMX_WATCH_BLOCKED")); err == nil {
		blocked = d
	}
	log := new(lines)
	w := New(Connect, log)
	s := w.Prepare(Request{2 * time.Second, addrs("198.51.100.1"), addrs("198.51.100.2")})
	s.Start()
	defer s.Close()
	g := s.Guard(addrs("198.51.100.1"))
	wait := func(what string, cond func() bool, d time.Duration) {
		t.Helper()
		for start := time.Now(); !cond(); time.Sleep(20 * time.Millisecond) {
			if time.Since(start) > d {
				t.Fatalf("no %s after %s: %q", what, d, log.all)
			}
		}
	}
	blind := func() bool { return w.Snapshot().Blind }
	wait("fake", g.Joins, 15*time.Second)
	changes := w.Changes()

	rules(t, "output", "tcp dport 25 "+verdict)
	wait("word of being blind", blind, 30*time.Second)
	for ended := time.Now().Add(blocked); time.Now().Before(ended); time.Sleep(50 * time.Millisecond) {
		select {
		case <-changes:
			t.Fatalf("changed while egress was blocked: %q", log.all)
		default:
		}
	}
	rules(t, "output", "accept")
	wait("sight", func() bool { return !blind() }, 30*time.Second)

	if !g.Joins() {
		t.Errorf("out after blocked egress: %q", log.all)
	}

	b.do(func() { rules(t, "input", "ip daddr 198.51.100.1 drop") })
	wait("withdrawal", func() bool { return !g.Joins() }, 60*time.Second)
}

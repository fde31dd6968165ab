package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
)

// A node is one host of the laboratory: a network namespace, and the thread
// that stands in it. The namespace has no name and no file, so it ends with the
// process.
type node struct {
	name string
	tid  int
	work chan func()
}

// newNode makes a network namespace with nothing but a loopback interface.
func newNode(name string) (*node, error) {
	n := &node{name: name, work: make(chan func())}
	ready := make(chan error)
	go func() {
		// Never unlocked: the thread must not serve goroutines of another host.
		runtime.LockOSThread()
		if err := syscall.Unshare(syscall.CLONE_NEWNET); err != nil {
			ready <- fmt.Errorf("new network namespace for %s: %w", name, err)
			return
		}
		n.tid = syscall.Gettid()
		ready <- nil
		for f := range n.work {
			f()
		}
	}()
	if err := <-ready; err != nil {
		return nil, err
	}
	// Addresses are set by hand and are never duplicates; detection would make
	// each unusable for a second.
	return n, n.do(func() error {
		if err := os.WriteFile("/proc/sys/net/ipv6/conf/default/accept_dad", []byte("0"), 0o600); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return ip("link set lo up")
	})
}

// do calls f on the node's thread: sockets that f opens and processes that f
// starts belong to the node for as long as they live.
func (n *node) do(f func() error) error {
	done := make(chan error, 1)
	n.work <- func() { done <- f() }
	return <-done
}

// path names the node's namespace for other tools.
func (n *node) path() string {
	return fmt.Sprintf("/proc/%d/task/%d/ns/net", os.Getpid(), n.tid)
}

// A network is one Ethernet with every node of the laboratory on it.
type network struct {
	bridge *node
	ports  int
	onLink []string // prefixes; anything else is unreachable at once
}

func newNetwork() (*network, error) {
	bridge, err := newNode("bridge")
	if err != nil {
		return nil, err
	}
	return &network{bridge: bridge, onLink: documentation}, bridge.do(func() error {
		return ip("link add br0 type bridge", "link set br0 up")
	})
}

// documentation lists the prefixes in use (RFC 5737, RFC 3849).
var documentation = []string{"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"}

// attach plugs n into the network under the given addresses.
func (w *network) attach(n *node, addrs ...netip.Addr) error {
	w.ports++
	port := fmt.Sprintf("port%d", w.ports)
	err := w.bridge.do(func() error {
		return ip("link add "+port+" type veth peer name eth0 netns "+n.path(),
			"link set "+port+" master br0 up")
	})
	if err != nil {
		return err
	}
	return n.do(func() error {
		lines := append(make([]string, 0, 1+len(addrs)+len(w.onLink)), "link set eth0 up")
		for _, a := range addrs {
			lines = append(lines, fmt.Sprintf("addr add %s/%d dev eth0", a, a.BitLen()))
		}
		for _, prefix := range w.onLink {
			lines = append(lines, "route add "+prefix+" dev eth0")
		}
		return ip(lines...)
	})
}

// ip runs lines of iproute2 in the namespace of the calling thread.
func ip(lines ...string) error {
	cmd := exec.Command("ip", "-batch", "-")
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %q: %w: %s", lines, err, strings.TrimSpace(string(out)))
	}
	if len(out) > 0 {
		return errors.New("ip: " + strings.TrimSpace(string(out)))
	}
	return nil
}

// nft runs lines of nftables in the node's namespace.
func (n *node) nft(lines ...string) error {
	return n.do(func() error {
		cmd := exec.Command("nft", "-f", "-")
		cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("nft %q: %w: %s", lines, err, strings.TrimSpace(string(out)))
		}
		return nil
	})
}

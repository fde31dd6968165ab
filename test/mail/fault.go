package main

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"time"
)

// A fault is a way in which a sink stops refusing. A sender that doesn't know
// waits for it, or loses mail by it.
type fault struct {
	label   string
	what    string        // in words
	noticed time.Duration // within which watch promises to take the fake out
	begin   func(sinks *node, addrs []netip.Addr) (end func() error, err error)
}

// faults lists them.
func faults() []fault {
	return []fault{
		{"drop", "drops packets", 60 * time.Second, drop},
		{"554", "accepts and says 554", 40 * time.Second, decline},
	}
}

// drop has the node drop what comes to port 25 of the addresses.
func drop(n *node, addrs []netip.Addr) (end func() error, err error) {
	list := make([]string, len(addrs))
	for i, a := range addrs {
		list[i] = a.String()
	}
	err = n.nft("add table ip faults", "add chain ip faults in { type filter hook input priority 0; }",
		"add rule ip faults in ip daddr { "+strings.Join(list, ", ")+" } tcp dport 25 drop")
	return func() error { return n.nft("delete table ip faults") }, err
}

// decline has somebody listen at the addresses who wants no mail, and says so at
// once (RFC 5321 section 3.1).
func decline(n *node, addrs []netip.Addr) (end func() error, err error) {
	var listeners []net.Listener
	end = func() error {
		errs := make([]error, 0, len(listeners))
		for _, l := range listeners {
			errs = append(errs, l.Close())
		}
		return errors.Join(errs...)
	}
	for _, a := range addrs {
		err := n.do(func() error {
			l, err := net.Listen("tcp", netip.AddrPortFrom(a, 25).String())
			if err == nil {
				listeners = append(listeners, l)
				go declineAll(l)
			}
			return err
		})
		if err != nil {
			return end, err
		}
	}
	return end, nil
}

func declineAll(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			// A client that went away has no use for an error.
			_ = declineOne(conn)
		}()
	}
}

// declineOne is one session: after the greeting nothing but QUIT is heard.
func declineOne(conn net.Conn) error {
	if err := conn.SetDeadline(time.Now().Add(silence)); err != nil {
		return err
	}
	_, err := io.WriteString(conn, "554 5.3.2 no mail is taken here\r\n")
	for lines := bufio.NewScanner(conn); err == nil && lines.Scan(); {
		if strings.EqualFold(lines.Text(), "QUIT") {
			_, err = io.WriteString(conn, "221 2.0.0 bye\r\n")
			return err
		}
		_, err = io.WriteString(conn, "503 5.5.1 no mail is taken here\r\n")
	}
	return err
}

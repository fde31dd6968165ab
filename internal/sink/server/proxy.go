package server

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/pires/go-proxyproto"
)

// proxyWithin is how long a proxy may take to say whom it brings. It says so in
// its first packet.
const proxyWithin = 5 * time.Second

// errLocal is a proxy that brings nobody but itself: a health check.
var errLocal = errors.New("the proxy speaks for itself")

// identify finds out who the client is, and which of our addresses it called.
func (c *conn) identify() error {
	var err error
	if c.client, err = addressOf(c.raw.RemoteAddr()); err != nil {
		return err
	}
	if c.sink, err = addressOf(c.raw.LocalAddr()); err != nil {
		return err
	}
	for _, p := range c.server.config.Proxies {
		if p.Contains(c.client) {
			return c.introduced()
		}
	}
	return nil
}

// introduced reads the header of the PROXY protocol, which from a proxy's
// address must be there.
func (c *conn) introduced() error {
	if err := c.raw.SetReadDeadline(time.Now().Add(proxyWithin)); err != nil {
		return err
	}
	// Room for a whole header of version 1.
	in := bufio.NewReaderSize(c.raw, 256)
	header, err := proxyproto.Read(in)
	if err != nil {
		return fmt.Errorf("PROXY protocol from %v: %w", c.client, err)
	}
	if header.Command.IsLocal() {
		return errLocal
	}
	source, destination, ok := header.TCPAddrs()
	if !ok {
		return fmt.Errorf("PROXY protocol from %v: no TCP addresses", c.client)
	}
	if c.client, err = addressOf(source); err != nil {
		return err
	}
	if c.sink, err = addressOf(destination); err != nil {
		return err
	}
	// What came with the header belongs to the client.
	rest := make([]byte, in.Buffered())
	if _, err := in.Read(rest); err != nil && len(rest) > 0 {
		return err
	}
	if len(rest) > 0 {
		c.stream = &prefixed{Conn: c.raw, first: rest}
	}
	return nil
}

// prefixed is a connection of which some octets were read already.
type prefixed struct {
	net.Conn
	first []byte
}

func (p *prefixed) Read(b []byte) (int, error) {
	if len(p.first) == 0 {
		return p.Conn.Read(b)
	}
	n := copy(b, p.first)
	p.first = p.first[n:]
	return n, nil
}

func addressOf(a net.Addr) (netip.Addr, error) {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}, fmt.Errorf("address %v: expected one of TCP", a)
	}
	addr, ok := netip.AddrFromSlice(tcp.IP)
	if !ok {
		return netip.Addr{}, fmt.Errorf("address %v: expected IPv4 or IPv6", a)
	}
	return addr.Unmap(), nil
}

package server

import (
	"net/netip"
	"sync"
)

// Limits is how many connections there may be at a time.
type Limits struct {
	All     int
	Address int // from one address
	Prefix  int // from one /24 (IPv4) or /64 (IPv6)
}

// doors counts who is in.
type doors struct {
	limits Limits

	mu        sync.Mutex
	all       int
	addresses map[netip.Addr]int
	prefixes  map[netip.Prefix]int
}

func newDoors(l Limits) doors {
	return doors{limits: l, addresses: make(map[netip.Addr]int), prefixes: make(map[netip.Prefix]int)}
}

// enter counts a connection whose client isn't known yet.
func (d *doors) enter() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.all >= d.limits.All {
		return false
	}
	d.all++
	return true
}

func (d *doors) leave() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all--
}

// admit counts a client, or returns the name of the limit that keeps it out.
func (d *doors) admit(client netip.Addr) (limit string) {
	prefix := prefixOf(client)
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.addresses[client] >= d.limits.Address:
		return "address"
	case d.prefixes[prefix] >= d.limits.Prefix:
		return "prefix"
	}
	d.addresses[client]++
	d.prefixes[prefix]++
	return ""
}

// dismiss undoes admit.
func (d *doors) dismiss(client netip.Addr) {
	prefix := prefixOf(client)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.addresses[client]--; d.addresses[client] == 0 {
		delete(d.addresses, client)
	}
	if d.prefixes[prefix]--; d.prefixes[prefix] == 0 {
		delete(d.prefixes, prefix)
	}
}

func prefixOf(client netip.Addr) netip.Prefix {
	bits := 64
	if client.Is4() {
		bits = 24
	}
	return netip.PrefixFrom(client, bits).Masked()
}

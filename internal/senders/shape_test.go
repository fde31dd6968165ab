package senders

import (
	"fmt"
	"net/netip"
)

// A maker makes sets with addresses of their own.
type maker struct {
	next  byte
	names map[netip.Addr]string
	set   Set
}

func shape() *maker { return &maker{names: map[netip.Addr]string{}} }

type families string

const (
	v4   families = "4"
	v6   families = "6"
	both families = "46"
)

func (m *maker) real(preference uint16, name string, f families, s State) *maker {
	return m.add(Host{Name: name, Preference: preference, Addresses: m.addresses(name, f, s)})
}

func (m *maker) fake(preference uint16, name string, f families, s State) *maker {
	return m.add(Host{Name: name, Preference: preference, Fake: true, Addresses: m.addresses(name+"*", f, s)})
}

func (m *maker) add(h Host) *maker {
	m.set = append(m.set, h)
	return m
}

// addresses names them as docs/mail.md does: the IPv6 address of a host with
// both families has a /6.
func (m *maker) addresses(name string, f families, s State) []Address {
	m.next++
	var made []Address
	if f != v6 {
		made = append(made, m.named(fmt.Sprintf("192.0.2.%d", m.next), name, s))
	}
	if f == both {
		name += "/6"
	}
	if f != v4 {
		made = append(made, m.named(fmt.Sprintf("2001:db8::%x", m.next), name, s))
	}
	return made
}

func (m *maker) named(text, name string, s State) Address {
	a := Address{netip.MustParseAddr(text), s}
	m.names[a.Addr] = name
	return a
}

// usual adds the real hosts of most cases.
func (m *maker) usual(f families) *maker {
	return m.real(10, "mail", f, Accepts).real(20, "backup", f, Accepts)
}

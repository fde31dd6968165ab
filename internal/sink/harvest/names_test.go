package harvest

import (
	"context"
	"net"
	"net/netip"
	"strings"
)

// names is DNS.
type names struct {
	mx        map[string][]string
	addresses map[string][]netip.Addr
	txt       map[string]string
	dead      map[string]bool // what can't be looked up for now
}

func newNames() *names {
	return &names{mx: map[string][]string{}, addresses: map[string][]netip.Addr{}, txt: map[string]string{}, dead: map[string]bool{}}
}

// find returns whether a name may be asked for.
func (n *names) find(name string) (string, error) {
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	if n.dead[name] {
		return name, &net.DNSError{Err: "server misbehaving", Name: name, IsTemporary: true}
	}
	return name, nil
}

func missing(name string) error {
	return &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

func (n *names) LookupTXT(_ context.Context, name string) ([]string, error) {
	name, err := n.find(name)
	if err != nil {
		return nil, err
	}
	if text, ok := n.txt[name]; ok {
		return []string{text}, nil
	}
	return nil, missing(name)
}

func (n *names) LookupMX(_ context.Context, name string) ([]*net.MX, error) {
	name, err := n.find(name)
	if err != nil {
		return nil, err
	}
	var all []*net.MX
	for i, host := range n.mx[name] {
		all = append(all, &net.MX{Host: host + ".", Pref: uint16(10 * i)})
	}
	if all == nil {
		return nil, missing(name)
	}
	return all, nil
}

func (n *names) LookupIPAddr(_ context.Context, name string) ([]net.IPAddr, error) {
	name, err := n.find(name)
	if err != nil {
		return nil, err
	}
	var all []net.IPAddr
	for _, a := range n.addresses[name] {
		all = append(all, net.IPAddr{IP: a.AsSlice()})
	}
	if all == nil {
		return nil, missing(name)
	}
	return all, nil
}

func (n *names) LookupAddr(_ context.Context, address string) ([]string, error) {
	return nil, missing(address)
}

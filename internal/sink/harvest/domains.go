package harvest

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// A Host is a real mail host whose feed is known.
type Host struct {
	Name    string     // as its lines say it
	Address netip.Addr // that is probed; not valid where a name is
}

const (
	// fresh is how long the mail hosts of a domain are taken for known, and
	// maxDomains of how many domains at a time.
	fresh      = 10 * time.Minute
	maxDomains = 10_000
	lookWithin = 10 * time.Second
)

// domains knows the mail hosts of domains.
type domains struct {
	hosts     []Host
	exchanges map[string]string // of an exchange in lower case: Host.Name, by the operator's word
	ours      func(domain string) (fakes []string, ours bool)
	resolver  Resolver
	now       func() time.Time

	mu    sync.Mutex
	known map[string]*mailHosts
}

// mailHosts are the real hosts of a domain.
type mailHosts struct {
	at     time.Time
	reason Reason         // Hosted, MXUnknown or nothing
	near   []netip.Prefix // where they are
}

// owns reports whether an address is one of the mail hosts', or beside one.
func (m *mailHosts) owns(client netip.Addr) bool {
	for _, p := range m.near {
		if p.Contains(client) {
			return true
		}
	}
	return false
}

// of returns the mail hosts of a domain of ours.
func (d *domains) of(ctx context.Context, domain string) *mailHosts {
	d.mu.Lock()
	m := d.known[domain]
	d.mu.Unlock()
	if m != nil && d.now().Sub(m.at) < fresh {
		return m
	}
	m = d.look(ctx, domain)
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.known) >= maxDomains {
		clear(d.known)
	}
	d.known[domain] = m
	return m
}

func (d *domains) look(ctx context.Context, domain string) *mailHosts {
	m := &mailHosts{at: d.now()}
	for _, h := range d.hosts {
		if h.Address.IsValid() {
			m.near = append(m.near, near(h.Address))
		}
	}
	fakes, ours := d.ours(domain)
	if !ours {
		m.reason = Hosted
		return m
	}
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	set, err := d.resolver.LookupMX(ctx, fqdn(domain))
	if missing := new(net.DNSError); errors.As(err, &missing) && missing.IsNotFound {
		m.reason = Hosted // without MX the domain itself is the host, and has no fakes
		return m
	}
	if err != nil {
		m.reason = MXUnknown
		return m
	}
	m.reason = Hosted
	for _, mx := range set {
		name := lower(mx.Host)
		if isFake(name, fakes) {
			continue
		}
		addresses, err := d.resolver.LookupIPAddr(ctx, fqdn(name))
		if err != nil {
			m.reason = MXUnknown
			return m
		}
		var found []netip.Addr
		for _, a := range addresses {
			if addr, ok := netip.AddrFromSlice(a.IP); ok {
				found = append(found, addr.Unmap())
				m.near = append(m.near, near(addr.Unmap()))
			}
		}
		if !d.fed(name, found) {
			m.reason = Hosted
			return m
		}
		m.reason = ""
	}
	return m
}

// fed reports whether the feed of an exchange is known: by the operator's word,
// because it is named as its lines name it and is one machine, or because all
// of its addresses are those of known hosts.
func (d *domains) fed(exchange string, addresses []netip.Addr) bool {
	if len(addresses) == 0 {
		return false
	}
	if _, ok := d.exchanges[exchange]; ok {
		return true
	}
	for _, h := range d.hosts {
		if lower(h.Name) == exchange && oneMachine(addresses) {
			return true
		}
	}
	for _, a := range addresses {
		if !d.probed(a) {
			return false
		}
	}
	return true
}

func (d *domains) probed(a netip.Addr) bool {
	for _, h := range d.hosts {
		if h.Address == a {
			return true
		}
	}
	return false
}

// oneMachine reports whether there is at most one address of each family.
func oneMachine(addresses []netip.Addr) bool {
	var v4, v6 int
	for _, a := range addresses {
		if a.Is4() {
			v4++
		} else {
			v6++
		}
	}
	return v4 <= 1 && v6 <= 1
}

// lower is a name in lower case without the final dot.
func lower(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

func isFake(name string, fakes []string) bool {
	for _, f := range fakes {
		if lower(f) == name {
			return true
		}
	}
	return false
}

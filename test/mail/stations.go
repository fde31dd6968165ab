package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// unboundPackage is the resolver's; its root is shared, its processes are not.
const unboundPackage = "unbound"

// man installs and starts the senders and their resolvers, and the bots'.
func (l *laboratory) man(ctx context.Context, chosen []*sender, cache string, anchors []*dns.DNSKEY) error {
	wanted := append(make([]software, 0, 1+len(chosen)+len(l.receivers)), software{packages: []string{unboundPackage}})
	for _, s := range chosen {
		wanted = append(wanted, s.software)
	}
	for _, r := range l.receivers {
		wanted = append(wanted, r.software)
	}
	found, err := l.install(ctx, cache, wanted...)
	if err != nil {
		return err
	}
	unbound := found[wanted[0].key()]
	l.versions["Unbound"] = unbound.version
	if l.resolvers, err = newRoot("resolvers", unbound.root); err != nil {
		return err
	}
	addr := firstSender
	for _, s := range chosen {
		l.versions[s.name] = found[s.key()].version
		n, res, err := l.resolving(ctx, hostName(s.name), anchors, addr, v6(addr))
		if err != nil {
			return err
		}
		r, err := newRoot(n.name, found[s.key()].root)
		if err != nil {
			return err
		}
		st, err := s.open(ctx, n, r, res, addr)
		if err != nil {
			return err
		}
		l.stations = append(l.stations, st)
		addr = addr.Next()
	}
	for _, r := range l.receivers {
		if err := l.employ(ctx, r, found[r.key()].root, anchors); err != nil {
			return err
		}
	}
	_, l.bots, err = l.resolving(ctx, "bots", anchors, botAddr, v6(botAddr))
	return err
}

// resolving makes a host with a resolver of its own.
func (l *laboratory) resolving(ctx context.Context, name string, anchors []*dns.DNSKEY, addrs ...netip.Addr) (*node, *resolver, error) {
	n, err := l.host(name, addrs)
	if err != nil {
		return nil, nil, err
	}
	res, err := startResolver(ctx, l.resolvers, n, anchors)
	return n, res, err
}

// warmUp waits until every sender delivers to a domain that has nothing to do
// with fakemx: from then on a lost message is no matter of starting.
func (l *laboratory) warmUp(ctx context.Context, s *shape) error {
	errs := make([]error, len(l.stations))
	var all sync.WaitGroup
	for i, st := range l.stations {
		all.Go(func() {
			if st.ready != nil {
				if errs[i] = st.ready(st); errs[i] != nil {
					return
				}
			}
			var t try
			var err error
			for deadline := time.Now().Add(readyWithin); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
				var f *followed
				if f, err = l.send(ctx, st, s, 0); err != nil {
					continue // not listening yet
				}
				if t = f.wait(ctx); t.fate == delivered {
					return
				}
			}
			errs[i] = fmt.Errorf("%s is not up within %v: last message %s, %v: %w", st.name, readyWithin, t.fate, st.log.about(""), err)
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// unboundPackage is the resolver's; its root is shared, its processes are not.
const unboundPackage = "unbound"

// man installs and starts the senders and their resolvers.
func (l *laboratory) man(ctx context.Context, chosen []*sender, cache string, anchors []*dns.DNSKEY) error {
	roots, err := l.install(ctx, chosen, cache)
	if err != nil {
		return err
	}
	resolvers := roots[len(chosen)]
	addr := firstSender
	for i, s := range chosen {
		n, err := l.host(hostName(s.name), []netip.Addr{addr, v6(addr)})
		if err != nil {
			return err
		}
		res, err := startResolver(ctx, resolvers, n, anchors)
		if err != nil {
			return err
		}
		st, err := s.open(ctx, n, roots[i], res, addr)
		if err != nil {
			return err
		}
		l.stations = append(l.stations, st)
		addr = addr.Next()
	}
	n, err := l.host("bots", []netip.Addr{botAddr, v6(botAddr)})
	if err != nil {
		return err
	}
	l.bots, err = startResolver(ctx, resolvers, n, anchors)
	return err
}

// install makes one root a sender, and a last one for the resolvers.
func (l *laboratory) install(ctx context.Context, chosen []*sender, cache string) ([]*root, error) {
	type job struct {
		name, answers string
		packages      []string
	}
	jobs := make([]job, 0, len(chosen)+1)
	for _, s := range chosen {
		jobs = append(jobs, job{hostName(s.name), s.answers, s.packages})
	}
	jobs = append(jobs, job{"resolver", "", []string{unboundPackage}})

	roots := make([]*root, len(jobs))
	errs := make([]error, len(jobs))
	versions := make([]string, len(jobs))
	slots := make(chan struct{}, runtime.NumCPU())
	var all sync.WaitGroup
	for i, j := range jobs {
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			r, err := newRoot(j.name)
			if err != nil {
				errs[i] = err
				return
			}
			kept := cache
			if kept != "" {
				kept = filepath.Join(cache, j.name)
			}
			if errs[i] = r.install(ctx, kept, j.answers, j.packages...); errs[i] != nil {
				return
			}
			roots[i] = r
			versions[i], errs[i] = r.version(ctx, j.packages[0])
			l.say("installed %s %s", j.packages[0], versions[i])
		})
	}
	all.Wait()
	for i, s := range chosen {
		l.versions[s.name] = versions[i]
	}
	l.versions["Unbound"] = versions[len(chosen)]
	return roots, errors.Join(errs...)
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

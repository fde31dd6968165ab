package check

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
)

const (
	// maxCalls to port 25 are under way at a time.
	maxCalls = 200
	// maxVisits are remembered of one run.
	maxVisits = 20_000
)

// prober calls port 25 of addresses, each once, and knows whether that port can
// be seen from here at all.
type prober struct {
	helo    string
	control []netip.Addr

	visits *memo[visit]
	places chan struct{}
	// open says for each family that some host has accepted on port 25: 0 is IPv4,
	// 1 is IPv6.
	open       [2]atomic.Bool
	controlled sync.Once
}

func newProber(helo string, control []netip.Addr) *prober {
	return &prober{
		helo: helo, control: control,
		visits: newMemo[visit](maxVisits), places: make(chan struct{}, maxCalls),
	}
}

// visit calls an address. The recipient is asked for in the first session with
// it, and in no other.
func (p *prober) visit(ctx context.Context, addr netip.Addr, recipient string) visit {
	v, err := p.visits.get(ctx, addr.String(), func() (visit, error) {
		select {
		case p.places <- struct{}{}:
		case <-ctx.Done():
			return visit{}, ctx.Err()
		}
		defer func() { <-p.places }()
		v := call(ctx, addr, p.helo, recipient)
		if v.state == accepts {
			p.open[familyIndex(addr)].Store(true)
		}
		if ctx.Err() != nil {
			return v, ctx.Err() // the next domain may have more time
		}
		return v, nil
	})
	if err != nil && v.state == notSeen {
		return visit{state: notSeen, why: "the time for this domain was over"}
	}
	return v
}

// callControl calls the control hosts, once in a run.
func (p *prober) callControl(ctx context.Context) {
	p.controlled.Do(func() {
		var group sync.WaitGroup
		for _, addr := range p.control {
			group.Go(func() { p.visit(ctx, addr, "postmaster") })
		}
		group.Wait()
	})
}

// sees reports whether what addresses of this family do on port 25 can be seen
// from here: clouds and firewalls drop or refuse it for all.
func (p *prober) sees(addr netip.Addr) bool { return p.open[familyIndex(addr)].Load() }

// blind says why nothing is said about an address.
func (p *prober) blind(addr netip.Addr) string {
	if len(p.control) > 0 {
		return fmt.Sprintf("no real host and no control host accepts on port 25 over IPv%d from here: the port may be blocked", ipVersion(addr))
	}
	return fmt.Sprintf("no real host accepts on port 25 over IPv%d from here: the port may be blocked; -control names a host that accepts", ipVersion(addr))
}

func familyIndex(addr netip.Addr) int {
	if addr.Is4() {
		return 0
	}
	return 1
}

func ipVersion(addr netip.Addr) int {
	if addr.Is4() {
		return 4
	}
	return 6
}

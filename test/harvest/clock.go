package main

import (
	"context"
	"net"
	"sync"
	"time"
)

// A clock goes as that of the machine does, and ahead of it by what it was asked
// for. It goes on in steps from one probe of the real host's feed to the next, so
// that proofs have no gap.
type clock struct {
	every time.Duration

	mu      sync.Mutex
	ahead   time.Duration
	probed  time.Time     // when the last probe began
	target  time.Time     // how far the steps lead at least
	arrived chan struct{} // closed when a probe that began then has ended; nil if none is due
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.time()
}

// time is the same for those who hold mu.
func (c *clock) time() time.Time { return time.Now().Add(c.ahead) }

// goOn goes on by a duration or somewhat more. What it returns is closed when that
// is done.
func (c *clock) goOn(by time.Duration) <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.target, c.arrived = c.time().Add(by), make(chan struct{})
	c.step()
	return c.arrived
}

// step goes on to when the next probe is due. The first one is due at once. The
// caller holds mu.
func (c *clock) step() {
	if c.probed.IsZero() {
		return
	}
	if left := c.probed.Add(c.every).Sub(c.time()); left > 0 {
		c.ahead += left
	}
}

// dial is how the real host is called.
func (c *clock) dial(ctx context.Context, network, address string) (net.Conn, error) {
	c.mu.Lock()
	c.probed = c.time()
	c.mu.Unlock()
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &probe{Conn: conn, clock: c}, nil
}

// ended is called at the end of each probe. The last one begins after the target,
// so that everything before is proven.
func (c *clock) ended() {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.arrived == nil:
	case c.probed.Before(c.target):
		c.step()
	default:
		close(c.arrived)
		c.arrived = nil
	}
}

// A probe is the connection of one.
type probe struct {
	net.Conn

	clock *clock
	once  sync.Once
}

func (p *probe) Close() error {
	p.once.Do(p.clock.ended)
	return p.Conn.Close()
}

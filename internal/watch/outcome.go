package watch

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"
)

// Outcome is what one look at port 25 of an address showed.
type Outcome uint8

const (
	// Refused is a connection that was turned down from beyond this host.
	Refused Outcome = iota
	// Accepted is a connection that was accepted, and a second one as well.
	Accepted
	// Wavered is one that was accepted where the second one was not.
	Wavered
	// TimedOut is one that nobody answered.
	TimedOut
	// NoRoute is one that could not leave this host.
	NoRoute
	// Failed is one that this host could not try, for want of sockets, say.
	Failed
	outcomes
)

// String names the outcome as the metrics do.
func (o Outcome) String() string {
	return [...]string{"refused", "accepted", "wavered", "timeout", "no_route", "failed"}[o]
}

const (
	smtpPort = 25
	// connectTimeout is for how long a connection may take to come about.
	connectTimeout = 5 * time.Second
	// secondLook is how long after an accepted connection the second one comes.
	secondLook = time.Second
)

// A Dial connects to an address. Its error wraps [ErrRefused], [ErrNoRoute] or
// [ErrSilent], or is one of this host's own. It ends with ctx.
type Dial func(ctx context.Context, to netip.AddrPort) (net.Conn, error)

// What may become of a connection.
var (
	ErrRefused = errors.New("refused")
	ErrNoRoute = errors.New("no route from here")
	ErrSilent  = errors.New("no answer")
)

// look connects to port 25 of addr, and a second time if that is accepted. A
// connection is closed without a word.
func (dial Dial) look(ctx context.Context, addr netip.Addr) Outcome {
	first := dial.connect(ctx, addr)
	if first != Accepted || !sleep(ctx, secondLook) {
		return first
	}
	switch second := dial.connect(ctx, addr); second {
	case Accepted, TimedOut:
		return second
	default:
		return Wavered
	}
}

func (dial Dial) connect(ctx context.Context, addr netip.Addr) Outcome {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	conn, err := dial(ctx, netip.AddrPortFrom(addr, smtpPort))
	if err == nil {
		_ = conn.Close()
		return Accepted
	}
	switch {
	case errors.Is(err, ErrRefused):
		return Refused
	case errors.Is(err, ErrNoRoute):
		return NoRoute
	case errors.Is(err, ErrSilent):
		return TimedOut
	default:
		return Failed
	}
}

// sleep waits for d, and reports whether ctx lasted as long.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

package sink

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/fakemx/fakemx/internal/sink/seen"
	"github.com/fakemx/fakemx/internal/sink/visit"
)

// openFeeds starts all that tells who was at the real hosts.
func (s *sink) openFeeds() error {
	for _, f := range s.config.Feeds {
		s.run(seen.Follow(f.Path, func(line string) { s.line(line, f.Host) }, s.complain))
	}
	for _, address := range s.config.Receive {
		if err := s.receive(address); err != nil {
			return fmt.Errorf("-receive %s: %w", address, err)
		}
	}
	for _, p := range s.config.Policies {
		l, err := listenStream(p.Address)
		if err != nil {
			return fmt.Errorf("-policy %s=%s: %w", p.Host, p.Address, err)
		}
		s.run(func(ctx context.Context) {
			if err := seen.Policy(ctx, l, p.Host, s.config.Now, s.sighted); err != nil {
				s.fail(err)
			}
		})
	}
	for _, host := range s.config.Real {
		if host.Address != "" {
			s.run(func(ctx context.Context) { s.prove(ctx, host) })
		}
	}
	return nil
}

// receive takes lines at udp:, tcp:, unix: or unixgram: and an address.
func (s *sink) receive(address string) error {
	network, where, found := strings.Cut(address, ":")
	take := func(line string) { s.line(line, "") }
	switch {
	case found && (network == "udp" || network == "unixgram"):
		if network == "unixgram" {
			if err := removeStale(where); err != nil {
				return err
			}
		}
		conn, err := net.ListenPacket(network, where)
		if err != nil {
			return err
		}
		s.run(func(ctx context.Context) {
			if err := seen.Packets(ctx, conn, take); err != nil {
				s.fail(err)
			}
		})
		return nil
	case found && (network == "tcp" || network == "unix"):
		l, err := listenStream(strings.TrimPrefix(address, "tcp:"))
		if err != nil {
			return err
		}
		s.run(func(ctx context.Context) {
			if err := seen.Streams(ctx, l, take); err != nil {
				s.fail(err)
			}
		})
		return nil
	default:
		return fmt.Errorf("expected udp:HOST:PORT, tcp:HOST:PORT, unix:PATH or unixgram:PATH")
	}
}

// listenStream listens at unix:PATH, or at HOST:PORT.
func listenStream(address string) (net.Listener, error) {
	path, found := strings.CutPrefix(address, "unix:")
	if !found {
		return net.Listen("tcp", address)
	}
	if err := removeStale(path); err != nil {
		return nil, err
	}
	return net.Listen("unix", path)
}

// line takes a line of a feed.
func (s *sink) line(text, host string) {
	if s.config.Sinks {
		if v, ok := visit.Parse(seen.Message(text, visitsProgram)); ok && seen.Timely(v.Time, s.config.Now()) {
			s.meters.line("visit")
			if s.store != nil {
				s.store.Visit(v.Client, v.Time)
			}
			if s.harvest != nil {
				s.harvest.Visit(v, v.KeyMark == s.key.Mark())
			}
			return
		}
	}
	found, ok := seen.Parse(text, host, s.config.Now())
	if !ok {
		s.meters.line("other")
		return
	}
	s.meters.line("sighting")
	s.sighted(found)
}

// visitsProgram is the name under which other sinks send their lines by syslog.
const visitsProgram = "fakemx-sink"

// sighted takes a sighting of whatever kind.
func (s *sink) sighted(found seen.Sighting) {
	s.meters.sightings.Inc()
	if s.config.Prober.Saw(found) || s.store == nil {
		return
	}
	s.store.Seen(found.Client, found.Time)
	if s.harvest != nil {
		s.harvest.Sighted(found)
	}
}

// prove probes a real host again and again.
func (s *sink) prove(ctx context.Context, host seen.Real) {
	wasAlive := true // the first failure is news
	for {
		at := s.config.Now()
		proof, err := s.config.Prober.Prove(ctx, host)
		if ctx.Err() != nil {
			return
		}
		alive := err == nil
		if s.store != nil {
			s.store.Proof(host.Name, at, alive)
			if s.harvest != nil {
				s.harvest.Proof(host.Name, at, proof)
			}
		}
		s.meters.proved(host.Name, alive)
		switch {
		case !alive && wasAlive:
			s.complain(fmt.Errorf("the feed of %s is not proven: %w", host.Name, err))
		case alive && !wasAlive:
			s.config.Log.Printf("the feed of %s is proven again", host.Name)
		}
		wasAlive = alive
		s.sleepUntil(ctx, at.Add(s.config.ProbeEvery))
	}
}

// look is how often it is looked whether Config.Now, which may be set, has come to
// a time.
const look = 100 * time.Millisecond

// sleepUntil waits until it has.
func (s *sink) sleepUntil(ctx context.Context, at time.Time) {
	for left := at.Sub(s.config.Now()); left > 0 && ctx.Err() == nil; left = at.Sub(s.config.Now()) {
		select {
		case <-ctx.Done():
		case <-time.After(min(left, look)):
		}
	}
}

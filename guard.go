package fakemx

import (
	"slices"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/fakemx/fakemx/internal/answer"
	"github.com/fakemx/fakemx/internal/config"
	"github.com/fakemx/fakemx/internal/tell"
	"github.com/fakemx/fakemx/internal/watch"
	"github.com/fakemx/fakemx/internal/zones"
)

// sinks watches for all server blocks of the process, the next instance at a
// reload included.
var sinks = watch.New(watch.Connect, log)

func init() { tell.Watch(func() watch.Snapshot { return sinks.Snapshot() }) }

// guard is what is watched for a server block.
type guard []*watch.Subscription

// newGuard has the sinks of the stanzas watched from when the instance is up.
func newGuard(c *caddy.Controller, stanzas []*config.Stanza, z *zones.Zones) guard {
	var g guard
	for _, s := range stanzas {
		if !s.Watched() {
			continue
		}
		sub := sinks.Prepare(watch.Request{Interval: s.Watch, Sinks: s.WatchedSinks(), Controls: s.Controls})
		guards := make([]zones.Guard, len(s.Lowest))
		for i, f := range s.Lowest {
			if f.Served() {
				guards[i] = sub.Guard(f.Addresses)
			}
		}
		z.SetGuards(s, guards)
		g = append(g, sub)
	}
	if len(g) > 0 {
		whenUp(c, func() {
			for _, sub := range g {
				sub.Start()
			}
		})
		c.OnShutdown(func() error {
			for _, sub := range g {
				sub.Close()
			}
			return nil
		})
	}
	return g
}

// ready reports whether all sinks were looked at, or had the time for it.
func (g guard) ready() bool {
	return !slices.ContainsFunc(g, func(s *watch.Subscription) bool { return !s.Ready() })
}

// Ready implements ready.Readiness.
func (f *FakeMX) Ready() bool { return f.guard.ready() }

// front tells of the plugins that watch and serial depend on.
func front(block *dnsserver.Config) config.Front {
	return config.Front{Cache: block.Handler("cache") != nil, Transfer: block.Handler("transfer") != nil}
}

type upKey struct{}

// whenUp calls start when the instance is up. What OnStartup starts would outlive
// a reload that fails after it, which nobody tells; the event comes after all that
// can fail, and after the instance before has ended.
func whenUp(c *caddy.Controller, start func()) {
	starts, _ := c.Get(upKey{}).([]func())
	c.Set(upKey{}, append(starts, start))
	// On SIGUSR1 caddy forgets all hooks before it starts the new instance.
	if hook := answer.Name + "/up"; !slices.Contains(caddy.ListPlugins()["event_hooks"], hook) {
		caddy.RegisterEventHook(hook, up)
	}
}

func up(event caddy.EventName, info any) error {
	if event != caddy.InstanceStartupEvent {
		return nil
	}
	instance := info.(*caddy.Instance)
	instance.StorageMu.RLock()
	starts, _ := instance.Storage[upKey{}].([]func())
	instance.StorageMu.RUnlock()
	for _, start := range starts {
		start()
	}
	return nil
}

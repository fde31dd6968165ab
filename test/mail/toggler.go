package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// A toggler serves one shape and, while somebody uses it, reloads its server
// with and without the fakes in turn.
type toggler struct {
	server *coredns
	forms  [2]string // Corefiles, with and without fakes

	mu      sync.Mutex
	users   int
	reloads int
	failed  error
}

// between is the time from one reload to the next.
const between = 700 * time.Millisecond

func (p *publisher) startToggler(ctx context.Context, s *shape) (*toggler, error) {
	with, plugins := "hand.zone", ""
	if !p.byHand {
		with, plugins = "plain.zone", s.stanza()
	}
	t := &toggler{forms: [2]string{
		serverBlock(s.zone(), reloadServer, plugins, with),
		serverBlock(s.zone(), reloadServer, "", "plain.zone"),
	}}
	var err error
	t.server, err = p.start("changing", t.forms[0], map[string]string{
		"hand.zone":  s.zoneText(reloadServer, shortTTL, true),
		"plain.zone": s.zoneText(reloadServer, shortTTL, false),
	})
	if err != nil {
		return nil, err
	}
	go t.run(ctx)
	return t, nil
}

// use asks for reloads until the returned function is called.
func (t *toggler) use() (done func()) {
	add := func(n int) {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.users += n
	}
	add(1)
	return func() { add(-1) }
}

// count returns the number of reloads so far, and the error that ended them.
func (t *toggler) count() (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.reloads, t.failed
}

func (t *toggler) run(ctx context.Context) {
	tick := time.NewTicker(between)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		t.mu.Lock()
		idle, next := t.users == 0, t.reloads+1
		t.mu.Unlock()
		if idle {
			continue
		}
		err := t.flip(next)
		t.mu.Lock()
		t.reloads, t.failed = next, err
		t.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (t *toggler) flip(n int) error {
	path := filepath.Join(t.server.dir, corefile)
	if err := os.WriteFile(path, []byte(t.forms[n%2]), 0o600); err != nil {
		return err
	}
	if err := t.server.reload(); err != nil {
		return fmt.Errorf("reload %d: %w", n, err)
	}
	return t.server.settled(n + 1)
}

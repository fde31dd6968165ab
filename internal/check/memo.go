package check

import (
	"context"
	"sync"
)

// memo remembers what was asked once, and lets those who ask meanwhile wait for
// the one answer. It holds at most limit answers: one that is beyond takes the
// place of any other.
type memo[V any] struct {
	limit int

	mu      sync.Mutex
	entries map[string]*entry[V]
}

type entry[V any] struct {
	done  chan struct{}
	value V
	err   error
}

func newMemo[V any](limit int) *memo[V] {
	return &memo[V]{limit: limit, entries: make(map[string]*entry[V])}
}

// get returns the value for key, made by ask if it is not known. Failures are
// not remembered.
func (m *memo[V]) get(ctx context.Context, key string, ask func() (V, error)) (V, error) {
	m.mu.Lock()
	if e, ok := m.entries[key]; ok {
		m.mu.Unlock()
		select {
		case <-e.done:
			return e.value, e.err
		case <-ctx.Done():
			var none V
			return none, ctx.Err()
		}
	}
	if len(m.entries) >= m.limit {
		for other := range m.entries {
			delete(m.entries, other)
			break
		}
	}
	e := &entry[V]{done: make(chan struct{})}
	m.entries[key] = e
	m.mu.Unlock()

	e.value, e.err = ask()
	if e.err != nil {
		m.mu.Lock()
		if m.entries[key] == e {
			delete(m.entries, key)
		}
		m.mu.Unlock()
	}
	close(e.done)
	return e.value, e.err
}

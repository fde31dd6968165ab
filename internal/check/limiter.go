package check

import (
	"context"
	"sync"
	"time"
)

// limiter spaces the questions to each server, so that a look at very many
// domains hammers none.
type limiter struct {
	gap time.Duration

	mu   sync.Mutex
	next map[string]time.Time
}

// maxServers is how many servers a limiter remembers; those that were not asked
// lately are forgotten first.
const maxServers = 10_000

func newLimiter(perSecond int) *limiter {
	return &limiter{gap: time.Second / time.Duration(perSecond), next: make(map[string]time.Time)}
}

// wait returns when the server may be asked, or with the context's error.
func (l *limiter) wait(ctx context.Context, server string) error {
	timer := time.NewTimer(time.Until(l.reserve(server, time.Now())))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// reserve returns when the next question may leave.
func (l *limiter) reserve(server string, now time.Time) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.next) >= maxServers {
		for name, at := range l.next {
			if at.Before(now) {
				delete(l.next, name)
			}
		}
	}
	at := l.next[server]
	if at.Before(now) {
		at = now
	}
	l.next[server] = at.Add(l.gap)
	return at
}

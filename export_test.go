package fakemx

import "github.com/fakemx/fakemx/internal/watch"

// WatchBy has sinks watched over another network. It must come before the first
// server.
func WatchBy(dial watch.Dial) { sinks = watch.New(dial, log) }

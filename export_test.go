package fakemx

import (
	"testing"

	"github.com/fakemx/fakemx/internal/watch"
)

// WatchBy has sinks watched over another network until the test is over.
func WatchBy(t testing.TB, dial watch.Dial) {
	t.Helper()
	before := sinks
	sinks = watch.New(dial, log)
	t.Cleanup(func() { sinks = before })
}

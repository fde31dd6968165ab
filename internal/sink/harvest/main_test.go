package harvest

import (
	"os"
	"testing"
)

// TestMain keeps the stores in memory where it can: the days of a simulation have
// thousands of transactions, each of which a disk would have to sync.
func TestMain(m *testing.M) {
	const memory = "/dev/shm"
	if info, err := os.Stat(memory); err == nil && info.IsDir() && os.Getenv("TMPDIR") == "" {
		_ = os.Setenv("TMPDIR", memory)
	}
	os.Exit(m.Run())
}

// Feeds notes in the store of a sink server that the feed of a host was proven in
// the hour before this one and in the two after it. The report leaves out an hour
// unless those beside it are proven too; so the real proof of the one that runs
// is enough for a report at once, and not in three hours.
//
//	go run ./test/feeds FILE HOST
package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/fakemx/fakemx/internal/sink/store"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "feeds: expected the file of a store, and a host")
		os.Exit(2)
	}
	if err := prove(os.Args[1], os.Args[2], time.Now()); err != nil {
		fmt.Fprintf(os.Stderr, "feeds: %v\n", err)
		os.Exit(1)
	}
}

// prove leaves out the hour of now. The second one after it is for what runs on
// into the next hour.
func prove(path, host string, now time.Time) error {
	s, err := store.Open(path)
	if err != nil {
		return err
	}
	for _, away := range []time.Duration{-time.Hour, time.Hour, 2 * time.Hour} {
		s.Proof(host, now.Add(away), true)
	}
	return errors.Join(s.Flush(), s.Close())
}

// Package waiting runs packages of tests that wait more than they compute.
package waiting

import (
	"flag"
	"log"
	"testing"
)

// Run runs the tests with all parallel ones at a time, however few processors
// there are, and returns the exit code.
func Run(m *testing.M) int {
	flag.Parse()
	if err := flag.Set("test.parallel", "32"); err != nil {
		log.Fatal(err)
	}
	return m.Run()
}

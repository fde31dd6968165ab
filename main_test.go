package fakemx_test

import (
	"log"
	"os"
	"testing"

	"github.com/coredns/coredns/coremain"
	"github.com/fakemx/fakemx"
	"github.com/fakemx/fakemx/internal/servertest"
	"github.com/fakemx/fakemx/test/waiting"
)

// asCoreDNS makes the test binary a CoreDNS with the flags of CoreDNS, for tests
// of what is done to a process.
const asCoreDNS = "FAKEMX_TEST_AS_COREDNS"

// asPort25 is the port25 of such a process, if it has one of its own.
const asPort25 = "FAKEMX_TEST_AS_PORT25"

func TestMain(m *testing.M) {
	if os.Getenv(asCoreDNS) != "" {
		if dir := os.Getenv(asPort25); dir != "" {
			fakemx.WatchBy(port25(dir).dial)
		}
		if err := servertest.Prepare(); err != nil {
			log.Fatal(err)
		}
		coremain.Run()
		return
	}
	dir, err := os.MkdirTemp("", "port25")
	if err != nil {
		log.Fatal(err)
	}
	if sharedPort25, err = newPort25(dir); err != nil {
		log.Fatal(err)
	}
	fakemx.WatchBy(sharedPort25.dial)
	code := waiting.Run(m)
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

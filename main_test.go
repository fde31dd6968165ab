package fakemx_test

import (
	"flag"
	"log"
	"os"
	"testing"

	"github.com/coredns/coredns/coremain"
	"github.com/fakemx/fakemx/internal/servertest"
)

// asCoreDNS makes the test binary a CoreDNS with the flags of CoreDNS, for tests
// of what is done to a process.
const asCoreDNS = "FAKEMX_TEST_AS_COREDNS"

func TestMain(m *testing.M) {
	if os.Getenv(asCoreDNS) != "" {
		if err := servertest.Prepare(); err != nil {
			log.Fatal(err)
		}
		coremain.Run()
		return
	}
	flag.Parse()
	// Parallel tests here wait, they do not compute: as many as there are.
	if err := flag.Set("test.parallel", "32"); err != nil {
		log.Fatal(err)
	}
	os.Exit(m.Run())
}

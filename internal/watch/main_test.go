package watch

import (
	"os"
	"testing"

	"github.com/fakemx/fakemx/test/waiting"
)

func TestMain(m *testing.M) { os.Exit(waiting.Run(m)) }

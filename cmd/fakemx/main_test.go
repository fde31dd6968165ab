package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/fakemx/fakemx"
	"github.com/fakemx/fakemx/test/waiting"
)

func TestMain(m *testing.M) { os.Exit(waiting.Run(m)) }

func TestVersion(t *testing.T) {
	defer func(before string) { gitCommit = before }(gitCommit)
	gitCommit = "cd9c0a1c5e0f"
	var out bytes.Buffer
	version(&out)
	if got := out.String(); !strings.HasPrefix(got, "fakemx-"+fakemx.Version+"\n") || !strings.HasSuffix(got, ", cd9c0a1c5e0f\n") {
		t.Errorf("got %q, want the version first and the commit last", got)
	}
}

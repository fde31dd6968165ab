// Command fakemx has the tools beside the plugin. Each is a subcommand with a
// file of its own here.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"

	"github.com/fakemx/fakemx"
	"github.com/fakemx/fakemx/internal/commit"
)

// A command is a subcommand.
type command struct {
	name    string
	summary string
	// run returns the exit status.
	run func(ctx context.Context, args []string, stdout, stderr *os.File) int
}

var commands = []command{
	{"check", "say what fakes will do to the mail of a domain", runCheck},
	{"sink", "answer mail at highest fakes with \"come later\", and count who comes", runSink},
}

// usageStatus is the exit status for a wrong command line.
const usageStatus = 2

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, os.Args[1:])
	stop()
	os.Exit(status)
}

func run(ctx context.Context, args []string) int {
	if len(args) == 0 {
		usage(os.Stderr)
		return usageStatus
	}
	for _, c := range commands {
		if c.name == args[0] {
			return c.run(ctx, args[1:], os.Stdout, os.Stderr)
		}
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		usage(os.Stdout)
		return 0
	case "version", "-version", "--version":
		version(os.Stdout)
		return 0
	default:
		fmt.Fprintf(os.Stderr, "fakemx: no command %q\n", args[0])
		usage(os.Stderr)
		return usageStatus
	}
}

func usage(w io.Writer) {
	fmt.Fprintln(w, "Usage: fakemx COMMAND [ARGUMENT...]")
	for _, c := range commands {
		fmt.Fprintf(w, "  %-8s %s\n", c.name, c.summary)
	}
	fmt.Fprintln(w, "fakemx COMMAND -help says more, fakemx -version which version this is.")
}

// gitCommit is set by the linker in builds for others, as CoreDNS's is.
var gitCommit string

// version writes what the server's -version writes of itself.
func version(w io.Writer) {
	if info, ok := debug.ReadBuildInfo(); ok && gitCommit == "" {
		gitCommit = commit.Of(info)
	}
	fmt.Fprintf(w, "fakemx-%s\n%s/%s, %s, %s\n", fakemx.Version, runtime.GOOS, runtime.GOARCH, runtime.Version(), gitCommit)
}

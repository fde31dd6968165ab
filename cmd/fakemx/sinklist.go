package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"unicode/utf16"

	"github.com/fakemx/fakemx/internal/sink"
)

// asking is a command that speaks to a running server.
type asking struct {
	*flag.FlagSet
	name   string
	state  *string
	output *string // nil if there is nothing to print
	stderr io.Writer
}

func newAsking(name string, prints bool, stderr io.Writer) *asking {
	a := &asking{FlagSet: flag.NewFlagSet("fakemx sink "+name, flag.ContinueOnError), name: name, stderr: stderr}
	a.SetOutput(stderr)
	a.state = a.String("state", "/var/lib/fakemx-sink", "the `directory` that the server was given")
	if prints {
		a.output = a.String("o", "text", "`form`: text or json")
	}
	return a
}

// parse reads a command line with so many arguments. The second result is false
// if the command ends there, with that status.
func (a *asking) parse(args []string, arguments int) (status int, ok bool) {
	switch err := a.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0, false
	case err != nil:
		return usageStatus, false
	case a.NArg() != arguments:
		return a.misused(fmt.Errorf("expected %d arguments after the flags, got %d", arguments, a.NArg())), false
	case a.output != nil && *a.output != "text" && *a.output != "json":
		return a.misused(fmt.Errorf("-o %q: expected text or json", *a.output)), false
	}
	return 0, true
}

func (a *asking) misused(err error) int {
	a.end(err)
	return usageStatus
}

// end says what went wrong and returns the exit status.
func (a *asking) end(err error) int {
	if err == nil {
		return 0
	}
	fmt.Fprintf(a.stderr, "fakemx sink %s: %v\n", a.name, err)
	return 1
}

// print prints an answer in the form that was asked for.
func (a *asking) print(w io.Writer, answer interface{ Text(w io.Writer) error }, err error) int {
	switch {
	case err != nil:
	case *a.output == "json":
		err = writeASCII(w, answer)
	default:
		err = answer.Text(w)
	}
	return a.end(err)
}

// writeASCII writes JSON in which every character is printable ASCII: what clients
// have said stands in it.
func writeASCII(w io.Writer, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	var out bytes.Buffer
	for _, r := range string(text) {
		switch {
		case r < 0x7f:
			out.WriteRune(r)
		case r <= 0xffff:
			fmt.Fprintf(&out, "\\u%04x", r)
		default:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&out, "\\u%04x\\u%04x", high, low)
		}
	}
	out.WriteByte('\n')
	_, err = out.WriteTo(w)
	return err
}

// runList is the command sink list.
func runList(ctx context.Context, args []string, stdout, stderr *os.File) int {
	a := newAsking("list", true, stderr)
	if status, ok := a.parse(args, 0); !ok {
		return status
	}
	all, err := sink.AskList(ctx, *a.state)
	return a.print(stdout, all, err)
}

// runShow is the command sink show.
func runShow(ctx context.Context, args []string, stdout, stderr *os.File) int {
	a := newAsking("show", true, stderr)
	if status, ok := a.parse(args, 1); !ok {
		return status
	}
	client, err := parseAddress(a.Arg(0))
	if err != nil {
		return a.misused(err)
	}
	shown, err := sink.AskShow(ctx, *a.state, client)
	return a.print(stdout, shown, err)
}

// runAcquit is the command sink acquit.
func runAcquit(ctx context.Context, args []string, _, stderr *os.File) int {
	a := newAsking("acquit", false, stderr)
	if status, ok := a.parse(args, 1); !ok {
		return status
	}
	client, err := parseAddress(a.Arg(0))
	if err != nil {
		return a.misused(err)
	}
	return a.end(sink.Tell(ctx, *a.state, "acquit", netip.PrefixFrom(client, client.BitLen())))
}

// runAllow is the command sink allow.
func runAllow(ctx context.Context, args []string, _, stderr *os.File) int {
	a := newAsking("allow", false, stderr)
	remove := a.Bool("remove", false, "take it off the allow list")
	if status, ok := a.parse(args, 1); !ok {
		return status
	}
	prefix, err := sink.ParsePrefix(a.Arg(0))
	if err != nil {
		return a.misused(err)
	}
	what := "allow"
	if *remove {
		what = "disallow"
	}
	return a.end(sink.Tell(ctx, *a.state, what, prefix))
}

func parseAddress(text string) (netip.Addr, error) {
	p, err := sink.ParsePrefix(text)
	if err != nil || !p.IsSingleIP() {
		return netip.Addr{}, fmt.Errorf("%q: expected an address, as in 192.0.2.7 or 2001:db8::7", text)
	}
	return p.Addr(), nil
}

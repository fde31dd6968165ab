// Sink measures the sink server under load: a server process and clients in
// another. See docs/sink.md for what it found.
//
//	go run ./test/sink slow -for 30m    15,000 slow connections, then SIGTERM
//	go run ./test/sink sessions         whole sessions, as many a second as go
//	go run ./test/sink report           a report about 1,000,000 clients
package main

import (
	"fmt"
	"os"
)

// commands are the first arguments that are understood.
var commands = []struct {
	name, does string
	run        func(args []string) error
}{
	{"slow", "thousands of slow connections for a while, then SIGTERM: memory, greeting time, nothing lost", slow},
	{"sessions", "whole sessions, as many a second as go", sessions},
	{"report", "time and memory of a report about very many clients", reportCommand},
}

func main() {
	if len(os.Args) > 1 {
		for _, c := range commands {
			if c.name != os.Args[1] {
				continue
			}
			if err := c.run(os.Args[2:]); err != nil {
				fmt.Fprintf(os.Stderr, "sink %s: %v\n", c.name, err)
				os.Exit(1)
			}
			return
		}
	}
	fmt.Fprintln(os.Stderr, "usage: sink COMMAND [FLAGS]; FLAGS are listed by -help. Commands:")
	for _, c := range commands {
		fmt.Fprintf(os.Stderr, "  %-8s %s\n", c.name, c.does)
	}
	os.Exit(2)
}

// Bench measures what fakemx costs a server, next to a zone with the same
// fakes typed in and next to other name servers, and checks every answer while
// it does. See docs/performance.md.
//
//	go run ./test/bench servers    CoreDNS with and without fakemx
//	go run ./test/bench load       load on any server, without anything else
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
	{"servers", "CoreDNS with and without fakemx, over UDP and TCP, with DO, dnssec and cache", servers},
	{"watch", "fakemx with watch and without, in a network of its own", watched},
	{"peers", "NSD, Knot DNS, BIND and PowerDNS, as far as the machine has them", peers},
	{"soak", "full load while the configuration changes: nothing lost, nothing grows", soak},
	{"scale", "up to a million zones, replaced under load", scale},
	{"smoke", "a little of each, in about a minute: fails if an answer is lost or wrong", smoke},
	{"profile", "what a server's time and memory go to", profile},
	{"load", "load on any server", loadCommand},
}

func main() {
	if len(os.Args) > 1 {
		for _, c := range commands {
			if c.name != os.Args[1] {
				continue
			}
			if err := c.run(os.Args[2:]); err != nil {
				fmt.Fprintf(os.Stderr, "bench %s: %v\n", c.name, err)
				os.Exit(1)
			}
			return
		}
	}
	fmt.Fprintln(os.Stderr, "usage: bench COMMAND [FLAGS]; FLAGS are listed by -help. Commands:")
	for _, c := range commands {
		fmt.Fprintf(os.Stderr, "  %-8s %s\n", c.name, c.does)
	}
	os.Exit(2)
}

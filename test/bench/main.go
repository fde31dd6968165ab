// Bench measures what fakemx costs a server, next to a zone with the same
// fakes typed in and next to other name servers, and checks every answer while
// it does. See docs/performance.md.
//
//	go run ./test/bench servers    CoreDNS with and without fakemx
//	go run ./test/bench load       load on any server, without anything else
package main

import "github.com/fakemx/fakemx/test/command"

func main() {
	command.Main("bench", []command.Command{
		{Name: "servers", Does: "CoreDNS with and without fakemx, over UDP and TCP, with DO, dnssec and cache", Run: servers},
		{Name: "watch", Does: "fakemx with watch and without, in a network of its own", Run: watched},
		{Name: "peers", Does: "NSD, Knot DNS, BIND and PowerDNS, as far as the machine has them", Run: peers},
		{Name: "soak", Does: "full load while the configuration changes: nothing lost, nothing grows", Run: soak},
		{Name: "scale", Does: "up to a million zones, replaced under load", Run: scale},
		{Name: "serial", Does: "serial numbers of 100,000 zones that move, and a secondary that follows", Run: serial},
		{Name: "smoke", Does: "a little of each, in about a minute: fails if an answer is lost or wrong", Run: smoke},
		{Name: "profile", Does: "what a server's time and memory go to", Run: profile},
		{Name: "load", Does: "load on any server", Run: loadCommand},
	})
}

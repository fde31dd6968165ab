// Sink measures the sink server under load: a server process and clients in
// another. See docs/sink.md for what it found.
//
//	go run ./test/sink slow -for 30m    15,000 slow connections, then SIGTERM
//	go run ./test/sink sessions         whole sessions, as many a second as go
//	go run ./test/sink report           a report about 1,000,000 clients
package main

import "github.com/fakemx/fakemx/test/command"

func main() {
	command.Main("sink", []command.Command{
		{Name: "slow", Does: "thousands of slow connections for a while, then SIGTERM: memory, greeting time, nothing lost", Run: slow},
		{Name: "sessions", Does: "whole sessions, as many a second as go", Run: sessions},
		{Name: "report", Does: "time and memory of a report about very many clients", Run: reportCommand},
	})
}

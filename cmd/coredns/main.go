// Command coredns is CoreDNS with fakemx in its place, and with the plugins of
// an authoritative server. It takes the flags of CoreDNS.
package main

import (
	"log"
	"runtime/debug"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"
	"github.com/fakemx/fakemx"
	"github.com/fakemx/fakemx/internal/commit"
	"github.com/fakemx/fakemx/internal/order"
)

func main() {
	directives, err := order.Insert(dnsserver.Directives)
	if err != nil {
		log.Fatal(err)
	}
	if err := dnsserver.SetDirectives(directives); err != nil {
		log.Fatal(err)
	}
	caddy.AppVersion = coremain.CoreVersion + " fakemx-" + fakemx.Version
	if info, ok := debug.ReadBuildInfo(); ok && coremain.GitCommit == "" {
		coremain.GitCommit = commit.Of(info)
	}
	coremain.Run()
}

// Package fakemx is a CoreDNS plugin for no-listing: it puts synthetic MX
// records round the real ones of a domain and answers for the hosts they point
// to, without a change to the zone.
//
// A sender tries the MX records of a domain in the order of their preference
// numbers (RFC 5321 section 5.1). A lowest fake is tried first by honest
// senders, who are refused at once and move on, and by spam bots that try only
// the first. A highest fake is tried last by honest senders, and first by the
// many bots that take the last MX for the one with the weakest filter. Bots that
// do not move on are gone.
//
// This package is what CoreDNS touches: the handler, transfers, setup. What an
// answer has to be is in packages below it, which import one way only:
//
//	dnsname → inject → watch → config → zones → tell → answer → serial → primary → transfer → here
//
// Start with [github.com/fakemx/fakemx/internal/inject], the pure heart, and
// [github.com/fakemx/fakemx/internal/answer], which decides where it may be used.
package fakemx

import (
	"context"

	"github.com/coredns/coredns/plugin"
	"github.com/fakemx/fakemx/internal/answer"
	"github.com/fakemx/fakemx/internal/primary"
	"github.com/fakemx/fakemx/internal/transfer"
	"github.com/miekg/dns"
)

// Version is the version of the plugin, see CHANGELOG.md.
const Version = "0.1.0"

// FakeMX is the plugin's handler, one for each server block.
type FakeMX struct {
	answers   *answer.Editor
	transfers transfer.Editor
	guard     guard
	primary   *primary.Primary
}

// Name implements plugin.Handler.
func (f *FakeMX) Name() string { return answer.Name }

// ServeDNS implements plugin.Handler: it asks the plugins behind, and edits what
// they say into what they would say with the fakes in their zones.
func (f *FakeMX) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	growStack(0)
	if !answer.Concerns(r) {
		return plugin.NextOrFailure(answer.Name, f.answers.Next, ctx, w, r)
	}
	var reply answer.Reply
	if q, ok := f.answers.Query(ctx, w, r); ok {
		reply = q.Edit(q.Ask())
		reply.Msg = f.primary.Stamp(reply.Msg)
	} else {
		reply = f.answers.Pass(ctx, w, r)
	}
	if reply.Msg == nil {
		return reply.Rcode, reply.Err
	}
	err := reply.Err
	if failed := w.WriteMsg(reply.Msg); failed != nil && err == nil {
		err = plugin.Error(answer.Name, failed)
	}
	return reply.Rcode, err
}

// Transfer implements transfer.Transferer.
func (f *FakeMX) Transfer(zone string, serial uint32) (<-chan []dns.RR, error) {
	return f.transfers.Transfer(zone, serial)
}

// stackRoom is what the plugins behind and the way back need of the stack.
const stackRoom = 4 << 10

// growStack makes the stack of the goroutine large enough at once.
//
// miekg/dns answers each UDP query on a new goroutine, whose stack of 2 KiB is
// doubled whenever it runs out; each time all frames on it are copied, and the
// later, the more there are. Doing it here, once, takes about 15% off the time
// of a query that is passed on (docs/performance.md).
//
// It is the size of the frame that counts; clearing the room would cost more than
// the rest of a pass-through, so no caller takes that path.
//
//go:noinline
func growStack(unused int) byte {
	if unused == 0 {
		return 0
	}
	var room [stackRoom]byte
	room[unused%stackRoom] = 1
	return room[0]
}

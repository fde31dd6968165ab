package check

import (
	"fmt"
	"net/netip"
	"slices"
)

// judgeReals says what is wrong with the real hosts as they are now.
func (e *examination) judgeReals() {
	down, up, seen := []string{}, 0, 0
	for _, r := range e.reals {
		e.judgeRealName(r)
		for _, addr := range r.addresses {
			v, called := r.visits[addr]
			if !called {
				continue
			}
			where := fmt.Sprintf("%s (%s)", display(r.name), addr)
			switch {
			case v.state == notSeen:
				e.unseen(where, "port 25: %s", v.why)
			case !e.prober.sees(addr):
				e.unseen(where, "port 25: %s", e.prober.blind(addr))
			case v.state == accepts:
				up++
				seen++
				e.judgeRecipient(where, v)
			case v.state == silent:
				seen++
				e.add(Finding{Error, CodeRealSilent, where, "does not answer on port 25: every message that comes there waits for half a minute or more", v.why, "start it, or let the firewall reject"})
			default:
				seen++
				down = append(down, where)
			}
		}
	}
	if len(down) > 0 {
		level := Warning
		if up == 0 && len(down) == seen {
			level = Error
		}
		e.add(Finding{level, CodeRealDown, shortList(down), "refuses connections on port 25", "connection refused", "start it; while it is down, senders with a limit reach fewer of the others (see the table)"})
	}
}

func (e *examination) judgeRealName(r *realHost) {
	switch {
	case len(r.addresses) == 0 && r.failed != nil:
		e.unseen(display(r.name), "its addresses: %v", r.failed)
	case len(r.addresses) == 0:
		e.add(Finding{Error, CodeRealNoAddress, display(r.name), "has no address: dma bounces mail to a domain with such a host, and no mail arrives there", "", "give it an address, or take the MX out"})
	case r.alias != "":
		e.add(Finding{Warning, CodeRealAlias, display(r.name), "is an alias: an MX must not point to one (RFC 2181 section 10.3)", "CNAME " + display(r.alias), "name the host itself"})
	}
	for _, addr := range r.addresses {
		if unreachable(addr) {
			e.add(Finding{Error, CodeRealPrivate, fmt.Sprintf("%s (%s)", display(r.name), addr), "is an address that no sender on the Internet reaches", "", "give it a public address, or take the MX out"})
		}
	}
}

func unreachable(addr netip.Addr) bool {
	return addr.IsPrivate() || addr.IsLinkLocalUnicast() || addr.IsLoopback() || addr.IsUnspecified()
}

// judgeRecipient looks at what a real host says to a recipient of the domain. A
// 4xx is no error: it may greylist.
func (e *examination) judgeRecipient(where string, v visit) {
	switch {
	case v.recipient.code == 0:
		why := v.why
		if v.greeting.class() > 2 {
			why = v.greeting.oneLine()
		}
		e.unseen(where, "whether it takes %s: %s", v.asked, why)
	case v.recipient.class() != 5:
	case v.asked != e.postmaster():
		// The host was asked for another domain.
	case v.blamed:
		e.unseen(where, "whether it takes %s: it may refuse this client: %s", v.asked, v.recipient.oneLine())
	case e.servedLowest():
		e.add(Finding{Error, CodeReceiverByMX, where, "rejects the domain's own mail, and a lowest fake is in the set: it may know its domains by being their best MX",
			v.recipient.oneLine(), "let it see the plain set (a view for its address), or name its domains without MX; or take the lowest fake out"})
	default:
		e.add(Finding{Error, CodeRealRejects, where, "rejects mail to " + v.asked + " (RFC 5321 section 4.5.1)", v.recipient.oneLine(), "let it take the domain's mail before fakes join"})
	}
}

// askedForRecipient reports whether a real host has answered for a recipient of
// the domain.
func (e *examination) askedForRecipient() bool {
	return slices.ContainsFunc(e.reals, func(r *realHost) bool {
		for _, v := range r.visits {
			if v.recipient.code != 0 && v.asked == e.postmaster() {
				return true
			}
		}
		return false
	})
}

// postmaster is the recipient that real hosts are asked for.
func (e *examination) postmaster() string { return "postmaster@" + display(e.Owner) }

// servedLowest reports whether a lowest fake is in the set that is served now.
func (e *examination) servedLowest() bool {
	if !e.report.Switched {
		return false
	}
	for _, mx := range e.served {
		if s := e.sinkOf(mx); s != nil && s.kind == lowest {
			return true
		}
	}
	return false
}

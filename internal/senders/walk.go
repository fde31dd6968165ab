package senders

import (
	"net/netip"
	"slices"
)

// Outcome is what a sender does with one message.
type Outcome struct {
	Fate Fate
	// Tried are the addresses in the order in which they are called. Among equal
	// preferences, and between the families of a host, another order is as likely.
	Tried []netip.Addr
	// Seconds are those that it waits on the way, before the address that takes the
	// message or the attempt's end. Negative where that is not known.
	Seconds float64
}

// Walk returns what the sender does with a message to a domain with this set.
func (s *Sender) Walk(set Set) Outcome {
	if set.IsNull() {
		return Outcome{Fate: s.NullMX}
	}
	if s.Limits.Records > 0 && len(set) > s.Limits.Records {
		o := s.attempt(set)
		o.Fate = Chance
		return o
	}
	return s.attempt(set)
}

// attempt takes the whole set, one address after the other.
func (s *Sender) attempt(set Set) Outcome {
	hosts := set.sorted()
	if s.bouncesFor(hosts) {
		return Outcome{Fate: Bounced}
	}
	if s.Limits.Hosts > 0 && len(hosts) > s.Limits.Hosts {
		hosts = hosts[:s.Limits.Hosts]
	}
	w := walk{sender: s}
	for _, h := range hosts {
		if h.Failed {
			w.wait(s.Lookup)
		}
	}
	for _, t := range s.targets(hosts) {
		if w.call(t); w.ended {
			return w.Outcome
		}
	}
	w.exhausted(set)
	return w.Outcome
}

// bouncesFor reports whether the sender bounces before it calls anybody.
func (s *Sender) bouncesFor(hosts Set) bool {
	for i, h := range hosts {
		if len(h.Addresses) == 0 && !h.Failed && s.NoAddress == Return {
			return true
		}
		if i > 0 {
			continue
		}
		for _, a := range h.Addresses {
			if a.IsLoopback() && s.Loopback == Return || a.IsUnspecified() && s.Unspecified == Return {
				return true
			}
		}
	}
	return false
}

// target is an address that may be called.
type target struct {
	Address

	fake bool
}

// targets returns the addresses that the sender may call, in order.
func (s *Sender) targets(hosts Set) []target {
	var all []target
	for _, h := range hosts {
		of := slices.DeleteFunc(slices.Clone(h.Addresses), func(a Address) bool {
			return a.IsLoopback() || a.IsUnspecified() || s.IPv4 && a.Is6()
		})
		slices.SortStableFunc(of, func(a, b Address) int { return family(b) - family(a) })
		for _, a := range of {
			all = append(all, target{Address: a, fake: h.Fake})
		}
	}
	limit := s.Limits.Addresses
	switch {
	case limit == 0 || len(all) <= limit:
		return all
	case s.Limits.Balanced:
		return balanced(all, limit)
	default:
		return all[:limit]
	}
}

// family is 4 or 6. Senders that have a choice take IPv6 first.
func family(a Address) int {
	if a.Is4() {
		return 4
	}
	return 6
}

// balanced keeps limit addresses of more than that, so that neither family
// crowds the other out: each gets half of the places, and what the other leaves
// over. Postfix calls it smtp_balance_inet_protocols.
func balanced(all []target, limit int) []target {
	four := 0
	for _, a := range all {
		if a.Is4() {
			four++
		}
	}
	half, six := limit/2, len(all)-four
	left := map[int]int{}
	switch {
	case six <= half:
		left[6] = six
		left[4] = limit - six
	case four <= half:
		left[4] = four
		left[6] = limit - four
	default:
		left[4] = half
		if all[0].Is4() {
			left[4] = (limit + 1) / 2
		}
		left[6] = limit - left[4]
	}
	kept := make([]target, 0, limit)
	for _, a := range all {
		if f := family(a.Address); left[f] > 0 {
			left[f]--
			kept = append(kept, a)
		}
	}
	return kept
}

// walk is one attempt under way.
type walk struct {
	sender *Sender
	Outcome

	sessions int
	ended    bool
}

func (w *walk) wait(seconds float64) {
	if w.Seconds < 0 || seconds < 0 {
		w.Seconds = unmeasured
		return
	}
	w.Seconds += seconds
}

// call calls an address, and ends the attempt if it is the last one.
func (w *walk) call(t target) {
	w.Tried = append(w.Tried, t.Addr)
	switch t.State {
	case Accepts:
		if t.fake {
			w.finish(Taken)
			return
		}
		w.finish(Delivered)
	case Rejects:
		w.finish(Bounced)
	case Silent:
		w.wait(w.sender.Silent)
		w.wait(w.sender.Wait)
	case Greets4xx:
		w.react(w.sender.Greeting4xx, t)
	case Greets5xx:
		w.react(w.sender.Greeting5xx, t)
	case Defers:
		w.sessions++
		w.react(w.sender.Recipient4xx, t)
		if !w.ended && w.sessions == w.sender.Limits.Sessions {
			w.keep(t)
		}
	default:
		w.wait(w.sender.Wait)
	}
}

// react does what the sender does with a host that has answered.
func (w *walk) react(r Reaction, t target) {
	switch r {
	case Next:
		w.wait(w.sender.Wait)
	case Keep:
		w.keep(t)
	case Return:
		w.finish(Bounced)
	default:
		w.Seconds = unmeasured
		w.finish(Unknown)
	}
}

// keep ends the attempt at a host that has answered 4xx. A real one takes the
// message later, a fake never does.
func (w *walk) keep(t target) {
	if t.fake {
		w.finish(Stuck)
		return
	}
	w.finish(Queued)
}

func (w *walk) finish(f Fate) { w.Fate, w.ended = f, true }

// exhausted says what becomes of a message that no address has taken. A host
// that takes mail and was not reached is not reached later either, unless the
// sender remembers who refused.
func (w *walk) exhausted(set Set) {
	switch {
	case w.sender.OneTry:
		w.finish(Bounced)
	case set.has(Accepts) && !w.sender.Remembers:
		w.finish(Stuck)
	default:
		w.finish(Queued)
	}
}

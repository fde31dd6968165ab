package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fakemx/fakemx/internal/dnsname"
	"github.com/fakemx/fakemx/internal/senders"
	"github.com/miekg/dns"
)

// late is how many seconds of refused connections are called late: the two
// addresses of one lowest fake cost OpenSMTPD four.
const late = 5

// judgeSenders lets every known sender walk the set. The table goes by what was
// seen; the findings go by the shape alone, with every sink closed and every
// real host up, because what a host does wrong has its own finding.
func (e *examination) judgeSenders() {
	seen := e.walkSet(e.after, true)
	shape := e.walkSet(e.after, false)
	var lost, slow, outage, read []string
	for i := range senders.Known {
		s := &senders.Known[i]
		e.report.Senders = append(e.report.Senders, Sender{
			Name: s.Name, Version: s.Version, Evidence: s.Evidence.String(),
			Now:         newWalk(s.Walk(seen), s.Walk(seen.Real())),
			PrimaryDown: newWalk(s.Walk(seen.PrimaryDown()), s.Walk(seen.Real().PrimaryDown())),
		})
		now, before := s.Walk(shape), s.Walk(shape.Real())
		down, downBefore := s.Walk(shape.PrimaryDown()), s.Walk(shape.Real().PrimaryDown())
		loses := worse(now, before)
		switch {
		case s.Evidence == senders.Read:
			if loses || worse(down, downBefore) {
				read = append(read, fmt.Sprintf("%s: %v, with the primary down %v", s.Name, now.Fate, down.Fate))
			}
			continue
		case loses:
			lost = append(lost, fmt.Sprintf("%s: %v", s.Name, now.Fate))
		case worse(down, downBefore):
			outage = append(outage, fmt.Sprintf("%s: %v", s.Name, down.Fate))
		}
		if !loses && now.Seconds-before.Seconds > late {
			slow = append(slow, fmt.Sprintf("%s: %.0f s", s.Name, now.Seconds-before.Seconds))
		}
	}
	e.tell(Error, CodeSenderLost, "the fakes keep these senders from the real hosts", lost, "fewer lowest fakes, with fewer addresses")
	e.tell(Warning, CodeSenderLate, "the fakes make these senders wait with each message", slow, "fewer lowest fakes, with fewer addresses")
	e.tell(Warning, CodeSenderOutage, "while the best real host is down, the fakes keep these senders from the others", outage, "fewer lowest fakes, with fewer addresses")
	e.tell(Info, CodeSenderRead, "the fakes keep these senders from the real hosts, by what was read about them and not run", read, "begin with highest fakes only")
	e.report.Before, e.report.After = e.recordsOf(e.before), e.recordsOf(e.after)
}

// worse reports whether fakes turn a delivery into something else. A set with
// too many records has its own finding.
func worse(with, without senders.Outcome) bool {
	return without.Fate == senders.Delivered && with.Fate != senders.Delivered && with.Fate != senders.Chance
}

func (e *examination) tell(level Level, code Code, text string, who []string, advice string) {
	if len(who) > 0 {
		e.add(Finding{level, code, display(e.Owner), text, strings.Join(who, "; "), advice})
	}
}

// walkSet makes the set that senders walk. Where nothing was seen, or seen is
// not wanted, sinks refuse and real hosts take mail. Without it, hosts that lead
// nowhere are left out.
func (e *examination) walkSet(set []*dns.MX, seen bool) senders.Set {
	walk := make(senders.Set, 0, len(set))
	for _, mx := range set {
		h := senders.Host{Name: mx.Mx, Preference: mx.Preference}
		if s := e.sinkOf(mx); s != nil {
			h.Fake, h.Failed = true, s.failed != nil && len(s.addresses) == 0
			for _, addr := range s.addresses {
				state := senders.Refuses
				if seen {
					state = e.fakeState(s.visits[addr], s.isReal == addr)
				}
				h.Addresses = append(h.Addresses, senders.Address{Addr: addr, State: state})
			}
		} else if r := e.realOf(mx); r != nil {
			h.Failed = r.failed != nil && len(r.addresses) == 0
			for _, addr := range r.addresses {
				state := senders.Accepts
				if v, called := r.visits[addr]; seen && called && e.prober.sees(addr) {
					state = realState(v)
				}
				h.Addresses = append(h.Addresses, senders.Address{Addr: addr, State: state})
			}
		}
		if seen || !leadsNowhere(h) {
			walk = append(walk, h)
		}
	}
	return walk
}

// leadsNowhere reports whether a host has no address, or one that senders take
// for themselves.
func leadsNowhere(h senders.Host) bool {
	return !slices.ContainsFunc(h.Addresses, func(a senders.Address) bool { return !a.IsLoopback() && !a.IsUnspecified() })
}

// realOf returns the real host of a record.
func (e *examination) realOf(mx *dns.MX) *realHost {
	i := slices.IndexFunc(e.reals, func(r *realHost) bool { return dnsname.Same(r.name, mx.Mx) })
	if i < 0 {
		return nil
	}
	return e.reals[i]
}

// fakeState is what senders meet at a sink.
func (e *examination) fakeState(v visit, real bool) senders.State {
	switch {
	case real:
		return senders.Accepts
	case v.state == silent:
		return senders.Silent
	case v.state == accepts:
		return answers(v)
	default:
		return senders.Refuses
	}
}

// realState is what senders meet at a real host. That it defers or refuses this
// client says nothing about them, and is left out.
func realState(v visit) senders.State {
	switch {
	case v.state == silent:
		return senders.Silent
	case v.state == refuses:
		return senders.Refuses
	case v.recipient.class() == 5 && !v.blamed:
		return senders.Rejects
	default:
		return senders.Accepts
	}
}

func answers(v visit) senders.State {
	switch {
	case v.recipient.class() == 5:
		return senders.Rejects
	case v.recipient.class() == 4:
		return senders.Defers
	case v.greeting.class() == 5:
		return senders.Greets5xx
	case v.greeting.class() == 4:
		return senders.Greets4xx
	default:
		return senders.Accepts
	}
}

// recordsOf is a set for the report, best first.
func (e *examination) recordsOf(set []*dns.MX) []Record {
	made := make([]Record, 0, len(set))
	for _, mx := range slices.SortedStableFunc(slices.Values(set), byPreference) {
		r := Record{Preference: mx.Preference, Exchange: display(dnsname.Canonical(mx.Mx)), TTL: mx.Hdr.Ttl, Addresses: []Address{}}
		if s := e.sinkOf(mx); s != nil {
			r.Fake = string(s.kind)
			for _, addr := range s.addresses {
				v, called := s.visits[addr]
				state := e.portText(v, called, e.fakeState(v, false))
				if s.isReal == addr {
					state = "a real host's"
				}
				r.Addresses = append(r.Addresses, Address{addr.String(), state})
			}
		} else if h := e.realOf(mx); h != nil {
			for _, addr := range h.addresses {
				v, called := h.visits[addr]
				called = called && e.prober.sees(addr)
				r.Addresses = append(r.Addresses, Address{addr.String(), e.portText(v, called, realState(v))})
			}
		}
		made = append(made, r)
	}
	return made
}

func (e *examination) portText(v visit, called bool, s senders.State) string {
	if !called || v.state == notSeen {
		return "not seen"
	}
	return s.String()
}

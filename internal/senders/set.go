package senders

import (
	"cmp"
	"net/netip"
	"slices"
)

// State is what port 25 of an address does.
type State int

const (
	// Accepts: it takes mail.
	Accepts State = iota
	// Refuses: the connection is refused at once.
	Refuses
	// Silent: packets are dropped.
	Silent
	// Greets4xx and Greets5xx: it greets with that.
	Greets4xx
	Greets5xx
	// Defers: it answers 4xx to a recipient or after DATA.
	Defers
	// Rejects: it answers 5xx to a recipient or after DATA.
	Rejects
)

var states = [...]string{"takes mail", "refuses", "silent", "greets 4xx", "greets 5xx", "answers 4xx", "answers 5xx"}

// String returns the state in one or two words.
func (s State) String() string { return states[s] }

// Set is an MX set with the addresses of its hosts, in any order. An empty one
// is a domain without an MX set and without an address. A domain without an MX
// set is its own only host (RFC 5321 section 5.1).
type Set []Host

// Host is a record of a set.
type Host struct {
	// Name is the exchange, "." that of a null MX.
	Name       string
	Preference uint16
	Fake       bool
	Addresses  []Address
	// Failed says that the addresses cannot be had (SERVFAIL).
	Failed bool
}

// Address is an address of a host.
type Address struct {
	netip.Addr

	State State
}

// IsNull reports whether the set is a null MX (RFC 7505).
func (s Set) IsNull() bool { return len(s) == 1 && s[0].Name == "." }

// Real returns the set without its fakes.
func (s Set) Real() Set {
	return slices.DeleteFunc(slices.Clone(s), func(h Host) bool { return h.Fake })
}

// PrimaryDown returns the set with the best real host refusing, all of them if
// several are best.
func (s Set) PrimaryDown() Set {
	best := -1
	for _, h := range s {
		if !h.Fake && (best < 0 || int(h.Preference) < best) {
			best = int(h.Preference)
		}
	}
	down := slices.Clone(s)
	for i, h := range down {
		if h.Fake || int(h.Preference) != best {
			continue
		}
		down[i].Addresses = slices.Clone(h.Addresses)
		for j := range down[i].Addresses {
			down[i].Addresses[j].State = Refuses
		}
	}
	return down
}

// sorted returns the hosts from the best on. Those of equal preference stay as
// they are; RFC 5321 section 5.1 asks a sender to shuffle them.
func (s Set) sorted() Set {
	hosts := slices.Clone(s)
	slices.SortStableFunc(hosts, func(a, b Host) int { return cmp.Compare(a.Preference, b.Preference) })
	return hosts
}

func (s Set) has(state State) bool {
	return slices.ContainsFunc(s, func(h Host) bool {
		return slices.ContainsFunc(h.Addresses, func(a Address) bool { return a.State == state })
	})
}

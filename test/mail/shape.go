package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// An mx is one record of an MX set. Hosts are relative to the case's zone.
type mx struct {
	preference int
	host       string
}

// A host is a name with addresses.
type host struct {
	name  string
	addrs []netip.Addr
}

// A shape is the MX set of one case: what the zone says, what fakemx is told,
// and what every client must see in the end, typed by hand.
type shape struct {
	label string // of the zone: label.example.org
	what  string // in words

	real    []mx
	hosts   []host // of the real records
	lowest  []host
	highest []host
	step    int
	sinkTTL int // of the fakes' addresses, 0 for the default
	dryRun  bool
	want    []mx
	extra   []string // further lines of the zone

	server  netip.Addr // of its zone
	down    []string   // real hosts whose port 25 is closed
	listens []string   // fakes that take mail, against all advice
	signed  bool       // online, by dnssec
	plain   bool       // no fakemx
	stays   bool       // the sinks, when the fakes leave
	mixed   bool       // turned by loadbalance
	wild    bool       // the set also stands at a wildcard, and mail goes to a name that only that has
	byHand  bool       // hand-edited
	refused bool       // at start, by fakemx
	watch   string     // the line by which the sinks are watched
	ttl     int        // of the zone, 0 for longTTL

	greylist time.Duration // for which the real hosts put off each message
	waiting  *greylist     // the messages that they do so with
	receiver string        // the real host that is a mail server of the laboratory
	inside   netip.Addr    // to whom a view shows the plain set

	// lingers is how long the message may be on its way unseen.
	lingers time.Duration
}

func (s *shape) zone() string { return s.label + ".example.org." }

// owners is how many names of a zone have the MX set. Each message of a case
// goes to another: some senders would bring the next message to the same domain
// over the connection of the last, without a look at the set.
const owners = 20

// domain returns the ith owner: the apex, and names below it.
func (s *shape) domain(i int) string {
	if s.wild {
		return "mx." + s.zone()
	}
	if i == 0 {
		return s.zone()
	}
	return fmt.Sprintf("user%d.%s", i, s.zone())
}

// fakes returns the sinks, lowest first.
func (s *shape) fakes() []host { return append(slices.Clone(s.lowest), s.highest...) }

// owned lists the names that have the set in the zone file.
func (s *shape) owned() []string {
	if s.wild {
		return []string{s.zone(), "*." + s.zone()}
	}
	names := make([]string, owners)
	for i := range names {
		names[i] = s.domain(i)
	}
	return names
}

// names maps every address of the shape to its host's name, with a star at a
// fake and the address family where the host has two. Fakes that share an
// address share a name, too.
func (s *shape) names() map[netip.Addr]string {
	names := map[netip.Addr]string{}
	add := func(h host, mark string) {
		for _, a := range h.addrs {
			if _, ok := names[a]; ok {
				names[a] = "fakes" + mark
				continue
			}
			names[a] = h.name + mark
			if len(h.addrs) > 1 && a.Is6() {
				names[a] += "/6"
			}
		}
	}
	for _, h := range s.hosts {
		add(h, "")
	}
	for _, h := range s.fakes() {
		add(h, "*")
	}
	return names
}

// stanza is the fakemx block of the shape, or nothing.
func (s *shape) stanza() string {
	if s.plain || s.byHand {
		return ""
	}
	return s.block()
}

func (s *shape) block() string {
	var b strings.Builder
	b.WriteString("    fakemx {\n")
	for _, h := range s.lowest {
		fmt.Fprintf(&b, "        lowest %s%s\n", h.name, spaced(h.addrs))
	}
	for _, h := range s.highest {
		fmt.Fprintf(&b, "        highest %s%s\n", h.name, spaced(h.addrs))
	}
	if s.step != 0 {
		fmt.Fprintf(&b, "        step %d\n", s.step)
	}
	if s.sinkTTL != 0 {
		fmt.Fprintf(&b, "        ttl %d\n", s.sinkTTL)
	}
	if s.dryRun {
		b.WriteString("        dry_run\n")
	}
	if s.watch != "" {
		fmt.Fprintf(&b, "        %s\n        control %s\n", s.watch, bounceHost)
	}
	b.WriteString("    }\n")
	return b.String()
}

func spaced(addrs []netip.Addr) string {
	var b strings.Builder
	for _, a := range addrs {
		b.WriteString(" " + a.String())
	}
	return b.String()
}

// zoneText is the zone file. With fakes, it is the hand-edited zone.
func (s *shape) zoneText(ns netip.Addr, ttl int, withFakes bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "$ORIGIN %s\n$TTL %d\n@ SOA ns hostmaster 1 7200 3600 1209600 %d\n@ NS ns\nns A %s\n",
		s.zone(), ttl, ttl, ns)
	set, hosts := s.real, s.hosts
	if withFakes {
		set, hosts = s.want, append(slices.Clone(s.hosts), s.fakes()...)
	}
	for _, name := range s.owned() {
		for _, m := range set {
			fmt.Fprintf(&b, "%s MX %d %s\n", name, m.preference, m.host)
		}
	}
	for _, h := range hosts {
		if strings.HasSuffix(h.name, ".") {
			continue // elsewhere
		}
		for _, a := range h.addrs {
			kind := "A"
			if a.Is6() {
				kind = "AAAA"
			}
			fmt.Fprintf(&b, "%s %s %s\n", h.name, kind, a)
		}
	}
	for _, line := range s.extra {
		b.WriteString(line + "\n")
	}
	return b.String()
}

// sortSet puts a set into the order in which senders take it.
func sortSet(set []mx) {
	slices.SortFunc(set, func(a, b mx) int {
		if a.preference != b.preference {
			return a.preference - b.preference
		}
		return strings.Compare(a.host, b.host)
	})
}

package main

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// The fixed addresses of the laboratory.
var (
	rootServer   = netip.MustParseAddr("192.0.2.52")
	nameServer   = netip.MustParseAddr("192.0.2.53")
	reloadServer = netip.MustParseAddr("192.0.2.54")
	leaveServer  = netip.MustParseAddr("192.0.2.55")
	bounceHost   = netip.MustParseAddr("192.0.2.14")
	usersHost    = netip.MustParseAddr("192.0.2.15") // the mailboxes of the receivers' users
)

// firstSender and firstBot are where the senders' and the bots' addresses start.
var (
	firstSender = netip.MustParseAddr("203.0.113.10")
	botAddr     = netip.MustParseAddr("203.0.113.200")
)

// v6 is the IPv6 address of the host that has an IPv4 address.
func v6(a netip.Addr) netip.Addr {
	four := a.As4()
	return netip.MustParseAddr(fmt.Sprintf("2001:db8:%x::%x", four[0], four[3]))
}

// A plan hands out addresses, so that no two shapes share one: what a sender
// remembers about an address in one case can't matter in the next.
type plan struct {
	nextReal, nextSink netip.Addr
	shapes             []*shape
}

func newPlan() *plan {
	return &plan{
		nextReal: netip.MustParseAddr("192.0.2.60"),
		nextSink: netip.MustParseAddr("198.51.100.1"),
	}
}

// families is which addresses a host gets.
type families int

const (
	onlyV4 families = iota
	onlyV6
	bothFamilies
)

func give(next *netip.Addr, f families) []netip.Addr {
	a := *next
	*next = a.Next()
	switch f {
	case onlyV4:
		return []netip.Addr{a}
	case onlyV6:
		return []netip.Addr{v6(a)}
	default:
		return []netip.Addr{a, v6(a)}
	}
}

// servers makes real hosts.
func (p *plan) servers(f families, names ...string) []host { return hosts(&p.nextReal, f, names) }

// sinks makes fakes.
func (p *plan) sinks(f families, names ...string) []host { return hosts(&p.nextSink, f, names) }

func hosts(next *netip.Addr, f families, names []string) []host {
	made := make([]host, len(names))
	for i, name := range names {
		made[i] = host{name, give(next, f)}
	}
	return made
}

func (p *plan) add(s *shape) *shape {
	sortSet(s.want)
	if !s.server.IsValid() {
		s.server = nameServer
	}
	p.shapes = append(p.shapes, s)
	return s
}

// usual is the real set of most shapes.
func (p *plan) usual(s *shape) *shape {
	s.real = []mx{{10, "mail"}, {20, "backup"}}
	if s.hosts == nil {
		s.hosts = p.servers(bothFamilies, "mail", "backup")
	}
	return p.add(s)
}

// start is where senders prove that they are up, apart from all cases.
func (p *plan) start() *shape {
	return p.usual(&shape{label: "start", plain: true, want: []mx{{10, "mail"}, {20, "backup"}}})
}

// baseline is the set that every other one is compared with.
func (p *plan) baseline() *shape {
	return p.usual(&shape{label: "none", what: "no fakes", plain: true,
		want: []mx{{10, "mail"}, {20, "backup"}}})
}

// safe makes the shapes that operators are told to use.
func (p *plan) safe() []*shape {
	return []*shape{
		p.usual(&shape{label: "highest", what: "one highest",
			highest: p.sinks(onlyV4, "fake30"),
			want:    []mx{{10, "mail"}, {20, "backup"}, {30, "fake30"}}}),
		p.usual(&shape{label: "lowest4", what: "one lowest, IPv4",
			lowest: p.sinks(onlyV4, "fake0"),
			want:   []mx{{0, "fake0"}, {10, "mail"}, {20, "backup"}}}),
		p.usual(&shape{label: "lowest46", what: "one lowest, IPv4 and IPv6",
			lowest: p.sinks(bothFamilies, "fake0"),
			want:   []mx{{0, "fake0"}, {10, "mail"}, {20, "backup"}}}),
		p.usual(&shape{label: "lowest6", what: "one lowest, IPv6",
			lowest: p.sinks(onlyV6, "fake0"),
			want:   []mx{{0, "fake0"}, {10, "mail"}, {20, "backup"}}}),
		p.add(&shape{label: "many", what: "one lowest, five highest",
			real: []mx{{20, "mail"}}, hosts: p.servers(bothFamilies, "mail"),
			lowest:  p.sinks(onlyV4, "fake0"),
			highest: p.sinks(onlyV4, "fake1", "fake2", "fake3", "fake4", "fake5"),
			want:    []mx{{10, "fake0"}, {20, "mail"}, {30, "fake1"}, {40, "fake2"}, {50, "fake3"}, {60, "fake4"}, {70, "fake5"}}}),
		p.add(&shape{label: "tight", what: "tight numbers",
			real: []mx{{5, "master"}, {6, "slave2"}}, hosts: p.servers(bothFamilies, "master", "slave2"),
			lowest:  p.sinks(onlyV4, "mail1"),
			highest: p.sinks(onlyV4, "mail2", "mail3"),
			step:    2,
			want:    []mx{{3, "mail1"}, {5, "master"}, {6, "slave2"}, {8, "mail2"}, {10, "mail3"}}}),
		p.add(&shape{label: "zero", what: "real preference 0, moved up",
			real: []mx{{0, "mail"}}, hosts: p.servers(bothFamilies, "mail"),
			lowest:  p.sinks(onlyV4, "fake0"),
			highest: p.sinks(onlyV4, "fake1"),
			want:    []mx{{0, "fake0"}, {10, "mail"}, {20, "fake1"}}}),
		p.add(&shape{label: "max", what: "real preference 65535, moved down",
			real: []mx{{65535, "mail"}}, hosts: p.servers(bothFamilies, "mail"),
			lowest:  p.sinks(onlyV4, "fake0"),
			highest: p.sinks(onlyV4, "fake1"),
			want:    []mx{{65515, "fake0"}, {65525, "mail"}, {65535, "fake1"}}}),
		p.usual(&shape{label: "primary", what: "real primary down, backup up",
			lowest:  p.sinks(onlyV4, "fake0"),
			highest: p.sinks(onlyV4, "fake30"),
			down:    []string{"mail"},
			want:    []mx{{0, "fake0"}, {10, "mail"}, {20, "backup"}, {30, "fake30"}}}),
	}
}

// outage makes a shape for one sender whose real hosts are all down at first.
func (p *plan) outage(sender string) *shape {
	return p.usual(&shape{label: "outage-" + sender, what: "all real ones down for a while",
		lowest:  p.sinks(onlyV4, "fake0"),
		highest: p.sinks(onlyV4, "fake30", "fake40"),
		down:    []string{"mail", "backup"},
		want:    []mx{{0, "fake0"}, {10, "mail"}, {20, "backup"}, {30, "fake30"}, {40, "fake40"}}})
}

// changing makes the shape whose fakes come and go.
func (p *plan) changing() *shape {
	return p.usual(&shape{label: "reload", what: "fakes in and out by reload", server: reloadServer,
		lowest:  p.sinks(onlyV4, "fake0"),
		highest: p.sinks(onlyV4, "fake30"),
		want:    []mx{{0, "fake0"}, {10, "mail"}, {20, "backup"}, {30, "fake30"}}})
}

// dryRun makes the shape whose fakes nobody may ever see.
func (p *plan) dryRun() *shape {
	return p.usual(&shape{label: "dryrun", what: "dry_run",
		lowest:  p.sinks(onlyV4, "fake0"),
		highest: p.sinks(onlyV4, "fake30"),
		dryRun:  true,
		want:    []mx{{10, "mail"}, {20, "backup"}}})
}

// A twin is a domain that fakemx must leave alone, with and without fakemx.
type twin struct {
	with, without *shape
}

// untouched makes the domains whose behaviour must not change: no MX at all
// (RFC 5321 section 5.1: the address is the mail host) and a null MX (RFC 7505).
func (p *plan) untouched() []twin {
	noMX := func(s *shape) *shape {
		s.hosts = p.servers(onlyV4, "@")
		return p.add(s)
	}
	nullMX := func(s *shape) *shape {
		s.real, s.want = []mx{{0, "."}}, []mx{{0, "."}}
		s.hosts = p.servers(onlyV4, "@")
		return p.add(s)
	}
	return []twin{
		{
			with:    noMX(&shape{label: "nomx", what: "domain without MX", lowest: p.sinks(onlyV4, "fake0"), highest: p.sinks(onlyV4, "fake30")}),
			without: noMX(&shape{label: "nomx-plain", what: "domain without MX, no fakemx", plain: true}),
		},
		{
			with:    nullMX(&shape{label: "nullmx", what: "null MX", lowest: p.sinks(onlyV4, "fake0"), highest: p.sinks(onlyV4, "fake30")}),
			without: nullMX(&shape{label: "nullmx-plain", what: "null MX, no fakemx", plain: true}),
		},
	}
}

// unsafe makes the shapes that fakemx refuses at start. Five lowest addresses
// come twice: Postfix takes the first five, but as many of each family as it
// can, so that an IPv6 address of a real host is among them.
func (p *plan) unsafe() []*shape {
	fiveNames := []string{"fake1", "fake2", "fake3", "fake4", "fake5"}
	five := []mx{{1, "fake1"}, {2, "fake2"}, {3, "fake3"}, {4, "fake4"}, {5, "fake5"}, {10, "mail"}, {20, "backup"}}
	return []*shape{
		p.usual(&shape{label: "loopback", what: "lowest at 127.0.0.1", byHand: true, refused: true,
			lingers: 2 * time.Minute, // OpenSMTPD sends it to itself a hundred times
			lowest:  []host{{"fake0", []netip.Addr{netip.MustParseAddr("127.0.0.1")}}},
			want:    []mx{{0, "fake0"}, {10, "mail"}, {20, "backup"}}}),
		p.usual(&shape{label: "five", what: "five lowest, real ones IPv4", byHand: true, refused: true,
			hosts:  p.servers(onlyV4, "mail", "backup"),
			lowest: p.sinks(onlyV4, fiveNames...), want: five}),
		p.usual(&shape{label: "five46", what: "five lowest, real ones also IPv6", byHand: true, refused: true,
			lowest: p.sinks(onlyV4, fiveNames...), want: slices.Clone(five)}),
	}
}

// dane makes the signed shapes: the second has a sink that takes mail, as
// whoever controls the sink's address could.
func (p *plan) dane(tlsa string) []*shape {
	closed := &shape{label: "dane", what: "DANE, closed sink", lowest: p.sinks(onlyV4, "fake0")}
	open := &shape{label: "daneopen", what: "DANE, sink that takes mail",
		lowest: p.sinks(onlyV4, "fake0"), listens: []string{"fake0"}}
	for _, s := range []*shape{closed, open} {
		s.real, s.hosts = []mx{{10, "mail"}}, p.servers(bothFamilies, "mail")
		s.want = []mx{{0, "fake0"}, {10, "mail"}}
		s.extra = []string{"_25._tcp.mail TLSA 3 1 1 " + tlsa}
		s.signed = true
		p.add(s)
	}
	return []*shape{closed, open}
}

// up reports whether a real host takes mail from the start.
func (s *shape) up(name string) bool { return !slices.Contains(s.down, name) }

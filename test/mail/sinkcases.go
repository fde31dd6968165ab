package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// A state is that of the real host when a message comes.
type state string

const (
	putsOff  state = "puts it off" // puts off every recipient, later takes all
	isDown   state = "is down"     // port 25 is closed, later it takes all
	takesAll state = "takes it"    // takes all at once
)

// How a sink answers: the flags of the sink server for each kind. closed has no
// server.
const (
	closed     = "closed"
	atRcpt     = "451 at RCPT"
	afterData  = "451 after DATA"
	late       = "greeting after 20 s, 451 at RCPT"
	overloaded = "421 at once"
)

// replies are the kinds that a server answers, with its flags.
var replies = []struct {
	what  string
	flags []string
}{
	{atRcpt, nil},
	{afterData, []string{"-reply", "data"}},
	{late, []string{"-delay", "20s"}},
	// One connection stays open, see hold.
	{overloaded, []string{"-connections", "1", "-idle", "24h", "-session", "24h"}},
}

// A sinkCase is a message of one kind, to a domain whose real host and whose
// sinks answer so or so.
type sinkCase struct {
	*shape
	reply  string // of the sinks
	state  state
	letter missive
	bare   bool     // the real host has no TLS, though the sink has
	losers []string // whose mail stays in the queue for that
	twin   string   // label of the case to compare with, with a closed sink

	host *puttingOff
}

// A missive is a kind of message.
type missive struct {
	what   string
	text   func(from, to string) string
	local  string   // of the reverse path, before its number
	flags  []string // further ones of the sendmail command
	takers []string // senders that can take such a message; nil: all
}

func letters() (plain, eight, utf8, dsn, huge missive) {
	plain = missive{what: "plain", text: message}
	eight = missive{what: "8-bit", text: func(from, to string) string { return message(from, to) + "Gr\xfc\xdfe, Grüße\n" }}
	utf8 = missive{what: "SMTPUTF8", text: message, local: "grüße", takers: []string{"Postfix", "chasquid", "Exim"}}
	dsn = missive{what: "DSN", text: message, flags: []string{"-N", "failure,delay"}, takers: []string{"Postfix", "sendmail", "Courier"}}
	huge = missive{what: "8 MiB", text: func(from, to string) string {
		return message(from, to) + strings.Repeat(strings.Repeat("x", 70)+"\n", 8<<20/71)
	}}
	return plain, eight, utf8, dsn, huge
}

// sinkCases are the cases; each comes after the one with a closed sink that it is
// compared with.
func sinkCases(p *plan, o *sinkOptions) []*sinkCase {
	plain, eight, utf8, dsn, huge := letters()
	grey := p.greyCases(plain)
	if o.short {
		grey = grey[:4]
	}
	all := grey
	if !o.short {
		for _, l := range []missive{eight, utf8, dsn, huge} {
			for _, reply := range []string{atRcpt, afterData} {
				all = append(all, p.sinkCase(putsOff, reply, l, "closed"))
			}
		}
		all = append(all, p.outageCases(plain, utf8)...)
		all = append(all, p.openCases(plain)...)
	}
	all = slices.DeleteFunc(all, func(c *sinkCase) bool { return c.twin != "" && !strings.Contains(c.title(), o.cases) })
	for i, c := range all {
		if c.label == "" {
			c.label = fmt.Sprintf("case%d", i)
		}
		for _, h := range c.hosts {
			// The host that does what the case says is started apart.
			c.down = append(c.down, h.name)
		}
		p.add(c.shape)
	}
	return all
}

// sinkCase is a domain with one real host and two sinks.
func (p *plan) sinkCase(real state, reply string, l missive, twin string) *sinkCase {
	return &sinkCase{reply: reply, state: real, letter: l, twin: twin, shape: &shape{
		real:    []mx{{10, "mail"}},
		hosts:   p.servers(onlyV4, "mail"),
		highest: p.sinks(onlyV4, "fake1", "fake2"),
		want:    []mx{{10, "mail"}, {20, "fake1"}, {30, "fake2"}},
	}}
}

// greyCases are those of a plain message, and of a real host that puts it off.
func (p *plan) greyCases(plain missive) []*sinkCase {
	base := p.sinkCase(putsOff, closed, plain, "")
	base.label = "closed"
	// chasquid remembers that the domain can do TLS and takes no step back.
	bare := p.sinkCase(putsOff, afterData, plain, "closed")
	bare.bare, bare.losers = true, []string{"chasquid"}
	patient := p.sinkCase(putsOff, late, plain, "closed")
	patient.lingers = 50 * time.Second // two of them are visited
	all := []*sinkCase{
		base,
		p.sinkCase(putsOff, atRcpt, plain, "closed"),
		p.sinkCase(putsOff, afterData, plain, "closed"),
		bare,
		patient,
		p.sinkCase(putsOff, overloaded, plain, "closed"),
	}
	for _, reply := range []string{closed, atRcpt, afterData} {
		c := p.sinkCase(putsOff, reply, plain, "two")
		c.what = "two real hosts, all with IPv6"
		if reply == closed {
			c.label, c.twin = "two", ""
		}
		c.real = []mx{{10, "mail"}, {15, "backup"}}
		c.hosts = p.servers(bothFamilies, "mail", "backup")
		c.highest = p.sinks(bothFamilies, "fake1", "fake2")
		c.want = []mx{{10, "mail"}, {15, "backup"}, {25, "fake1"}, {35, "fake2"}}
		all = append(all, c)
	}
	return all
}

// outageCases are those of a real host that is down for a while.
func (p *plan) outageCases(plain, utf8 missive) []*sinkCase {
	base := p.sinkCase(isDown, closed, plain, "")
	base.label = "outage"
	return []*sinkCase{
		base,
		p.sinkCase(isDown, atRcpt, plain, "outage"),
		p.sinkCase(isDown, afterData, plain, "outage"),
		p.sinkCase(isDown, overloaded, plain, "outage"),
		p.sinkCase(isDown, atRcpt, utf8, "outage"),
	}
}

// openCases are those of a real host that takes mail at once: sinks that answer
// must cost nothing then.
func (p *plan) openCases(plain missive) []*sinkCase {
	var all []*sinkCase
	add := func(what, label, reply string, change func(c *sinkCase)) {
		c := p.sinkCase(takesAll, reply, plain, label)
		c.what = what
		if reply == closed {
			c.label, c.twin = label, ""
		}
		change(c)
		all = append(all, c)
	}
	for _, reply := range []string{closed, atRcpt, afterData} {
		add("one lowest that is closed, five highest", "many", reply, func(c *sinkCase) {
			c.lowest = p.sinks(onlyV4, "fake0")
			c.highest = p.sinks(onlyV4, "fake1", "fake2", "fake3", "fake4", "fake5")
			c.want = []mx{{0, "fake0"}, {10, "mail"}, {20, "fake1"}, {30, "fake2"}, {40, "fake3"}, {50, "fake4"}, {60, "fake5"}}
		})
	}
	for _, reply := range []string{closed, atRcpt} {
		add("fifty highest", "fifty", reply, func(c *sinkCase) {
			c.highest, c.want = nil, []mx{{10, "mail"}}
			for i := range 50 {
				name := fmt.Sprintf("fake%d", i+1)
				c.highest = append(c.highest, p.sinks(onlyV4, name)...)
				c.want = append(c.want, mx{20 + 10*i, name})
			}
		})
	}
	for _, reply := range []string{closed, atRcpt, afterData} {
		add("the first real host is down, the second takes", "second", reply, func(c *sinkCase) {
			c.real = []mx{{5, "dead"}, {10, "mail"}}
			c.hosts = append(p.servers(onlyV4, "dead"), c.hosts...)
			c.want = append([]mx{{5, "dead"}}, c.want...)
		})
	}
	return all
}

// title is the case in words.
func (c *sinkCase) title() string {
	parts := []string{string(c.state), c.reply}
	if c.bare {
		parts = append(parts, "TLS at the sink only")
	}
	if c.what != "" {
		parts = append(parts, c.what)
	}
	return strings.Join(append(parts, c.letter.what), ", ")
}

// open starts the real host of the case.
func (c *sinkCase) open(l *laboratory) error {
	c.host = &puttingOff{name: "mail." + strings.TrimSuffix(c.zone(), "."), ledger: l.ledger, open: c.state == takesAll || strings.HasPrefix(c.label, "busy"), lifted: map[string]bool{}}
	if !c.bare {
		c.host.cert = l.cert
	}
	for _, h := range c.hosts {
		if h.name == "dead" {
			continue
		}
		for _, addr := range h.addrs {
			if err := c.host.listen(l.mail, addr); err != nil {
				return err
			}
		}
	}
	return nil
}

// shut has the real host refuse the senders, if that is the case.
func (c *sinkCase) shut(l *laboratory) error {
	if c.state != isDown {
		return nil
	}
	addrs := make([]string, len(l.stations))
	for i, st := range l.stations {
		addrs[i] = st.addr.String()
	}
	return l.mail.nft("add table ip outage", "add chain ip outage in { type filter hook input priority 0; }",
		"add set ip outage "+c.label+" { type ipv4_addr; elements = { "+strings.Join(addrs, ", ")+" }; }",
		"add rule ip outage in ip daddr "+c.address().String()+" ip saddr @"+c.label+" tcp dport 25 reject with tcp reset")
}

// lift has the real host take a sender's message from now on.
func (c *sinkCase) lift(l *laboratory, st *station, to string) error {
	c.host.lift(to)
	if c.state != isDown {
		return nil
	}
	return l.mail.nft("delete element ip outage " + c.label + " { " + st.addr.String() + " }")
}

// address is one of the real host.
func (c *sinkCase) address() netip.Addr { return c.hosts[0].addrs[0] }

package harvest

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/fakemx/fakemx/internal/sink/smtp"
	"github.com/fakemx/fakemx/internal/sink/visit"
)

func ip(text string) netip.Addr { return netip.MustParseAddr(text) }

// sendAll has every stock server send one message, a minute after another.
func (w *world) sendAll(servers []server) {
	for i, s := range servers {
		w.in(time.Duration(i)*time.Minute, func() { w.send(s, "bob@example.org") })
	}
}

// postfix is a server of a usual kind.
func postfix(addresses ...string) server {
	s := stock()[0]
	s.from = nil
	for _, a := range addresses {
		s.from = append(s.from, ip(a))
	}
	return s
}

func all(hosts []*realHost, f func(*realHost)) {
	for _, h := range hosts {
		f(h)
	}
}

// TestNoHonestHostIsListed is what must never happen. Each case says what happens
// in a healthy world after its first week, and what is then found of each visit.
func TestNoHonestHostIsListed(t *testing.T) {
	for _, c := range []struct {
		name    string
		make    func(w *world, c *Config)
		alone   bool // no bots come at the same time
		happens func(w *world)
		found   []Reason
		counted Reason // of visits that are not even kept
	}{
		{name: "all real hosts are down for six hours", happens: func(w *world) {
			all(w.hosts, func(h *realHost) { h.down = true })
			w.in(10*time.Minute, func() { w.sendAll(stock()) })
			w.in(6*time.Hour, func() { all(w.hosts, func(h *realHost) { h.down = false }) })
		}, found: []Reason{Seen}},
		{name: "all real hosts are down for two days, longer than the senders try", happens: func(w *world) {
			all(w.hosts, func(h *realHost) { h.down = true })
			w.in(10*time.Minute, func() { w.sendAll(stock()) })
			w.in(48*time.Hour, func() { all(w.hosts, func(h *realHost) { h.down = false }) })
		}, found: []Reason{Queue}},
		{name: "all real hosts are down, and a sender tries only once", happens: func(w *world) {
			all(w.hosts, func(h *realHost) { h.down = true })
			s := postfix("12.1.0.25")
			s.retries = nil
			w.in(10*time.Minute, func() { w.send(s, "bob@example.org") })
			w.in(time.Hour, func() { all(w.hosts, func(h *realHost) { h.down = false }) })
		}, found: []Reason{Gap}},
		{name: "an outage between two probes, and a sender tries only once", happens: func(w *world) {
			all(w.hosts, func(h *realHost) { h.hidden = true })
			w.sendAll(stock())
			w.in(30*time.Second, func() { all(w.hosts, func(h *realHost) { h.hidden = false }) })
		}, found: []Reason{Seen}},
		{name: "an outage that only the senders see, for a day and a half", happens: func(w *world) {
			all(w.hosts, func(h *realHost) { h.hidden = true })
			w.sendAll(stock())
			w.in(36*time.Hour, func() { all(w.hosts, func(h *realHost) { h.hidden = false }) })
		}, found: []Reason{Queue}},
		{name: "the real hosts greylist", happens: func(w *world) {
			all(w.hosts, func(h *realHost) { h.greylists = true })
			w.sendAll(stock())
		}, found: []Reason{Seen}},
		{name: "postscreen puts off each new address before it hears of an envelope", happens: func(w *world) {
			all(w.hosts, func(h *realHost) { h.postscreen = true })
			w.sendAll(stock())
		}, found: []Reason{Seen}},
		{name: "postscreen, and a sender with IPv6 that the sink lacks", happens: func(w *world) {
			all(w.hosts, func(h *realHost) { h.postscreen = true })
			for i, s := range stock() {
				s.from6 = netip.AddrFrom16([16]byte{0x26, 0, 0x77, byte(i), 15: 25})
				w.send(s, "bob@example.org")
			}
		}, found: []Reason{Offered}},
		{name: "a greylisting real host with IPv6 before an IPv4-only sink", happens: func(w *world) {
			w.hosts[0].greylists = true
			w.hosts[1].down = true // for senders only
			w.hosts[1].down, w.hosts[1].hidden = false, true
			for i, s := range stock() {
				s.from6 = netip.AddrFrom16([16]byte{0x26, 0, 0x77, byte(i), 15: 25})
				w.send(s, "bob@example.org")
			}
		}, found: []Reason{Offered}},
		{name: "a burst of two hundred messages of one server", happens: func(w *world) {
			all(w.hosts, func(h *realHost) { h.greylists = true })
			for i := range 200 {
				w.in(time.Duration(i)*100*time.Millisecond, func() { w.send(postfix("12.1.0.25"), fmt.Sprintf("u%d@example.org", i)) })
			}
		}, found: []Reason{Seen}},
		{name: "runs of a queue through two days in which senders see no real host", happens: func(w *world) {
			all(w.hosts, func(h *realHost) { h.hidden = true })
			for i := range 10 {
				s := postfix("12.1.0.25")
				s.path = fmt.Sprintf("u%d@from.example.net", i)
				s.retries = []time.Duration{time.Hour, time.Hour, 4 * time.Hour, 16 * time.Hour, 20 * time.Hour}
				w.send(s, "bob@example.org")
			}
		}, found: []Reason{Queue}},
		{name: "a pool that tries again from another address of its /24", happens: func(w *world) {
			all(w.hosts, func(h *realHost) { h.hidden = true })
			w.send(postfix("12.1.0.25", "12.1.0.26", "12.1.0.27"), "bob@example.org")
			w.in(30*time.Minute, func() { all(w.hosts, func(h *realHost) { h.hidden = false }) })
		}, found: []Reason{Seen}},
		{name: "a pool that tries again at the real host from another /24", happens: func(w *world) {
			all(w.hosts, func(h *realHost) { h.hidden = true })
			w.send(postfix("12.1.0.25", "12.1.7.25"), "bob@example.org")
			w.in(time.Minute, func() { all(w.hosts, func(h *realHost) { h.hidden = false }) })
		}, found: []Reason{Offered}},
		{name: "a pool that tries again at the sink from the networks of two providers", happens: func(w *world) {
			all(w.hosts, func(h *realHost) { h.hidden = true })
			w.send(postfix("12.1.0.25", "14.7.7.7", "15.8.8.8"), "bob@example.org")
		}, found: []Reason{Queue}},
		{name: "the first retry comes after ten hours, from another network", happens: func(w *world) {
			all(w.hosts, func(h *realHost) { h.hidden = true })
			s := postfix("12.1.0.25", "14.7.7.7")
			s.retries = []time.Duration{10 * time.Hour, 10 * time.Hour}
			w.send(s, "bob@example.org")
		}, found: []Reason{Queue}},
		{name: "a bounce, and a callout with a null reverse path", happens: func(w *world) {
			w.visit(ip("12.1.0.25"), "out.example.net", mailFrom("<>", "bob@example.org"))
			w.visit(ip("12.1.1.25"), "out.example.net", mailFrom("<>", "ann@example.org"))
			w.visit(ip("12.1.1.25"), "out.example.net", mailFrom("<>", "bob@example.org"))
		}, counted: NullPath},
		{name: "a forwarder whose SPF doesn't pass", happens: func(w *world) {
			w.dns.txt["from.example.net"] = "v=spf1 ip4:16.1.1.1 -all"
			all(w.hosts, func(h *realHost) { h.hidden = true })
			s := postfix("12.1.0.25")
			s.path = "ann@from.example.net"
			w.send(s, "bob@example.org")
		}, found: []Reason{Queue}},
		{name: "one that SPF lets pass by its HELO name, and tries only once", happens: func(w *world) {
			w.dns.txt["out.example.net"] = "v=spf1 ip4:12.1.0.25 -all"
			w.visit(ip("12.1.0.25"), "out.example.net", mailFrom("ann@from.example.net", "bob@example.org"))
		}, found: []Reason{SPFPass}},
		{name: "one that SPF lets pass by one of its reverse paths, and tries only once", happens: func(w *world) {
			w.dns.txt["from.example.net"] = "v=spf1 ip4:12.1.0.25 -all"
			w.visit(ip("12.1.0.25"), "out.example.net", mailFrom("a@b.example", "bob@example.org"), mailFrom("ann@from.example.net", "ann@example.org"))
		}, found: []Reason{SPFPass}},
		{name: "the DNS of the sender's domain is dead", happens: func(w *world) {
			w.dns.dead["from.example.net"] = true
			w.visit(ip("12.1.0.25"), "out.example.net", mailFrom("ann@from.example.net", "bob@example.org"))
		}, found: []Reason{SPFError}},
		{name: "the DNS of the HELO name is dead", happens: func(w *world) {
			w.dns.dead["out.example.net"] = true
			w.visit(ip("12.1.0.25"), "out.example.net", mailFrom("ann@from.example.net", "bob@example.org"))
		}, found: []Reason{SPFError}},
		{name: "the DNS of our own domain is dead for a day", happens: func(w *world) {
			w.dns.dead[ourDomain] = true
			w.visit(ip("12.1.0.25"), "out.example.net", mailFrom("ann@from.example.net", "bob@example.org"))
			w.in(23*time.Hour, func() { w.dns.dead[ourDomain] = false })
		}, found: []Reason{MXUnknown}},
		{name: "a backup MX of ours hands on its mail", happens: func(w *world) {
			w.visit(second, "mx2.example.org", mailFrom("ann@from.example.net", "bob@example.org"))
			w.visit(second6, "mx2.example.org", mailFrom("ann@from.example.net", "ann@example.org"))
			w.visit(ip("11.0.2.99"), "out.example.org", mailFrom("ann@from.example.net", "cat@example.org"))
		}, found: []Reason{OwnHost}},
		{name: "a monitor that looks at the sink every ten minutes", happens: func(w *world) {
			for i := range 20 {
				w.in(time.Duration(i)*10*time.Minute, func() {
					w.visit(ip("12.1.0.25"), "monitor.example.net", mailFrom("monitor@example.net", "postmaster@example.org"))
				})
			}
		}, found: []Reason{Queue}},
		{name: "a monitor that names no recipient", happens: func(w *world) {
			w.visit(ip("12.1.0.25"), "monitor.example.net")
			w.visit(ip("12.1.0.25"), "monitor.example.net", mailFrom("monitor@example.net"))
		}, counted: NoRecipient},
		{name: "a monitor that asks for somebody else's domain", happens: func(w *world) {
			w.visit(ip("12.1.0.25"), "monitor.example.net", mailFrom("monitor@example.net", "test@example.net"))
		}, counted: NotOurs},
		{name: "a mailbox verifier that asks every MX, and never again", happens: func(w *world) {
			for _, h := range w.hosts {
				w.call(h, ip("12.1.0.25"), "check@verify.example.net", "bob@example.org")
			}
			w.visit(ip("12.1.0.25"), "verify.example.net", mailFrom("check@verify.example.net", "bob@example.org"))
		}, found: []Reason{Seen}},
		{name: "a feed of which all lines are three hours late", happens: func(w *world) {
			all(w.hosts, func(h *realHost) { h.late = 3 * time.Hour; h.greylists = true })
			w.in(time.Hour, func() {
				w.visit(ip("12.1.0.25"), "out.example.net", mailFrom("ann@from.example.net", "bob@example.org"))
			})
		}, found: []Reason{Gap}},
		{name: "a feed stops an hour after the visit", happens: func(w *world) {
			w.visit(ip("12.1.0.25"), "out.example.net", mailFrom("ann@from.example.net", "bob@example.org"))
			w.in(time.Hour, func() { all(w.hosts, func(h *realHost) { h.deaf = true }) })
		}, found: []Reason{Gap}},
		{name: "a feed stops half an hour before the visit, for ten minutes", happens: func(w *world) {
			w.in(time.Hour, func() { all(w.hosts, func(h *realHost) { h.deaf = true }) })
			w.in(70*time.Minute, func() { all(w.hosts, func(h *realHost) { h.deaf = false }) })
			w.in(90*time.Minute, func() {
				w.visit(ip("12.1.0.25"), "out.example.net", mailFrom("ann@from.example.net", "bob@example.org"))
			})
		}, found: []Reason{Gap}},
		{name: "the feed of one of two real hosts stops", happens: func(w *world) {
			w.visit(ip("12.1.0.25"), "out.example.net", mailFrom("ann@from.example.net", "bob@example.org"))
			w.in(12*time.Hour, func() { w.hosts[1].deaf = true })
		}, found: []Reason{Gap}},
		{name: "one of two real hosts is down for twenty minutes", happens: func(w *world) {
			w.visit(ip("12.1.0.25"), "out.example.net", mailFrom("ann@from.example.net", "bob@example.org"))
			w.in(12*time.Hour, func() { w.hosts[1].down = true })
			w.in(12*time.Hour+20*time.Minute, func() { w.hosts[1].down = false })
		}, found: []Reason{Gap}},
		{name: "the clock of a real host is a minute ahead", happens: func(w *world) {
			all(w.hosts, func(h *realHost) { h.clock = time.Minute; h.greylists = true })
			w.sendAll(stock())
		}, found: []Reason{Seen}},
		{name: "the clock of a real host is a minute behind", happens: func(w *world) {
			all(w.hosts, func(h *realHost) { h.clock = -time.Minute; h.greylists = true })
			w.sendAll(stock())
		}, found: []Reason{Seen}},
		{name: "the clocks of two sinks are a minute apart", happens: func(w *world) {
			all(w.hosts, func(h *realHost) { h.hidden = true })
			w.skew = time.Minute
			w.send(postfix("12.1.0.25", "14.7.7.7"), "bob@example.org")
			w.in(time.Minute, func() { w.skew = 0 })
		}, found: []Reason{Queue}},
		{name: "one that was at a real host six days and a half before", happens: func(w *world) {
			w.call(w.hosts[0], ip("12.1.0.77"), "eve@from.example.net", "bob@example.org")
			w.pass(156 * time.Hour)
			w.visit(ip("12.1.0.25"), "out.example.net", mailFrom("ann@from.example.net", "bob@example.org"))
			w.bots(3)
		}, found: []Reason{Seen}},
		{name: "one whose network comes to a real host within the day", happens: func(w *world) {
			w.visit(ip("2600:99:1:2::25"), "out.example.net", mailFrom("ann@from.example.net", "bob@example.org"))
			w.in(20*time.Hour, func() { w.call(w.hosts[0], ip("2600:99:1:ffff::1"), "eve@else.example.net", "bob@example.org") })
		}, found: []Reason{Seen}},
		{name: "a domain of ours with a mail host that is not ours", make: func(w *world, _ *Config) {
			w.dns.mx[ourDomain] = append(w.dns.mx[ourDomain], "mx.hoster.example")
			w.dns.addresses["mx.hoster.example"] = []netip.Addr{ip("16.1.1.1")}
		}, happens: func(w *world) {
			w.visit(ip("12.1.0.25"), "out.example.net", mailFrom("ann@from.example.net", "bob@example.org"))
		}, found: []Reason{Hosted}},
		{name: "a mail host of ours that is not ours when the visit is judged", happens: func(w *world) {
			w.visit(ip("12.1.0.25"), "out.example.net", mailFrom("ann@from.example.net", "bob@example.org"))
			w.in(time.Hour, func() {
				w.dns.mx[ourDomain] = append(w.dns.mx[ourDomain], "mx.hoster.example")
				w.dns.addresses["mx.hoster.example"] = []netip.Addr{ip("16.1.1.1")}
			})
		}, found: []Reason{Hosted}},
		{name: "no real host is known", make: func(_ *world, c *Config) { c.Hosts = nil }, happens: func(w *world) {
			w.visit(ip("12.1.0.25"), "out.example.net", mailFrom("ann@from.example.net", "bob@example.org"))
		}, found: []Reason{NoFeed}},
		{name: "the feed of one real host tells of nobody that it sends away before RCPT", make: func(w *world, _ *Config) { w.hosts[1].unlogged = true }, happens: func(w *world) {
			w.visit(ip("12.1.0.25"), "out.example.net", mailFrom("ann@from.example.net", "bob@example.org"))
		}, found: []Reason{NoFeed}},
		{name: "the feed of one real host tells no envelopes", make: func(w *world, _ *Config) { w.hosts[1].bare = true }, happens: func(w *world) {
			w.visit(ip("12.1.0.25"), "out.example.net", mailFrom("ann@from.example.net", "bob@example.org"))
		}, found: []Reason{NoEnvelopes}},
		{name: "the envelopes of one real host's feed stop, and its other lines don't", happens: func(w *world) {
			w.visit(ip("12.1.0.25"), "out.example.net", mailFrom("ann@from.example.net", "bob@example.org"))
			w.in(time.Hour, func() { w.hosts[1].bare = true })
		}, found: []Reason{EnvelopeGap}},
		{name: "one on the allow list", happens: func(w *world) {
			w.must(w.engine.Allow(netip.MustParsePrefix("12.1.0.0/22")))
			w.visit(ip("12.1.3.25"), "out.example.net", mailFrom("ann@from.example.net", "bob@example.org"))
		}, found: []Reason{Allowed}},
		{name: "one that was acquitted by hand after its visit", happens: func(w *world) {
			w.visit(ip("12.1.3.25"), "out.example.net", mailFrom("ann@from.example.net", "bob@example.org"))
			w.in(time.Hour, func() { w.must(w.engine.Acquit(ip("12.1.3.25"))) })
		}, found: []Reason{Acquitted}},
		{name: "another visit of a mail server, once a queue has shown that it is one", happens: func(w *world) {
			all(w.hosts, func(h *realHost) { h.hidden = true })
			w.send(postfix("12.1.0.25"), "bob@example.org")
			w.in(3*24*time.Hour, func() {
				w.visit(ip("12.1.0.25"), "out.example.net", mailFrom("eve@from.example.net", "bob@example.org"))
			})
			w.pass(3 * 24 * time.Hour)
		}, found: []Reason{Queue, Acquitted}},
		{name: "a mail server with one message that it tries once, and later one that it queues", happens: func(w *world) {
			all(w.hosts, func(h *realHost) { h.hidden = true })
			once := postfix("12.1.0.25")
			once.path, once.retries = "once@from.example.net", nil
			w.send(once, "bob@example.org")
			w.in(2*time.Hour, func() { w.send(postfix("12.1.0.25"), "bob@example.org") })
		}, found: []Reason{Cleared, Queue}},
		{name: "private, special and shared addresses", happens: func(w *world) {
			for i, a := range []string{"10.1.2.3", "192.168.1.1", "100.64.0.9", "127.0.0.1", "169.254.1.1", "198.51.100.1", "fe80::1", "fd00::1", "2001:db8::1", "2002:c00::1", "::ffff:10.1.2.4"} {
				w.visit(ip(a), "out.example.net", mailFrom(fmt.Sprintf("ann%d@from.example.net", i), "bob@example.org"))
			}
		}, counted: Special},
		{name: "a proxy hides who the clients are", alone: true, happens: func(w *world) {
			for i := range 30 {
				w.in(time.Duration(i)*time.Hour, func() {
					w.visit(ip("12.9.9.9"), fmt.Sprintf("out%d.example.net", i), mailFrom(fmt.Sprintf("ann%d@from.example.net", i), "bob@example.org"))
				})
			}
			w.pass(30 * time.Hour)
		}, found: []Reason{OneAddress}},
		{name: "a visit of which another sink tells an hour late", happens: func(w *world) {
			v := &visit.Visit{Time: w.now.Add(-time.Hour), Client: ip("12.1.0.25"), Sink: sinkAddress}
			v.Hear(&smtp.Heard{Recipients: 1, Mails: []smtp.Mail{mailFrom("ann@from.example.net", "bob@example.org")}}, w.store.Key())
			w.hear(v)
		}, counted: Late},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var change []func(*world, *Config)
			if c.make != nil {
				change = append(change, c.make)
			}
			w := newWorld(t, change...)
			if !c.alone {
				w.bots(3)
			}
			c.happens(w)
			w.judge()
			w.wantNone(c.found...)
			if c.counted != "" && w.verdicts[c.counted] == 0 {
				t.Errorf("found was %v, expected %s", w.verdicts, c.counted)
			}
			if len(w.arrived) == 0 {
				t.Error("nobody came to the sink")
			}
		})
	}
}

func TestNobodyIsListedBeforeAWeekOfFeeds(t *testing.T) {
	w := youngWorld(t)
	w.pass(Before - 2*time.Hour)
	w.every(time.Hour, w.round)
	w.bots(3)
	w.judge()
	if listed := w.listed(); len(listed) > 0 || w.verdicts[Young] != 3 {
		t.Errorf("listed are %v, found was %v", listed, w.verdicts)
	}
}

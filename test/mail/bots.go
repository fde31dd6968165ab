package main

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// A habit is how a simple bot walks an MX set: it returns the hosts it tries,
// in order. It never comes back later. The set is in the order of preference.
type habit struct {
	name string
	walk func(set []mx) []mx
	// reaches is the share of tries that a set lets through, by combinatorics:
	// takes says which hosts accept mail.
	reaches func(set []mx, takes func(mx) bool) float64
}

func habits() []habit {
	first := func(set []mx) []mx { return []mx{pick(tied(set, set[0].preference))} }
	last := func(set []mx) []mx { return []mx{pick(tied(set, set[len(set)-1].preference))} }
	return []habit{
		{"lowest only", first, func(set []mx, takes func(mx) bool) float64 {
			return share(tied(set, set[0].preference), takes)
		}},
		{"highest only", last, func(set []mx, takes func(mx) bool) float64 {
			return share(tied(set, set[len(set)-1].preference), takes)
		}},
		{"one at random", func(set []mx) []mx { return []mx{pick(set)} }, share},
		{"lowest, then highest", func(set []mx) []mx { return append(first(set), last(set)...) },
			func(set []mx, takes func(mx) bool) float64 {
				low := share(tied(set, set[0].preference), takes)
				high := share(tied(set, set[len(set)-1].preference), takes)
				return 1 - (1-low)*(1-high)
			}},
		{"all in order", func(set []mx) []mx { return set }, func(set []mx, takes func(mx) bool) float64 {
			if share(set, takes) > 0 {
				return 1
			}
			return 0
		}},
	}
}

func pick(set []mx) mx { return set[rand.IntN(len(set))] }

// tied returns the records of one preference.
func tied(set []mx, preference int) []mx {
	var same []mx
	for _, m := range set {
		if m.preference == preference {
			same = append(same, m)
		}
	}
	return same
}

// share is the part of the set's hosts that take mail.
func share(set []mx, takes func(mx) bool) float64 {
	n := 0
	for _, m := range set {
		if takes(m) {
			n++
		}
	}
	return float64(n) / float64(len(set))
}

// A botRow is one habit against one shape.
type botRow struct {
	habit, what string
	tries       int
	reached     int // a real host took the message
	predicted   float64
}

// botShapes are the shapes whose sets differ for a bot.
var botShapes = []string{"none", "highest", "lowest4", "primary", "many", "tight", "zero", "max"}

// runBots lets every habit loose on every shape.
func (l *laboratory) runBots(shapes []*shape, tries int) ([]botRow, error) {
	var rows []botRow
	for _, label := range botShapes {
		s := shapeOf(shapes, label)
		for _, h := range habits() {
			r, err := l.runBot(h, s, tries, sortedSet(l.bots))
			if err != nil {
				return nil, fmt.Errorf("bot %q at %s: %w", h.name, s.zone(), err)
			}
			rows = append(rows, r)
		}
		l.say("bots: %s: done", s.what)
	}
	return rows, nil
}

func (l *laboratory) runBot(h habit, s *shape, tries int, ask func(*shape) ([]mx, error)) (botRow, error) {
	takes := func(m mx) bool { return s.takes(m.host) }
	r := botRow{habit: h.name, what: s.what, tries: tries, predicted: h.reaches(s.want, takes)}
	for range tries {
		set, err := ask(s)
		if err != nil {
			return r, err
		}
		id := fmt.Sprintf("b%d", serial.Add(1))
		for _, m := range h.walk(set) {
			addr, err := l.bots.address(m.host + "." + s.zone())
			if err != nil {
				return r, err
			}
			taken, _, err := l.drop(addr, id, id+"@"+strings.TrimSuffix(s.zone(), "."))
			if err != nil {
				return r, err
			}
			if taken {
				break
			}
		}
		// The host's own record counts, not what the bot believes.
		for _, receipt := range l.ledger.of(id) {
			if !s.isFake(receipt.host) {
				r.reached++
				break
			}
		}
	}
	return r, nil
}

// takes reports whether the host accepts mail.
func (s *shape) takes(name string) bool {
	for _, h := range s.hosts {
		if h.name == name {
			return s.up(name)
		}
	}
	return false
}

// drop is a bot's whole protocol: one address, one connection, one message. It
// returns whether that was taken, and else the last reply, if there was one.
func (l *laboratory) drop(addr netip.Addr, id, to string) (taken bool, reply string, err error) {
	var conn net.Conn
	err = l.bots.node.do(func() error {
		var err error
		conn, err = net.DialTimeout("tcp", netip.AddrPortFrom(addr, 25).String(), answerWithin)
		return err
	})
	if err != nil {
		return false, "", nil // refused: a bot doesn't care why
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(silence)); err != nil {
		return false, "", err
	}
	in := bufio.NewReader(conn)
	for _, line := range []string{
		"", "HELO bot.example.net", "MAIL FROM:<" + id + "@bounce.example.net>",
		"RCPT TO:<" + to + ">", "DATA", "Subject: bot\r\n\r\nbot\r\n.",
	} {
		if line != "" {
			if _, err := conn.Write([]byte(line + "\r\n")); err != nil {
				return false, "", err
			}
		}
		if reply, err = in.ReadString('\n'); err != nil {
			return false, "", err
		}
		if reply[0] > '3' {
			return false, strings.TrimSpace(reply), nil
		}
	}
	return true, "", nil
}

// address is the host's first IPv4 address, or its first IPv6 one.
func (r *resolver) address(host string) (netip.Addr, error) {
	for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
		answer, err := r.lookup(host, qtype)
		if err != nil {
			return netip.Addr{}, err
		}
		if addrs := addressesOf(answer); len(addrs) > 0 {
			return addrs[0], nil
		}
	}
	return netip.Addr{}, errors.New(host + " has no address")
}

// addressesOf reads the addresses in an answer.
func addressesOf(answer *dns.Msg) []netip.Addr {
	var addrs []netip.Addr
	for _, rr := range answer.Answer {
		switch rr := rr.(type) {
		case *dns.A:
			addr, _ := netip.AddrFromSlice(rr.A.To4())
			addrs = append(addrs, addr)
		case *dns.AAAA:
			addr, _ := netip.AddrFromSlice(rr.AAAA)
			addrs = append(addrs, addr)
		}
	}
	return addrs
}

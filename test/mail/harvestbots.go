package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/textproto"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A walk is the hosts that a bot calls in one go, of a set in the order of
// preference, until one takes its message.
type walk func(set []mx) []mx

func highest(set []mx) []mx { return set[len(set)-1:] }

func upwards(set []mx) []mx { return set }

func downwards(set []mx) []mx {
	set = slices.Clone(set)
	slices.Reverse(set)
	return set
}

// A course is what bots of one kind do: a message on the first day, and another
// a day later. What they are known for by then is the list's doing.
type course struct {
	what string
	day  walk
	hour walk // within the hour, the same message again; nil if they don't
	next walk // the other message, a day later
	// again says that they try that once more, some minutes after it was put off.
	again bool
	spf   bool // SPF of their reverse paths passes

	listed bool
	// reach is whether the second message comes into the mailbox of each of the
	// treatments.
	reach map[string]bool
}

func courses() []course {
	everywhere := map[string]bool{plainLabel: true, defersLabel: true, scoresLabel: true}
	unlisted := map[string]bool{plainLabel: true}
	return []course{
		{what: "only to the highest, each time", day: highest, next: highest, listed: true},
		{what: "to the highest, a day later from the lowest up", day: highest, next: upwards, listed: true, reach: unlisted},
		{what: "the same, and once more when put off", day: highest, next: upwards, again: true, listed: true,
			reach: map[string]bool{plainLabel: true, defersLabel: true}},
		{what: "to the highest, within the hour from the lowest up, and so a day later", day: highest, hour: upwards, next: upwards, reach: everywhere},
		{what: "from the highest down, each time", day: downwards, next: downwards, reach: everywhere},
		{what: "from the lowest up, each time", day: upwards, next: upwards, reach: everywhere},
		{what: "to the highest, a day later from the lowest up, with an SPF pass", day: highest, next: upwards, spf: true, reach: everywhere},
	}
}

// A harvestBot follows its course at one domain, from an address of its own.
type harvestBot struct {
	*course
	shape *shape
	addr  netip.Addr

	id      string   // of the message at hand
	replies []string // with which it was turned away
	taken   bool
	broken  error
}

// crowdPrefix has the addresses of the bots, and of the senders beside them. Those
// for documentation are never listed. It is as good as any other, since the
// laboratory has no way out of it.
const crowdPrefix = "24.0.0.0/8"

// crowdAddr is an address in the nth /24 of them.
func crowdAddr(n int) netip.Addr {
	const host = 10
	return netip.AddrFrom4([4]byte{24, byte(n >> 8), byte(n), host})
}

// harvestBots makes some of each course for each domain.
func harvestBots(all []course, shapes []*shape, each int) []*harvestBot {
	var bots []*harvestBot
	for i := range all {
		for _, s := range shapes {
			for range each {
				bots = append(bots, &harvestBot{course: &all[i], shape: s, addr: crowdAddr(len(bots))})
			}
		}
	}
	return bots
}

// from is the reverse path of the message.
func (b *harvestBot) from() string {
	if b.spf {
		return b.id + "@" + spfDomain
	}
	return b.id + "@bounce.example.net"
}

// spfDomain is one that allows all of crowdPrefix.
const spfDomain = "spf.example.net"

// botName is what they all call themselves.
const botName = "pool.example.net"

// another gives the bot its next message.
func (b *harvestBot) another() {
	b.id, b.taken, b.replies = fmt.Sprintf("b%d", serial.Add(1)), false, nil
}

// atOnce is how many bots call at a time.
const atOnce = 100

// loose has each bot that go picks carry out a walk, many at a time.
func (l *laboratory) loose(bots []*harvestBot, choose func(*harvestBot) walk) error {
	slots := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for _, b := range bots {
		w := choose(b)
		if w == nil {
			continue
		}
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			b.broken = l.carry(b, w)
		})
	}
	all.Wait()
	var errs []error
	for _, b := range bots {
		if b.broken != nil {
			errs = append(errs, fmt.Errorf("bot %v, %s: %w", b.addr, b.what, b.broken))
		}
	}
	return errors.Join(errs...)
}

// carry brings the bot's message to the hosts of a walk.
func (l *laboratory) carry(b *harvestBot, w walk) error {
	zone := b.shape.zone()
	set, _, err := l.bots.mxSet(zone, zone)
	if err != nil {
		return err
	}
	for _, m := range w(set) {
		name := m.host
		if name[len(name)-1] != '.' {
			name += "." + zone
		}
		addr, err := l.bots.address(name)
		if err != nil {
			return err
		}
		if err := l.bring(b, addr); err != nil || b.taken {
			return err
		}
	}
	return nil
}

// bring brings the message to one host. A refused connection is no error: a bot
// doesn't care why.
func (l *laboratory) bring(b *harvestBot, addr netip.Addr) error {
	var conn net.Conn
	err := l.bots.node.do(func() error {
		dialer := net.Dialer{Timeout: answerWithin, LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(b.addr, 0))}
		var err error
		conn, err = dialer.Dial("tcp", netip.AddrPortFrom(addr, 25).String())
		return err
	})
	if errors.Is(err, syscall.ECONNREFUSED) {
		return nil
	}
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(silence)); err != nil {
		return err
	}
	text := textproto.NewConn(conn)
	to := b.id + "@" + domainOf(b.shape.label)
	for _, line := range []string{
		"", "HELO " + botName, "MAIL FROM:<" + b.from() + ">", "RCPT TO:<" + to + ">", "DATA",
		strings.ReplaceAll(message(b.from(), to), "\n", "\r\n") + ".",
	} {
		if line != "" {
			if _, err := io.Copy(conn, bytes.NewBufferString(line+"\r\n")); err != nil {
				return err
			}
		}
		code, said, err := text.ReadResponse(0)
		if code == 0 {
			return err
		}
		if code >= 400 {
			b.replies = append(b.replies, fmt.Sprintf("%d %s", code, said))
			return nil
		}
	}
	b.taken = true
	return nil
}

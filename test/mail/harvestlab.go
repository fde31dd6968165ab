package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// A harvestLab is the laboratory with all that belongs to the harvest.
type harvestLab struct {
	*laboratory

	shapes []*shape // one a treatment
	crowd  []*harvestBot
	sink   *clockedSink
	host   *station // the real one
	boxes  *mailboxes
	honest []*station
	// wronged is an honest one too, which gets listed.
	wronged *station
}

// Where the real host is, and its neighbours would be.
var realAddr = netip.MustParseAddr("192.0.2.25")

// assembleHarvest builds the laboratory, with so many bots a course and domain.
func assembleHarvest(ctx context.Context, o *harvestOptions, progress io.Writer) (*harvestLab, error) {
	l, err := assemble(progress)
	if err != nil {
		return nil, err
	}
	l.network.onLink = append([]string{crowdPrefix}, documentation...)
	h := &harvestLab{laboratory: l}
	p := newPlan()
	start := p.start()
	h.shapes = treated(p)
	server := h.shapes[0].highest[0].addrs[0]
	mail := realHost(server, map[bool]time.Duration{false: greetWait, true: shortGreetWait}[o.short])
	list := honestSenders(o.short)
	var binaries map[string]string
	var found map[string]*installed
	err = together(
		func() (err error) {
			binaries, err = h.buildAll(ctx)
			return err
		},
		func() (err error) {
			found, err = l.install(ctx, o.debs, append([]software{{packages: []string{unboundPackage}}, mail.software}, softwareOf(list)...)...)
			return err
		},
	)
	if err != nil {
		return nil, err
	}
	if err := h.publishHarvest(ctx, binaries["cmd/coredns"], p, list); err != nil {
		return nil, err
	}
	l.versions["Postfix"], l.versions["rspamd"] = found[postfixPackage.key()].version, found[mail.key()].version
	if l.resolvers, err = newRoot("resolvers", found[software{packages: []string{unboundPackage}}.key()].root); err != nil {
		return nil, err
	}
	h.crowd = harvestBots(courses(), h.shapes, o.each)
	err = together(
		func() error { return h.openReal(ctx, mail, found, server) },
		func() error { return h.manHarvest(ctx, list, found) },
		func() error { return h.openBots(ctx) },
		func() error {
			_, err := startResolver(ctx, l.resolvers, l.sinks, nil)
			return err
		},
	)
	if err != nil {
		return nil, err
	}
	last := len(h.stations) - 1
	h.honest, h.wronged = h.stations[:last], h.stations[last]
	if h.sink, err = h.startClocked(binaries, server); err != nil {
		return nil, err
	}
	return h, together(
		func() error { return l.warmUp(ctx, start) },
		func() error {
			h.say("a week of probes begins")
			return h.sink.goOn(feedAge)
		},
	)
}

// together calls all functions at once and returns what went wrong.
func together(all ...func() error) error {
	errs := make([]error, len(all))
	var running sync.WaitGroup
	for i, f := range all {
		running.Go(func() { errs[i] = f() })
	}
	running.Wait()
	return errors.Join(errs...)
}

// honestSenders are those of a run. The last one is the one that gets listed.
func honestSenders(short bool) []*sender {
	list := []*sender{postfix()}
	if !short {
		list = append(list, exim())
	}
	wronged := postfix()
	wronged.name = "Postfix, listed"
	return append(list, wronged)
}

func softwareOf(senders []*sender) []software {
	list := make([]software, len(senders))
	for i, s := range senders {
		list[i] = s.software
	}
	return list
}

// buildAll builds the programs of fakemx's own module.
func (h *harvestLab) buildAll(ctx context.Context) (map[string]string, error) {
	binaries := map[string]string{}
	for _, command := range []string{"cmd/coredns", "cmd/fakemx", "test/harvest"} {
		h.say("building ./%s", command)
		binaries[command] = filepath.Join(place, strings.ReplaceAll(command, "/", "-"))
		if err := buildProgram(ctx, command, binaries[command]); err != nil {
			return nil, err
		}
	}
	return binaries, nil
}

// treated plans the domains, which have one real host together.
func treated(p *plan) []*shape {
	const realHostName = realName + ".example.net."
	shapes := make([]*shape, len(treatments))
	for i, label := range treatments {
		shapes[i] = p.add(&shape{
			label: label, what: label,
			real:     []mx{{10, realHostName}},
			hosts:    []host{{realHostName, []netip.Addr{realAddr}}},
			receiver: realHostName,
			lowest:   p.sinks(onlyV4, "fake0"),
			highest:  p.sinks(onlyV4, "fake1"),
			want:     []mx{{0, "fake0"}, {10, realHostName}, {20, "fake1"}},
			lingers:  time.Minute, // postscreen's and rspamd's time
		})
	}
	return shapes
}

// listDir is where the lists are written.
var listDir = filepath.Join(place, "lists")

// publishHarvest starts the name servers, the list's among them.
func (h *harvestLab) publishHarvest(ctx context.Context, coredns string, p *plan, list []*sender) error {
	dir, err := workplace()
	if err != nil {
		return err
	}
	key, err := newSigningKey()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(listDir, 0o755); err != nil {
		return err
	}
	forward, reverse := addressRecords(list)
	change := p.changing() // the name servers have one whose fakes could change
	return h.publish(ctx, &publisher{
		binary: coredns, dir: dir, key: key,
		records: "bl NS ns\nspf TXT \"v=spf1 ip4:" + crowdPrefix + " -all\"\nspf MX 10 bouncehost\n" + forward,
		reverse: reverse,
		further: fmt.Sprintf("%s {\n    bind %s\n    errors\n    file %s {\n        reload 2s\n    }\n}\n",
			listZone, nameServer, filepath.Join(listDir, "db."+listZone)),
	}, p.shapes, change)
}

// addressRecords are those of the honest senders, which have names as mail servers
// do, in example.net and in the reverse tree; and of the name that bots call
// themselves, which is none of theirs.
func addressRecords(list []*sender) (forward, reverse string) {
	var names, addrs strings.Builder
	fmt.Fprintf(&names, "%s. A %v\n", botName, crowdAddr(firstHonest-1))
	for i, s := range list {
		addr := crowdAddr(firstHonest + i)
		o := addr.As4()
		fmt.Fprintf(&names, "%s. A %v\n", hostName(s.name), addr)
		fmt.Fprintf(&addrs, "%d.%d.%d.%d.in-addr.arpa. PTR %s.\n", o[3], o[2], o[1], o[0], hostName(s.name))
	}
	return names.String(), addrs.String()
}

// firstHonest is the /24 of the first honest sender. No bot comes so far.
const firstHonest = 0xff00

// openReal starts the real host.
func (h *harvestLab) openReal(ctx context.Context, s *sender, found map[string]*installed, server netip.Addr) error {
	n, res, err := h.resolving(ctx, hostName(s.name), nil, realAddr)
	if err != nil {
		return err
	}
	r, err := newRoot(n.name, found[s.key()].root)
	if err != nil {
		return err
	}
	if h.host, err = s.open(ctx, n, r, res, realAddr); err != nil {
		return err
	}
	h.boxes = newMailboxes(h.host.container)
	h.say("the real host is up")
	return tellLines(h.host, server)
}

// manHarvest starts the honest senders, each in a /24 of its own.
func (h *harvestLab) manHarvest(ctx context.Context, list []*sender, found map[string]*installed) error {
	h.stations = make([]*station, len(list))
	opening := make([]func() error, len(list))
	for i, s := range list {
		opening[i] = func() error {
			addr := crowdAddr(firstHonest + i)
			n, res, err := h.resolving(ctx, hostName(s.name), nil, addr)
			if err != nil {
				return err
			}
			r, err := newRoot(n.name, found[s.key()].root)
			if err != nil {
				return err
			}
			h.stations[i], err = s.open(ctx, n, r, res, addr)
			h.say("%s is up", s.name)
			return err
		}
	}
	return together(opening...)
}

// openBots makes the host of the bots, which has all of their addresses.
func (h *harvestLab) openBots(ctx context.Context) error {
	addrs := []netip.Addr{botAddr}
	for _, b := range h.crowd {
		addrs = append(addrs, b.addr)
	}
	var err error
	_, h.bots, err = h.resolving(ctx, "bots", nil, addrs...)
	return err
}

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// feedsContained has each mail server of docs/sink.md, "Telling it who came to the
// real hosts", tell the sink server who came, with the set-up of the document word
// for word: first its line of the probe must come back, then those of clients.
//
//	go -C test/mail run . feeds
func feedsContained(args []string, stdout, progress io.Writer) error {
	f := flag.NewFlagSet("mail "+feedsCommand, flag.ContinueOnError)
	f.SetOutput(progress)
	only := f.String("servers", "", "only these mail servers, comma-separated")
	debs := f.String("debs", "", "keep the Debian packages in this `directory` for the next run")
	if err := f.Parse(args); err != nil {
		return err
	}
	if f.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q, expected only flags", f.Arg(0))
	}
	guide, err := readGuide()
	if err != nil {
		return err
	}
	hosts, err := chooseHosts(feedHosts(guide), *only)
	if err != nil {
		return err
	}
	if err := errors.Join(guide.missed(), furnish()); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	l := &feedLab{laboratory: &laboratory{progress: progress}}
	if err := l.prepare(ctx, *debs, hosts); err != nil {
		return err
	}
	began := time.Now()
	running := make([]func() error, len(hosts))
	for i, h := range hosts {
		running[i] = func() error {
			if err := l.tells(ctx, i, h, stdout); err != nil {
				return fmt.Errorf("%s: %w", h.title, err)
			}
			return nil
		}
	}
	err = together(running...)
	l.say("took %.0f s without what was built and installed", time.Since(began).Seconds())
	return err
}

func chooseHosts(all []*feedHost, only string) ([]*feedHost, error) {
	if only == "" {
		return all, nil
	}
	var chosen []*feedHost
	for title := range strings.SplitSeq(only, ",") {
		i := slices.IndexFunc(all, func(h *feedHost) bool { return strings.EqualFold(h.title, title) })
		if i < 0 {
			return nil, fmt.Errorf("-servers: no mail server %q", title)
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

// A feedLab is what the hosts have in common. Each has a network of its own, with
// the addresses of the document.
type feedLab struct {
	*laboratory
	fakemx, prover string // programs
}

// prepare builds and installs.
func (l *feedLab) prepare(ctx context.Context, debs string, hosts []*feedHost) error {
	l.fakemx, l.prover = filepath.Join(place, "fakemx"), filepath.Join(place, "feeds")
	var wanted []software
	getting := []func() error{
		func() error {
			return errors.Join(buildProgram(ctx, "cmd/fakemx", l.fakemx), buildProgram(ctx, "test/feeds", l.prover))
		},
	}
	for _, h := range hosts {
		if h.get == nil {
			wanted = append(wanted, h.software)
			continue
		}
		getting = append(getting, func() (err error) {
			h.installed, err = h.get(ctx, l.laboratory, debs)
			return err
		})
	}
	getting = append(getting, func() error {
		found, err := l.install(ctx, debs, wanted...)
		for _, h := range hosts {
			if h.get == nil {
				h.installed = found[h.key()]
			}
		}
		return err
	})
	return together(getting...)
}

// Where everybody is. The first two stand in the document.
var (
	feedHostAddr = netip.MustParseAddr("192.0.2.25")
	judgeAddr    = netip.MustParseAddr("192.0.2.30")
	// awayAddr comes to the sink alone.
	awayAddr = netip.MustParseAddr("203.0.113.7")
)

// visitors come to the real host and to the sink: one that goes as soon as it is
// greeted, one that takes its leave, and one that is refused.
var visitors = []struct {
	addr netip.Addr
	says []string
}{
	{netip.MustParseAddr("198.51.100.10"), nil},
	{netip.MustParseAddr("198.51.100.11"), []string{"QUIT"}},
	{netip.MustParseAddr("198.51.100.12"), []string{
		"EHLO client.example.net", "MAIL FROM:<a@client.example.net>", "RCPT TO:<nobody@elsewhere.example>", "QUIT",
	}},
}

// tells starts one host and the sink servers that it tells, and sends clients.
func (l *feedLab) tells(ctx context.Context, i int, h *feedHost, stdout io.Writer) error {
	w, err := newNetwork()
	if err != nil {
		return err
	}
	host, err := newNode("mail")
	if err != nil {
		return err
	}
	clients, err := newNode("clients")
	if err != nil {
		return err
	}
	addrs := []netip.Addr{awayAddr}
	for _, v := range visitors {
		addrs = append(addrs, v.addr)
	}
	if err := errors.Join(w.attach(host, feedHostAddr), w.attach(clients, addrs...)); err != nil {
		return err
	}
	name := fmt.Sprintf("feed%d", i)
	r, err := newRoot(name, h.installed.root)
	if err != nil {
		return err
	}
	if _, err := h.open(ctx, host, r, nil, feedHostAddr); err != nil {
		return err
	}
	if err := greeted(host, netip.AddrPortFrom(feedHostAddr, 25)); err != nil {
		return errors.Join(err, h.tail(r))
	}
	judges := []*judge{{what: "on its own machine", node: host, root: r, addr: feedHostAddr, flags: h.near}}
	if h.far != nil {
		node, err := newNode("sink")
		if err != nil {
			return err
		}
		if err := w.attach(node, judgeAddr); err != nil {
			return err
		}
		root, err := newRoot(name+"far", nil)
		if err != nil {
			return err
		}
		judges = append(judges, &judge{what: "on another machine", node: node, root: root, addr: judgeAddr, flags: h.far})
	}
	if err := l.convince(ctx, judges, clients); err != nil {
		return errors.Join(err, h.tail(r))
	}
	for _, j := range judges {
		fmt.Fprintf(stdout, "%s tells the sink server %s who came (%s)\n", h.title, j.what, strings.Join(j.flags, " "))
	}
	return nil
}

// convince has the judges learn who came.
func (l *feedLab) convince(ctx context.Context, judges []*judge, clients *node) error {
	each := func(f func(j *judge) error) error {
		all := make([]func() error, len(judges))
		for i, j := range judges {
			all[i] = func() error {
				if err := f(j); err != nil {
					return fmt.Errorf("sink server %s: %w; it said: %s", j.what, err, j.complaints())
				}
				return nil
			}
		}
		return together(all...)
	}
	err := each(func(j *judge) error {
		if err := j.start(ctx, l.fakemx, l.prover); err != nil {
			return err
		}
		return j.proven()
	})
	if err != nil {
		return err
	}
	for _, v := range visitors {
		if _, err := converse(clients, v.addr, netip.AddrPortFrom(feedHostAddr, 25), v.says...); err != nil {
			return fmt.Errorf("client %v at the real host: %w", v.addr, err)
		}
	}
	return each(func(j *judge) error {
		for _, v := range visitors {
			if err := j.visit(clients, v.addr); err != nil {
				return err
			}
		}
		if err := j.visit(clients, awayAddr); err != nil {
			return err
		}
		return j.learns(ctx)
	})
}

// tail is the end of the host's log, as an error.
func (h *feedHost) tail(r *root) error {
	const most = 4 << 10
	text, err := os.ReadFile(filepath.Join(r.dir, h.log))
	if err != nil {
		return err
	}
	return fmt.Errorf("%s ends with:\n%s", h.log, text[max(0, len(text)-most):])
}

package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// A receiver is a stock mail server that takes mail for domains which it knows,
// in one way or another, by their MX sets. It runs as a sender does.
type receiver struct {
	*sender
	option   string          // by which it knows them, as its documentation writes it
	second   bool            // it is the backup of a host elsewhere
	passes   bool            // it takes mail with a lowest fake as without
	settings func() []string // of Postfix, for its domains
	arrivals []*arrival
	addr     netip.Addr
	station  *station
}

// An arrangement is what the receiver and the world see of its domain's fakes.
type arrangement struct {
	label, what    string
	highest        []string
	lowest, viewed bool
}

var arrangements = []arrangement{
	{label: "none", what: "no fakes"},
	{label: "high", what: "two highest", highest: []string{"fake30", "fake40"}},
	{label: "low", what: "one lowest", lowest: true},
	{label: "view", what: "one lowest, and a view", lowest: true, viewed: true},
}

// An arrival is one message that comes to a receiver from outside.
type arrival struct {
	arrangement
	shape *shape
	id    string // of the message: its recipient's local part

	reply  string // with which it was turned away
	result try
	broken error
}

func (a *arrival) to() string { return a.id + "@" + strings.TrimSuffix(a.shape.zone(), ".") }

// receive plans the domains of the receivers, a domain an arrangement.
func (p *plan) receive(list []*receiver) {
	for _, r := range list {
		own := p.servers(onlyV4, hostName(r.name)+".")[0]
		r.addr = own.addrs[0]
		for _, a := range arrangements {
			s := &shape{
				label: a.label + "-" + strings.TrimSuffix(hostName(r.name), ".example.net"), what: r.option + ", " + a.what,
				receiver: own.name, hosts: []host{own}, real: []mx{{20, own.name}},
				plain: !a.lowest && a.highest == nil, highest: p.sinks(onlyV4, a.highest...),
			}
			if r.second {
				s.hosts = append(s.hosts, p.servers(onlyV4, "mail")...)
				s.real = append(s.real, mx{10, "mail"})
				sortSet(s.real)
			}
			s.want = slices.Clone(s.real)
			if a.lowest {
				s.lowest = p.sinks(onlyV4, "fake0")
				s.want = append(s.want, mx{s.real[0].preference - 10, "fake0"})
			}
			for i, h := range s.highest {
				s.want = append(s.want, mx{30 + 10*i, h.name})
			}
			if a.viewed {
				s.inside = r.addr
			}
			r.arrivals = append(r.arrivals, &arrival{arrangement: a, shape: p.add(s), id: fmt.Sprintf("m%d", serial.Add(1))})
		}
	}
}

// viewed is the arrival for which the receiver sees the plain set.
func (r *receiver) viewed() *arrival {
	return r.arrivals[slices.IndexFunc(r.arrivals, func(a *arrival) bool { return a.viewed })]
}

// zones lists the receiver's domains.
func (r *receiver) zones() []string {
	zones := make([]string, len(r.arrivals))
	for i, a := range r.arrivals {
		zones[i] = strings.TrimSuffix(a.shape.zone(), ".")
	}
	return zones
}

// aliases is the file that sends every user's mail to the host of the mailboxes,
// where it is seen.
func (r *receiver) aliases() string {
	var b strings.Builder
	for _, a := range r.arrivals {
		fmt.Fprintf(&b, "%s: %s@users.example.net\n", a.id, a.id)
	}
	return b.String()
}

// employ starts a receiver.
func (l *laboratory) employ(ctx context.Context, r *receiver, over *root, anchors []*dns.DNSKEY) error {
	n, res, err := l.resolving(ctx, hostName(r.name), anchors, r.addr)
	if err != nil {
		return err
	}
	own, err := newRoot(n.name, over)
	if err != nil {
		return err
	}
	r.station, err = r.open(ctx, n, own, res, r.addr)
	return err
}

// readied waits until the receiver takes connections.
func (l *laboratory) readied(r *receiver) error {
	return l.bots.node.do(func() error { return listening(netip.AddrPortFrom(r.addr, 25).String()) })
}

// receive offers every receiver one message a domain.
func (l *laboratory) receive(ctx context.Context) {
	var all sync.WaitGroup
	for _, r := range l.receivers {
		all.Go(func() {
			err := l.readied(r)
			var each sync.WaitGroup
			for _, a := range r.arrivals {
				if a.broken = err; err == nil {
					each.Go(func() { a.broken = l.offer(ctx, r, a) })
				}
			}
			each.Wait()
			for _, a := range r.arrivals {
				l.say("%s: %s: %s", r.name, a.what, a.brief())
			}
		})
	}
	all.Wait()
}

// offer brings the message and follows it, through one run of the queue if it
// has not come to a mailbox.
func (l *laboratory) offer(ctx context.Context, r *receiver, a *arrival) error {
	want := a.shape.want
	if a.viewed {
		want = a.shape.real
	}
	got, _, err := r.station.resolver.mxSet(a.shape.zone(), a.shape.zone())
	if err != nil {
		return err
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		return fmt.Errorf("%s MX: the receiver sees %v, expected %v", a.shape.zone(), got, want)
	}
	f := &followed{lab: l, station: r.station, shape: a.shape, names: a.shape.names(), id: a.id, to: a.to(), start: time.Now()}
	taken, reply, err := l.drop(r.addr, a.id, a.to())
	if err != nil || !taken {
		a.reply = reply
		return err
	}
	rouses := r.station.rouses
	if !a.stops(r) {
		rouses = patience
	}
	if a.result = f.waitFor(ctx, rouses); a.result.fate == queued {
		a.result, err = f.flushed(ctx)
	}
	return err
}

// stops reports whether the receiver is known to turn the message away or to
// keep it.
func (a *arrival) stops(r *receiver) bool { return a.lowest && !a.viewed && !r.passes }

// brief is what became of the message, in a few words.
func (a *arrival) brief() string {
	switch {
	case a.broken != nil:
		return "not carried out: " + a.broken.Error()
	case a.reply != "":
		return plainReply(a.reply)
	case a.result.fate == delivered:
		return "taken"
	default:
		return fmt.Sprintf("%s, tried %s", a.result.fate, orderOf(a.result.called))
	}
}

// plainReply is the first sentence of a reply, without its enhanced status code
// and the recipient.
func plainReply(reply string) string {
	code, text, _ := strings.Cut(reply, " ")
	if status, rest, ok := strings.Cut(text, " "); ok && strings.Trim(status, "0123456789.") == "" {
		text = rest
	}
	if _, rest, ok := strings.Cut(text, ">"); ok && strings.HasPrefix(text, "<") {
		text = rest
	} else if before, rest, ok := strings.Cut(text, "... "); ok && strings.Contains(before, "@") {
		text = rest
	}
	text, _, _ = strings.Cut(strings.TrimLeft(text, ":. "), ". ")
	return code + " " + text
}

// judge complains if the receiver loses a message that it is not known to lose,
// or the reverse.
func (r *receiver) judge() error {
	var errs []error
	for _, a := range r.arrivals {
		lost := a.reply != "" || a.result.fate != delivered
		switch {
		case a.broken != nil:
			errs = append(errs, fmt.Errorf("%s: %s: %w", r.name, a.what, a.broken))
		case lost != a.stops(r):
			errs = append(errs, fmt.Errorf("%s: %s: %s, expected lost: %v", r.name, a.what, a.brief(), a.stops(r)))
		}
	}
	return errors.Join(errs...)
}

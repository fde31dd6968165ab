package main

import (
	"fmt"
	"net/netip"

	"github.com/miekg/dns"
)

// A way is how a bot that doesn't sort gets the set, of which it takes the first
// record as answered.
type way struct {
	name   string
	label  string // of the shapes that it asks for begins with this
	direct bool   // it asks the name server, and not a resolver
	turned bool   // the order of the answer is random
}

// unsortedLabel is what the labels of the shapes with loadbalance begin with.
const unsortedLabel = "mixed-"

// ways lists them. Unbound turns the records of a set by default
// (rrset-roundrobin), as many resolvers do.
func ways() []way {
	return []way{
		{"name server", "", true, false},
		{"name server with *loadbalance*", unsortedLabel, true, true},
		{"through Unbound", "", false, true},
	}
}

// unsortedShapes are the sets that such bots are tried on.
var unsortedShapes = []string{"none", "highest", "lowest4", "many"}

// unsorted makes twins of these shapes that loadbalance turns.
func (p *plan) unsorted() {
	for _, label := range unsortedShapes {
		s := *shapeOf(p.shapes, label)
		s.label, s.mixed = unsortedLabel+label, true
		s.hosts, s.lowest, s.highest = p.again(s.hosts, p.servers), p.again(s.lowest, p.sinks), p.again(s.highest, p.sinks)
		p.add(&s)
	}
}

// again makes hosts of the same names at other addresses.
func (p *plan) again(list []host, give func(families, ...string) []host) []host {
	made := make([]host, 0, len(list))
	for _, h := range list {
		made = append(made, give(onlyV4, h.name)...)
	}
	return made
}

func shapeOf(shapes []*shape, label string) *shape {
	for _, s := range shapes {
		if s.label == label {
			return s
		}
	}
	return nil
}

// runAllBots lets every kind of bot loose.
func (l *laboratory) runAllBots(shapes []*shape, r *result) error {
	var err error
	if r.bots, err = l.runBots(shapes, r.tries); err != nil {
		return err
	}
	r.unsorted, err = l.runUnsorted(shapes, r.tries)
	return err
}

// runUnsorted lets the bots that don't sort loose.
func (l *laboratory) runUnsorted(shapes []*shape, tries int) ([]botRow, error) {
	var rows []botRow
	for _, label := range unsortedShapes {
		for _, w := range ways() {
			s := shapeOf(shapes, w.label+label)
			first := habit{
				name:    w.name,
				walk:    func(set []mx) []mx { return set[:1] },
				reaches: func(set []mx, takes func(mx) bool) float64 { return w.reaches(s, set, takes) },
			}
			r, err := l.runBot(first, s, tries, w.set(l.bots))
			if err != nil {
				return nil, fmt.Errorf("bot that takes the first, %s, at %s: %w", w.name, s.zone(), err)
			}
			rows = append(rows, r)
		}
	}
	l.say("bots that don't sort: done")
	return rows, nil
}

// reaches is the share of tries that get through. Unturned, the zone's own
// records come first, highest fakes after them and lowest before.
func (w way) reaches(s *shape, set []mx, takes func(mx) bool) float64 {
	if w.turned {
		return share(set, takes)
	}
	if len(s.lowest) > 0 {
		return 0
	}
	return 1
}

// set asks for a set in the order of the answer.
func (w way) set(r *resolver) func(s *shape) ([]mx, error) {
	return func(s *shape) ([]mx, error) {
		answer, err := w.answer(r, s)
		if err != nil {
			return nil, err
		}
		set := setOf(answer, s.zone())
		if len(set) != len(s.want) {
			return nil, fmt.Errorf("%d records, expected %d", len(set), len(s.want))
		}
		return set, nil
	}
}

func (w way) answer(r *resolver, s *shape) (answer *dns.Msg, err error) {
	if !w.direct {
		return r.lookup(s.zone(), dns.TypeMX)
	}
	err = r.node.do(func() error {
		answer, err = exchange(new(dns.Msg).SetQuestion(s.zone(), dns.TypeMX), netip.AddrPortFrom(s.server, 53).String())
		return err
	})
	return answer, err
}

// sortedSet asks for a set in the order of preference.
func sortedSet(r *resolver) func(s *shape) ([]mx, error) {
	return func(s *shape) ([]mx, error) {
		set, _, err := r.mxSet(s.zone(), s.zone())
		return set, err
	}
}

// Package zones finds what the configuration has for a name: the zone that it
// belongs to, and the node of a sink that it is at or below. It knows the
// Corefile and the lists, and nothing of queries or of what the zones hold.
//
// [Zones.Find] is the first thing that happens to an MX set, [Zones.Node] to any
// other query. Their cost does not depend on the number of zones.
package zones

import (
	"iter"
	"maps"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/fakemx/fakemx/internal/config"
	"github.com/fakemx/fakemx/internal/dnsname"
	"github.com/miekg/dns"
)

// Zones are the zones of a server block. The most specific zone of a name is the
// one that counts.
type Zones struct {
	// configured holds the zones of the Corefile, ready made.
	configured map[string]*Zone
	prepared   map[*config.Stanza]*Stanza
	// labels are those under which untouched sets are published.
	labels []string
	// listed are the zones of all lists. It is replaced as a whole.
	listed atomic.Pointer[listed]
}

// listed are the zones of all lists; a zone of the Corefile goes before its like
// in a list.
type listed struct {
	stanzas map[string]*Stanza
	// depths, bringing and others are about the zones of the Corefile too.
	depths depths
	// bringing are the zones that sinks bring into being, others all other zones.
	bringing, others below
}

// below has, for each name above a zone of its kind, the names one label down that
// are such a zone or above one.
type below map[string][]string

// depths is the set of the numbers of labels that zones have. Suffixes of a
// name that have another number of labels need not be looked up.
type depths struct {
	set [2]uint64
	max int
}

func (d *depths) add(labels int) {
	d.set[labels>>6] |= 1 << (labels & 63)
	d.max = max(d.max, labels)
}

func (d *depths) has(labels int) bool { return d.set[labels>>6]&(1<<(labels&63)) != 0 }

// New returns the zones of the Corefile.
func New(stanzas []*config.Stanza) *Zones {
	z := &Zones{configured: make(map[string]*Zone), prepared: make(map[*config.Stanza]*Stanza)}
	n := &listed{bringing: make(below), others: make(below)}
	for _, s := range stanzas {
		if s.Real != "" && !slices.Contains(z.labels, s.Real) {
			z.labels = append(z.labels, s.Real)
		}
		prepared := newStanza(s)
		z.prepared[s] = prepared
		for _, apex := range s.Zones {
			z.configured[apex] = prepared.zone(apex)
			n.depths.add(dns.CountLabel(apex))
			n.add(prepared, apex)
		}
	}
	n.link(z.configuredStanza)
	z.listed.Store(n)
	return z
}

// SetGuards gives the lowest fakes of a stanza their guards, nil for one without.
// It must come before the first query.
func (z *Zones) SetGuards(s *config.Stanza, guards []Guard) { z.prepared[s].guards = guards }

// SetLists puts the lists of the stanzas in force. Where two of them have a zone,
// the stanza that stands first in the Corefile has it.
func (z *Zones) SetLists(lists []*config.List) {
	size := 0
	for _, l := range lists {
		size += l.Len()
	}
	n := &listed{stanzas: make(map[string]*Stanza, size), bringing: make(below), others: make(below)}
	for apex, zone := range z.configured {
		n.depths.add(dns.CountLabel(apex))
		n.add(zone.Stanza, apex)
	}
	of := func(apex string) *Stanza {
		if s := z.configuredStanza(apex); s != nil {
			return s
		}
		return n.stanzas[apex]
	}
	for _, l := range slices.Backward(lists) {
		s := z.prepared[l.Stanza]
		for name := range l.All() {
			n.stanzas[name] = s
			n.depths.add(dns.CountLabel(name))
		}
	}
	for _, l := range lists {
		s := z.prepared[l.Stanza]
		for name := range l.All() {
			if of(name) == s {
				n.add(s, name)
			}
		}
	}
	n.link(of)
	z.listed.Store(n)
}

func (z *Zones) configuredStanza(apex string) *Stanza {
	if zone := z.configured[apex]; zone != nil {
		return zone.Stanza
	}
	return nil
}

// Configured yields the zones of the Corefile.
func (z *Zones) Configured() iter.Seq[*Zone] {
	return func(yield func(*Zone) bool) {
		for _, zone := range z.configured {
			if !yield(zone) {
				return
			}
		}
	}
}

// HasReal reports whether untouched sets are published anywhere, and at label if
// it is not "".
func (z *Zones) HasReal(label string) bool {
	return len(z.labels) > 0 && (label == "" || slices.Contains(z.labels, label))
}

// Match is a zone that was found for a name.
type Match struct {
	*Stanza
	Apex string
	// ready is the zone if it is of the Corefile.
	ready *Zone
}

// Ready returns the zone if it is kept ready made, nil for one of a list.
func (m Match) Ready() *Zone { return m.ready }

// Zone returns the zone that was found. That of a list is made anew.
func (m Match) Zone() *Zone {
	if m.ready != nil {
		return m.ready
	}
	return m.zone(strings.Clone(m.Apex)) // from a longer name, perhaps
}

// Find returns the zone that name, which is canonical, belongs to.
func (z *Zones) Find(name string) (deepest Match, found bool) {
	n := z.listed.Load()
	for s, ok := dnsname.Root(name), true; ok; ok = s.Labels < n.depths.max && s.Down() {
		if !n.depths.has(s.Labels) {
			continue
		}
		if m, ok := z.lookup(n, s.String()); ok {
			deepest, found = m, true
		}
	}
	return deepest, found
}

// At returns the zone whose apex is name, which is canonical.
func (z *Zones) At(name string) (Match, bool) {
	return z.lookup(z.listed.Load(), name)
}

func (z *Zones) lookup(n *listed, apex string) (Match, bool) {
	if ready, ok := z.configured[apex]; ok {
		return Match{Stanza: ready.Stanza, Apex: apex, ready: ready}, true
	}
	if s, ok := n.stanzas[apex]; ok {
		return Match{Stanza: s, Apex: apex}, true
	}
	return Match{}, false
}

// Node is a name that exists because of sinks.
type Node struct {
	Match
	Kind Kind
	// Sinks are those that bring the name into being, as indexes into the hosts of
	// the zone: the one that it belongs to, or all below it.
	Sinks []int
	// Name is that of the node, canonical.
	Name string
}

// Node finds the deepest node that name, which is canonical, is at or below. If
// there is none, at gets the most specific zone, if there is one.
func (z *Zones) Node(name string, at *Node) (found bool) {
	n := z.listed.Load()
	for s, ok := dnsname.Root(name), true; ok; ok = s.Labels < n.depths.max && s.Down() {
		if !n.depths.has(s.Labels) {
			continue
		}
		m, ok := z.lookup(n, s.String())
		if !ok {
			continue
		}
		node, owner := m.tree.deepest(s)
		hit := node != nil && !m.Except.Cover(name, m.Apex)
		switch {
		case hit && (!found || at.yields(m, node, owner)):
			*at = Node{Match: m, Kind: node.kind, Sinks: node.sinks, Name: owner}
			found = true
		case !found:
			at.Match = m
		}
	}
	return found
}

// yields reports whether the node of another zone goes before at: the deeper one,
// and of two at one name what is more than a name between. A node of dry_run
// hides none that is served.
func (at *Node) yields(m Match, other *node, owner string) bool {
	if m.DryRun != at.DryRun {
		return at.DryRun
	}
	return len(owner) > len(at.Name) || len(owner) == len(at.Name) && (other.kind != Between || at.Kind == Between)
}

// Around yields each zone that is apex, above it or below it.
func (z *Zones) Around(apex string) iter.Seq[Match] {
	return func(yield func(Match) bool) {
		for name := apex; name != "."; {
			name = dnsname.Parent(name)
			if m, ok := z.At(name); ok && !yield(m) {
				return
			}
		}
		if m, ok := z.At(apex); ok && !yield(m) {
			return
		}
		if z.under(apex, true, yield) {
			z.under(apex, false, yield)
		}
	}
}

// Shaping yields each zone that may shape the zone apex of a backend: those of
// Around, and those below it whose sinks others serve.
func (z *Zones) Shaping(apex string) iter.Seq[Match] {
	return func(yield func(Match) bool) {
		for m := range z.Around(apex) {
			if !yield(m) {
				return
			}
		}
		z.under(apex, false, yield)
	}
}

// under calls yield with each zone below name that sinks bring into being, or do
// not, until that says no more.
func (z *Zones) under(name string, bringing bool, yield func(Match) bool) bool {
	for _, next := range z.listed.Load().below(bringing)[name] {
		if m, ok := z.At(next); ok && m.BringsApex(next) == bringing && !yield(m) || !z.under(next, bringing, yield) {
			return false
		}
	}
	return true
}

func (n *listed) below(bringing bool) below {
	if bringing {
		return n.bringing
	}
	return n.others
}

// FirstBelow returns a zone below name whose sinks bring it into being, if there
// is one.
func (z *Zones) FirstBelow(name string) (first Match, found bool) {
	z.under(name, true, func(m Match) bool {
		first, found = m, true
		return false
	})
	return first, found
}

// BringsApex reports whether the sinks bring the zone apex into being, if they
// are free.
func (s *Stanza) BringsApex(apex string) bool {
	return !s.DryRun && s.holds(apex) && !s.Except.Cover(apex, apex)
}

// holds reports whether a sink is served in the zone apex.
func (s *Stanza) holds(apex string) bool {
	for i := range s.fakes {
		if f := &s.fakes[i]; f.Served() && (!f.Absolute() || dnsname.Inside(f.Name, apex)) {
			return true
		}
	}
	return false
}

// add notes apex as a zone below the name above it.
func (n *listed) add(s *Stanza, apex string) {
	if apex != "." {
		n.below(s.BringsApex(apex)).add(apex)
	}
}

func (b below) add(name string) { b[dnsname.Parent(name)] = append(b[dnsname.Parent(name)], name) }

// link notes the names above the zones, which of gives the stanzas of, below those
// above them, up to the root.
func (n *listed) link(of func(apex string) *Stanza) {
	for _, bringing := range []bool{true, false} {
		b := n.below(bringing)
		for _, name := range slices.Collect(maps.Keys(b)) {
			for linked := false; !linked && name != "."; name = dnsname.Parent(name) {
				if s := of(name); s != nil && s.BringsApex(name) == bringing {
					break // a zone is noted already
				}
				linked = len(b[dnsname.Parent(name)]) > 0
				b.add(name)
			}
		}
	}
}

// MaxFakes returns the largest number of fakes that a zone has.
func (z *Zones) MaxFakes() int {
	most := 0
	for _, s := range z.prepared {
		most = max(most, len(s.fakes))
	}
	return most
}

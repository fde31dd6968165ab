package fakemx

import (
	"slices"
	"strings"
	"sync/atomic"

	"github.com/fakemx/fakemx/internal/config"
	"github.com/fakemx/fakemx/internal/dnsname"
	"github.com/miekg/dns"
)

// stanza is a stanza of the Corefile with the names that its sinks bring into
// being.
type stanza struct {
	*config.Stanza
	tree tree
}

// zones finds the stanza of a name: the most specific configured zone wins.
// The cost does not depend on the number of zones.
type zones struct {
	prepared map[*config.Stanza]*stanza
	// configured holds the zones of the Corefile, ready made.
	configured map[string]*zone
	depths     depths
	// ancestors has, for each name above a zone of the Corefile that sinks bring
	// into being, one such zone.
	ancestors map[string]string
	// labels are those under which untouched sets are published.
	labels []string
	// listed are the zones of all lists. It is replaced as a whole.
	listed atomic.Pointer[listedZones]
}

// listedZones are the zones of all lists; a zone of the Corefile goes before
// its like in a list.
type listedZones struct {
	stanzas map[string]*stanza
	// depths are those of the zones of the Corefile too.
	depths    depths
	ancestors map[string]string
	// ready are the zones that were asked for.
	ready bounded[string, *zone]
}

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

func newZones(stanzas []*config.Stanza) *zones {
	z := &zones{prepared: make(map[*config.Stanza]*stanza), configured: make(map[string]*zone), ancestors: make(map[string]string)}
	for _, s := range stanzas {
		if s.Real != "" && !slices.Contains(z.labels, s.Real) {
			z.labels = append(z.labels, s.Real)
		}
		prepared := &stanza{s, newTree(s.Fakes())}
		z.prepared[s] = prepared
		for _, apex := range s.Zones {
			z.configured[apex] = prepared.zone(apex)
			z.depths.add(dns.CountLabel(apex))
			prepared.addAncestors(apex, z.ancestors)
		}
	}
	z.listed.Store(&listedZones{depths: z.depths})
	return z
}

// match is a zone that was found for a name.
type match struct {
	*stanza
	apex string
	// ready is the zone if it is of the Corefile, and listed where it is from
	// otherwise.
	ready  *zone
	listed *listedZones
}

// zone returns the zone that was found.
func (m match) zone() *zone {
	if m.ready != nil {
		return m.ready
	}
	if z, ok := m.listed.ready.load(m.apex); ok {
		return z
	}
	apex := strings.Clone(m.apex) // from a longer name, perhaps
	z := m.stanza.zone(apex)
	m.listed.ready.store(apex, z)
	return z
}

// find returns the zone that name, which is canonical, belongs to.
func (z *zones) find(name string) (deepest match, found bool) {
	listed := z.listed.Load()
	for s, ok := dnsname.Root(name), true; ok; ok = s.Labels < listed.depths.max && s.Down() {
		if !listed.depths.has(s.Labels) {
			continue
		}
		if m, ok := z.lookup(listed, s.String()); ok {
			deepest, found = m, true
		}
	}
	return deepest, found
}

// at returns the zone whose apex is name, which is canonical.
func (z *zones) at(name string) (match, bool) {
	return z.lookup(z.listed.Load(), name)
}

func (z *zones) lookup(listed *listedZones, apex string) (match, bool) {
	if ready, ok := z.configured[apex]; ok {
		return match{stanza: ready.stanza, apex: apex, ready: ready}, true
	}
	if s, ok := listed.stanzas[apex]; ok {
		return match{stanza: s, apex: apex, listed: listed}, true
	}
	return match{}, false
}

// setLists puts the lists in force. Where two of them have a zone, the stanza
// that stands first in the Corefile has it.
func (z *zones) setLists(lists []*config.List) {
	size := 0
	for _, l := range lists {
		size += l.Len()
	}
	listed := &listedZones{
		stanzas:   make(map[string]*stanza, size),
		depths:    z.depths,
		ancestors: make(map[string]string),
	}
	for _, l := range slices.Backward(lists) {
		for name := range l.All() {
			listed.stanzas[name] = z.prepared[l.Stanza]
			listed.depths.add(dns.CountLabel(name))
			z.prepared[l.Stanza].addAncestors(name, listed.ancestors)
		}
	}
	z.listed.Store(listed)
}

// around calls yield with each zone that is apex, above it or below it.
func (z *zones) around(apex string) func(yield func(match) bool) {
	return func(yield func(match) bool) {
		for name := apex; name != "."; {
			name = dnsname.Parent(name)
			if m, ok := z.at(name); ok && !yield(m) {
				return
			}
		}
		for name, ready := range z.configured {
			if dnsname.Inside(name, apex) && !yield(match{stanza: ready.stanza, apex: name, ready: ready}) {
				return
			}
		}
		listed := z.listed.Load()
		for name, s := range listed.stanzas {
			if z.configured[name] == nil && dnsname.Inside(name, apex) && !yield(match{stanza: s, apex: name, listed: listed}) {
				return
			}
		}
	}
}

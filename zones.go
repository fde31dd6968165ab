package fakemx

import (
	"slices"
	"sync/atomic"

	"github.com/miekg/dns"
)

// zones finds the stanza of a name: the most specific configured zone wins.
// The cost does not depend on the number of zones.
type zones struct {
	stanzas []*stanza
	// configured holds the zones of the Corefile, ready made.
	configured map[string]*zone
	depths     depths
	// ancestors has, for each name above a zone of the Corefile, one such zone.
	ancestors map[string]string
	// labels are those under which untouched sets are published.
	labels []string
	// lists are those of zones_from, and listed the zones of all of them. It is
	// replaced as a whole.
	lists  []*list
	listed atomic.Pointer[listedZones]
}

// listedZones are the zones of all lists; a zone of the Corefile goes before
// its like in a list.
type listedZones struct {
	stanzas   map[string]*stanza
	depths    depths
	ancestors map[string]string
}

// depths is the set of the numbers of labels that zones have. Suffixes of a
// name that have another number of labels need not be looked up.
type depths [2]uint64

func (d *depths) add(labels int)      { d[labels>>6] |= 1 << (labels & 63) }
func (d *depths) has(labels int) bool { return d[labels>>6]&(1<<(labels&63)) != 0 }

func newZones(stanzas []*stanza) *zones {
	z := &zones{stanzas: stanzas, configured: make(map[string]*zone), ancestors: make(map[string]string)}
	for _, s := range stanzas {
		if s.real != "" && !slices.Contains(z.labels, s.real) {
			z.labels = append(z.labels, s.real)
		}
		for _, apex := range s.zones {
			z.configured[apex] = s.zone(apex)
			z.depths.add(dns.CountLabel(apex))
			addAncestorsOf(apex, z.ancestors)
		}
	}
	z.listed.Store(new(listedZones))
	return z
}

// match is a zone that was found for a name.
type match struct {
	*stanza
	apex string
	// labels is the number of labels that the name has below the apex.
	labels int
	ready  *zone
}

// zone returns the zone that was found, making it if it is from a list.
func (m match) zone() *zone {
	if m.ready != nil {
		return m.ready
	}
	return m.stanza.zone(m.apex)
}

// labelOffsets is where the labels of a name begin, 127 at most.
type labelOffsets [127]uint16

// split fills o and returns the part in use. The root has no label.
func (o *labelOffsets) split(name string) []uint16 {
	n := 0
	if name == "." {
		return o[:0]
	}
	for off, end := 0, false; !end && n < len(o); off, end = dns.NextLabel(name, off) {
		o[n] = uint16(off)
		n++
	}
	return o[:n]
}

// next returns the most specific zone that has at least from labels fewer than
// name, whose labels begin at offsets. It fails where there is none.
func (z *zones) next(name string, offsets []uint16, from int) (match, bool) {
	listed := z.listed.Load()
	for i := from; i <= len(offsets); i++ {
		labels := len(offsets) - i
		if !z.depths.has(labels) && !listed.depths.has(labels) {
			continue
		}
		apex := "."
		if i < len(offsets) {
			apex = name[offsets[i]:]
		}
		if ready, ok := z.configured[apex]; ok {
			return match{stanza: ready.stanza, apex: apex, labels: i, ready: ready}, true
		}
		if s, ok := listed.stanzas[apex]; ok {
			return match{stanza: s, apex: apex, labels: i}, true
		}
	}
	return match{}, false
}

// find returns the zone that name, which is canonical, belongs to.
func (z *zones) find(name string) (match, bool) {
	var offsets labelOffsets
	return z.next(name, offsets.split(name), 0)
}

// at returns the zone whose apex is name, which is canonical.
func (z *zones) at(name string) (match, bool) {
	m, ok := z.find(name)
	return m, ok && m.apex == name
}

// setListed puts the lists in force. Where two of them have a zone, the stanza
// that stands first in the Corefile has it.
func (z *zones) setListed() {
	size := 0
	for _, l := range z.lists {
		size += len(l.names)
	}
	listed := &listedZones{stanzas: make(map[string]*stanza, size), ancestors: make(map[string]string)}
	for _, l := range slices.Backward(z.lists) {
		for _, name := range l.names {
			listed.stanzas[name] = l.stanza
			listed.depths.add(dns.CountLabel(name))
			addAncestorsOf(name, listed.ancestors)
		}
	}
	z.listed.Store(listed)
}

// stanzaOf returns the stanza that has the zone apex in the Corefile, or nil.
func (z *zones) stanzaOf(apex string) *stanza {
	if ready, ok := z.configured[apex]; ok {
		return ready.stanza
	}
	return nil
}

// around calls yield with each zone that is apex, above it or below it.
func (z *zones) around(apex string) func(yield func(match) bool) {
	return func(yield func(match) bool) {
		for name := apex; name != "."; {
			name = parent(name)
			if m, ok := z.at(name); ok && !yield(m) {
				return
			}
		}
		for name, ready := range z.configured {
			if inside(name, apex) && !yield(match{stanza: ready.stanza, apex: name, ready: ready}) {
				return
			}
		}
		for name, s := range z.listed.Load().stanzas {
			if z.configured[name] == nil && inside(name, apex) && !yield(match{stanza: s, apex: name}) {
				return
			}
		}
	}
}

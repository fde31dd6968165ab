package answer

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"slices"
	"time"

	"github.com/fakemx/fakemx/internal/dnsname"
	"github.com/fakemx/fakemx/internal/tell"
	"github.com/fakemx/fakemx/internal/zones"
	"github.com/miekg/dns"
)

// transferPatience is for how long a transfer waits for what is not known.
const transferPatience = 10 * time.Second

// ErrUnsettled says that it cannot be learned in time which fakes may join.
var ErrUnsettled = errors.New("not known yet which sinks are free: expected another try")

// Whole edits a zone of the backend as a whole, by the same verdicts by which the
// answers go.
type Whole struct {
	q    *Query
	apex string
	join map[*zoneMemory]*joining
	has  map[string]bool
	// sinks are those of Sinks, once they were asked for.
	sinks []Sink
	asked bool
}

// Whole returns the editor of the zone apex in the version of its SOA record.
func (e *Editor) Whole(apex string, soa *dns.SOA) *Whole {
	w := &Whole{q: e.own(transferPatience), apex: apex, join: make(map[*zoneMemory]*joining), has: make(map[string]bool)}
	for m := range e.zones.Around(apex) {
		z := e.memory.of(m)
		for _, v := range z.current(time.Now()) {
			if v.state == free && v.apex == apex && v.serial != soa.Serial {
				z.forget(v)
			}
		}
	}
	return w
}

// own returns a query of nobody's but the editor's, which waits for what it asks
// for so long.
func (e *Editor) own(patience time.Duration) *Query {
	ctx := newAsking(context.Background(), e)
	ctx.left.Store(math.MaxInt32)
	nobody := &detached{local: &net.UDPAddr{}, remote: &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}}
	return &Query{e: e, ctx: ctx, w: nobody, r: new(dns.Msg), asking: ctx, wait: wait{most: patience}}
}

// Concerns reports whether anything may have to be edited in the zone apex.
func (e *Editor) Concerns(apex string) bool {
	if _, ok := e.zones.Find(apex); ok {
		return true
	}
	for range e.zones.Around(apex) {
		return true
	}
	return false
}

// Signed tells the operator that the zone stays as it is because it is signed.
func (w *Whole) Signed() {
	if _, ok := w.q.e.zones.Find(w.apex); ok {
		w.q.e.notices.Signed(w.apex)
	}
}

// Set returns the MX set of owner, canonical, with the fakes that join it. It is
// nil if the set stays as it is. Its owner is to be settled before.
func (w *Whole) Set(owner string, set []dns.RR) []dns.RR {
	at, ok := w.q.e.zones.Find(owner)
	if !ok {
		return nil
	}
	z := w.q.e.memory.of(at)
	if d := w.q.setAside(z, owner, set, &Reply{proof: new(dns.Msg)}); d != nil {
		return nil
	}
	j, err := w.joining(z)
	if err != nil {
		return nil
	}
	d := w.q.e.decideJoining(j.zone, set, j.missing)
	if d.result != tell.Injected {
		return nil
	}
	return d.zone.Fakes.AppendSet(nil, set)
}

// joining is that of the answers, once for a transfer. What guards say comes and
// goes: secondaries follow it only where the serial number does.
func (w *Whole) joining(z *zoneMemory) (*joining, error) {
	j := w.join[z]
	if j == nil {
		j = w.q.join(z, z.zone.Serial != "")
		w.join[z] = j
	}
	if j.missing == pending {
		return nil, fmt.Errorf("zone %q: %w", w.apex, ErrUnsettled)
	}
	return j, nil
}

// Real returns the label at which the untouched set of owner, canonical, is
// published, "" if it is not.
func (w *Whole) Real(owner string, set []dns.RR) string {
	if slices.ContainsFunc(set, isNull) {
		return ""
	}
	return w.Label(owner)
}

// Label returns the label at which an untouched set of owner, canonical, would be
// published, "" if it would not.
func (w *Whole) Label(owner string) string {
	at, ok := w.q.e.zones.Find(owner)
	if !ok || !Publishes(at.Stanza, at.Apex, owner) {
		return ""
	}
	return at.Real
}

// HasLabel reports whether label is one of real in any stanza.
func (w *Whole) HasLabel(label string) bool { return w.q.e.zones.HasReal(label) }

// Settle makes sure that it is known which fakes may join the set of owner.
func (w *Whole) Settle(owner string) error {
	at, ok := w.q.e.zones.Find(owner)
	if !ok || at.Except.Cover(owner, at.Apex) {
		return nil
	}
	_, err := w.joining(w.q.e.memory.of(at))
	return err
}

// Bounds returns the names below the apex from which on down other rules hold than
// above: apexes of configured zones, and names of except that are in no zone further
// down. They are canonical, and some may be there twice.
func (w *Whole) Bounds() (names []string) {
	matches := slices.Collect(w.q.e.zones.Around(w.apex))
	if m, ok := w.q.e.zones.Find(w.apex); ok {
		matches = append(matches, m)
	}
	for _, m := range matches {
		names = append(names, m.Apex)
		for _, name := range m.Except.Names(m.Apex) {
			if at, ok := w.q.e.zones.Find(name); ok && at.Apex == m.Apex {
				names = append(names, name)
			}
		}
	}
	return slices.DeleteFunc(names, func(name string) bool { return !dnsname.Below(name, w.apex) })
}

// Excepted reports whether the name, canonical, is left alone by except.
func (w *Whole) Excepted(name string) bool {
	at, ok := w.q.e.zones.Find(name)
	return ok && at.Except.Cover(name, at.Apex)
}

// HasZone reports whether the plugins behind have a zone with the apex.
func (w *Whole) HasZone(apex string) bool {
	has, known := w.has[apex]
	if !known {
		has = w.q.hasZone(apex)
		w.has[apex] = has
	}
	return has
}

// Sink is what is served for a free sink of a zone.
type Sink struct {
	// Name is canonical, as is Zone, the apex of the configured zone that it is of.
	Name, Zone string
	Addresses  []dns.RR
	// TLSA stands at zones.TLSAPrefix + Name.
	TLSA []dns.RR
}

// Sinks returns the free sinks of the zone, the same each time.
func (w *Whole) Sinks() ([]Sink, error) {
	if w.asked {
		return w.sinks, nil
	}
	w.sinks = nil
	for m := range w.q.e.zones.Around(w.apex) {
		z := w.q.e.memory.of(m)
		for _, i := range z.sinks {
			s, ok, err := w.sink(z, i)
			if err != nil {
				return nil, err
			}
			if ok {
				w.sinks = append(w.sinks, s)
			}
		}
	}
	w.asked = true
	return w.sinks, nil
}

// sink returns the sink of the host i of z, if it is a free one of this zone.
func (w *Whole) sink(z *zoneMemory, i int) (s Sink, ok bool, err error) {
	h := &z.zone.Hosts[i]
	if z.zone.DryRun || !dnsname.Inside(h.Name, w.apex) {
		return s, false, nil
	}
	var at zones.Node
	if !w.q.e.zones.Node(h.Name, &at) || at.Name != h.Name || at.Kind != zones.Sink || at.Apex != z.zone.Apex {
		return s, false, nil
	}
	switch v := w.q.verdicts(z, z.sinks...)[i]; {
	case v.state == pending:
		return s, false, fmt.Errorf("sink %q: %w", h.Name, ErrUnsettled)
	case v.state != free || v.apex != w.apex:
		return s, false, nil
	}
	return Sink{h.Name, z.zone.Apex, slices.Concat(h.A, h.AAAA), h.TLSA(z.zone.TTL)}, true, nil
}

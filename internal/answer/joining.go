package answer

import (
	"slices"
	"time"

	"github.com/fakemx/fakemx/internal/dnsname"
	"github.com/fakemx/fakemx/internal/zones"
	"github.com/miekg/dns"
)

// joining is which fakes of a zone may join an MX set. It follows from verdicts,
// and ends with the first of them that is superseded or too old.
type joining struct {
	// zone has those fakes only.
	zone *zones.Zone
	// missing is pending if of another one it is not known whether it may.
	missing state
	from    []source
	guards  []guarded
	renew   time.Time

	// anchor is a record that came with the MX set: a backend that keeps a zone in
	// memory answers with the same one until it loads another version. One that
	// makes its records anew is asked once whether the version is another.
	anchor dns.RR
	anew   bool
}

// guarded is what the guard of a fake said when joining was made.
type guarded struct {
	zones.Guard
	joins bool
}

// source is what was known of a zone when joining was made.
type source struct {
	z     *zoneMemory
	known *knowledge
}

// joining returns the fakes that may join the set, which r is the answer to a
// question for.
func (q *Query) joining(z *zoneMemory, set []dns.RR, r *Reply) *joining {
	anchor := anchorOf(set, r)
	j := z.joining.Load()
	if j != nil && j.holds() && q.sameVersion(z, j, anchor) {
		return j
	}
	j = q.join(z, true)
	j.anchor = anchor
	z.joining.Store(j)
	return j
}

// anchorOf returns the first NS record beside the set, which all sets of a zone
// share, or the first of its own.
func anchorOf(set []dns.RR, r *Reply) dns.RR {
	if r.Msg != nil && len(r.Msg.Ns) > 0 && r.Msg.Ns[0].Header().Rrtype == dns.TypeNS {
		return r.Msg.Ns[0]
	}
	return set[0]
}

func (j *joining) holds() bool {
	if time.Now().After(j.renew) {
		return false
	}
	return !slices.ContainsFunc(j.guards, func(g guarded) bool { return g.Joins() != g.joins }) &&
		!slices.ContainsFunc(j.from, func(s source) bool { return s.z.known.Load() != s.known })
}

// sameVersion reports whether the set is of the version of the zone that j was
// made for. Where it is not, what was learned from the old one is forgotten.
func (q *Query) sameVersion(z *zoneMemory, j *joining, anchor dns.RR) bool {
	if j.anew || j.anchor == anchor {
		return true
	}
	owner := dnsname.Canonical(anchor.Header().Name)
	checked := ""
	for _, v := range z.current(time.Now()) {
		if v.apex == "" || v.apex == checked || !dnsname.Inside(owner, v.apex) {
			continue
		}
		checked = v.apex
		m := q.askFor(v.apex, dns.TypeSOA)
		if m == nil {
			return true
		}
		if i := slices.IndexFunc(m.Answer, isType(dns.TypeSOA)); i >= 0 && m.Answer[i].(*dns.SOA).Serial != v.serial {
			z.forget(v)
			return false
		}
	}
	same := *j
	same.anchor, same.anew = anchor, true
	z.joining.CompareAndSwap(j, &same)
	return true
}

// join makes what follows from the verdicts about the sinks of the zone, and from
// the guards of its fakes if those count.
func (q *Query) join(z *zoneMemory, guards bool) *joining {
	j := &joining{missing: free, renew: time.Now().Add(renewAfter)}
	keep := make([]bool, len(z.zone.Hosts))
	for i := range z.zone.Hosts {
		server, sink := q.servedBy(z, i)
		if server == nil {
			// Others serve it, and the operator knows, or nobody does.
			if keep[i] = !z.zone.Hosts[i].Served(); !keep[i] {
				j.lacks(taken)
			}
			continue
		}
		v := q.knownOf(j, server)[sink]
		switch {
		case v.state != free:
			j.lacks(v.state)
		case guards && !j.guarded(z.zone.Guard(i), server.zone.Guard(sink)):
			j.lacks(withdrawn)
		default:
			keep[i] = true
		}
		if renew := v.renewAt(); renew.Before(j.renew) {
			j.renew = renew
		}
	}
	j.zone = z.zone
	if slices.Contains(keep, false) {
		j.zone = z.zone.Only(func(i int) bool { return keep[i] })
	}
	return j
}

// guarded asks the guard of a fake, or that of the fake of the stanza that serves
// its sink, and notes what it says.
func (j *joining) guarded(own, server zones.Guard) bool {
	if own == nil {
		own = server
	}
	if own == nil {
		return true
	}
	g := guarded{own, own.Joins()}
	j.guards = append(j.guards, g)
	return g.joins
}

// lacks notes that a fake stays out.
func (j *joining) lacks(why state) {
	if why == pending || j.missing == free {
		j.missing = why
	}
}

// knownOf returns the verdicts about the sinks of a zone, and notes that j follows
// from them.
func (q *Query) knownOf(j *joining, z *zoneMemory) []verdict {
	for _, s := range j.from {
		if s.z == z {
			return s.verdicts()
		}
	}
	q.verdicts(z, z.sinks...) // learns what is pending
	s := source{z, z.known.Load()}
	j.from = append(j.from, s)
	return s.verdicts()
}

func (s source) verdicts() []verdict {
	if s.known == nil {
		return make([]verdict, len(s.z.zone.Hosts))
	}
	return s.known.verdicts
}

// servedBy returns the memory of the zone that serves a host of z, and the index
// that the host has there; none for a host that no stanza serves.
func (q *Query) servedBy(z *zoneMemory, host int) (*zoneMemory, int) {
	h := &z.zone.Hosts[host]
	if z.serves(host) {
		return z, host
	}
	var at zones.Node
	if !q.e.zones.Node(h.Name, &at) || at.Name != h.Name || at.Kind != zones.Sink || at.DryRun && !z.zone.DryRun {
		return nil, 0
	}
	return q.e.memory.of(at.Match), at.Sinks[0]
}

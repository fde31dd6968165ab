package answer

import (
	"hash/maphash"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coredns/coredns/plugin/pkg/cache"
	"github.com/fakemx/fakemx/internal/dnsname"
	"github.com/fakemx/fakemx/internal/zones"
)

const (
	// lifetime is for how long anything is remembered.
	lifetime = time.Minute
	// renewAfter is the age from which it is learned anew, behind the answers, and
	// retryAfter that of a question without an answer.
	renewAfter = 30 * time.Second
	retryAfter = 5 * time.Second
	// maxRounds is how many zones are learned about at one time.
	maxRounds = 1024
	// keptOctets is about how much is remembered of listed zones; of those of the
	// Corefile, all is.
	keptOctets = 64 << 20
	// fakeOctets is about what one fake of a zone takes, zoneOctets the rest of it.
	fakeOctets, zoneOctets = 512, 1024
)

// memory is all that an editor remembers of what the plugins behind said. There
// is one rule: it ends after a minute, and before that with the version of the
// backend's zone, where a SOA record shows another one.
type memory struct {
	// own has the zones of the Corefile, which no other can drive out.
	own    map[*zones.Zone]*zoneMemory
	listed *cache.Cache[*zoneMemory]
	seed   maphash.Seed
	// elsewhere is about names that are in no zone.
	elsewhere zoneMemory
	rounds    atomic.Int32
}

func newMemory(z *zones.Zones) *memory {
	m := &memory{own: make(map[*zones.Zone]*zoneMemory), seed: maphash.MakeSeed()}
	for zone := range z.Configured() {
		m.own[zone] = newZoneMemory(zone)
	}
	m.listed = cache.New[*zoneMemory](keptOctets / (zoneOctets + z.MaxFakes()*fakeOctets))
	return m
}

// of returns what is remembered of a zone.
func (m *memory) of(match zones.Match) *zoneMemory {
	if ready := match.Ready(); ready != nil {
		return m.own[ready]
	}
	key := maphash.String(m.seed, match.Apex)
	if z, ok := m.listed.Get(key); ok && z.zone.Apex == match.Apex && z.zone.Stanza == match.Stanza {
		return z
	}
	z := newZoneMemory(match.Zone())
	m.listed.Add(key, z)
	return z
}

// zoneMemory is what is remembered of one zone of the configuration.
type zoneMemory struct {
	zone *zones.Zone
	// known is nil at first.
	known atomic.Pointer[knowledge]
	// joining is what the verdicts come to for the MX sets of the zone.
	joining atomic.Pointer[joining]
	// kept is the last answer with the MX set of the apex.
	kept atomic.Pointer[kept]

	// sinks are the indexes of the hosts that the zone serves.
	sinks []int

	mu    sync.Mutex
	round *round

	// prompt says that the last question with the DO bit had an answer.
	prompt atomic.Bool
	// noDO and noTCP say that a question with the DO bit or over TCP had none.
	noDO, noTCP spell
}

func newZoneMemory(zone *zones.Zone) *zoneMemory {
	z := &zoneMemory{zone: zone}
	for i := range zone.Hosts {
		if z.serves(i) {
			z.sinks = append(z.sinks, i)
		}
	}
	return z
}

// serves reports whether the zone is the one that serves the host: one with an
// absolute name may lie in another, or be served by others.
func (z *zoneMemory) serves(host int) bool {
	h := &z.zone.Hosts[host]
	return h.Served() && dnsname.Inside(h.Name, z.zone.Apex)
}

// spell is a time for which something holds, a minute from its start.
type spell struct{ until atomic.Int64 }

func (s *spell) start() { s.until.Store(time.Now().Add(lifetime).UnixNano()) }
func (s *spell) holds() bool {
	until := s.until.Load()
	return until != 0 && time.Now().UnixNano() < until
}

// round is one turn of learning what there is to know of a zone.
type round struct {
	started time.Time
	done    chan struct{}
}

// knowledge is what is known of the sinks of a zone. It does not change; what is
// learned takes its place.
type knowledge struct {
	// verdicts has one for each host of the zone.
	verdicts []verdict
	// ends is when the first verdict is too old, the zero time if all are pending.
	ends time.Time
}

func newKnowledge(verdicts []verdict) *knowledge {
	k := &knowledge{verdicts: verdicts}
	for i := range verdicts {
		v := &verdicts[i]
		if end := v.learned.Add(lifetime); v.state != pending && (k.ends.IsZero() || end.Before(k.ends)) {
			k.ends = end
		}
	}
	return k
}

// verdicts returns what is known of the sinks of the zone, by their index. What
// is not known of the sinks wanted, or no longer, is asked for; the client waits
// for it while it has patience, and while the round is not older than that.
func (q *Query) verdicts(z *zoneMemory, wanted ...int) []verdict {
	now := time.Now()
	known := z.current(now)
	pends, renews := false, false
	for _, i := range wanted {
		pends = pends || known[i].state == pending && z.serves(i)
		renews = renews || !now.Before(known[i].renewAt()) && z.serves(i)
	}
	if !renews {
		return known
	}
	r := q.e.learn(q, z)
	if !pends || r == nil || !q.waitFor(r) {
		return known
	}
	return q.verdicts(z, wanted...) // another's round may have left some out
}

// waitFor reports whether the round ended while the client waited.
func (q *Query) waitFor(r *round) bool {
	left := min(q.wait.left(), time.Until(r.started.Add(q.wait.patience())))
	if left <= 0 {
		return false
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-r.done:
		return true
	case <-timer.C:
		return false
	}
}

// current returns the verdicts, of which those that are too old are pending.
func (z *zoneMemory) current(now time.Time) []verdict {
	known := z.known.Load()
	switch {
	case known == nil:
		return make([]verdict, len(z.zone.Hosts))
	case known.ends.IsZero() || now.Before(known.ends):
		return known.verdicts
	}
	return withoutOld(known.verdicts, now)
}

func withoutOld(known []verdict, now time.Time) []verdict {
	out := slices.Clone(known)
	for i := range out {
		if v := &out[i]; now.Sub(v.learned) >= lifetime {
			*v = verdict{served: v.served}
		}
	}
	return out
}

// renewAt returns when it is time to learn the verdict anew: at once, the zero
// time, for one that is pending.
func (v *verdict) renewAt() time.Time {
	switch {
	case v.state == pending:
		return time.Time{}
	case v.state == failing || v.tried.After(v.learned):
		return v.tried.Add(retryAfter)
	}
	return v.tried.Add(renewAfter)
}

// learn returns the round that is under way, or starts one. It is nil if there
// are too many, or the client has caused too many questions.
func (e *Editor) learn(q *Query, z *zoneMemory) *round {
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.round != nil {
		return z.round
	}
	if q.inside().left.Load() <= reserved {
		return nil
	}
	if e.memory.rounds.Add(1) > maxRounds {
		e.memory.rounds.Add(-1)
		return nil
	}
	r := &round{started: time.Now(), done: make(chan struct{})}
	z.round = r
	l := newLearner(q, z)
	go func() {
		defer func() {
			z.mu.Lock()
			z.round = nil
			z.mu.Unlock()
			e.memory.rounds.Add(-1)
			close(r.done)
		}()
		defer e.recovered(z.zone.Apex)
		l.run()
	}()
	return r
}

// forget makes all that was learned with v, from that version of the backend's
// zone, pending.
func (z *zoneMemory) forget(v verdict) {
	known := z.known.Load()
	if known == nil {
		return
	}
	out := slices.Clone(known.verdicts)
	for i := range out {
		if old := &out[i]; old.apex == v.apex && old.serial == v.serial {
			*old = verdict{served: old.served}
		}
	}
	z.known.CompareAndSwap(known, newKnowledge(out))
}

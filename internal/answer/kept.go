package answer

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/fakemx/fakemx/internal/dnsname"
	"github.com/fakemx/fakemx/internal/tell"
	"github.com/miekg/dns"
)

// kept is an answer of the plugins behind with the MX set at the apex of a zone,
// and what became of it. Nearly all MX queries of a zone are this one, and a
// backend that keeps the zone in memory answers with the same records until it
// loads another version. docs/performance-notes.md has what it is worth.
type kept struct {
	// from are the records that came from behind.
	from sections
	// joining is what the fakes were chosen by.
	joining *joining
	// records are those of the answer section with the fakes, and from extra on
	// those of the additional section.
	records []dns.RR
	extra   int
	// octets is at least the length of the answer, and sets how many dnssec signs.
	octets, sets int

	made time.Time
	used atomic.Bool
}

const (
	// keepUnused is for how long an answer that did not come again is kept: one of
	// a backend that shuffles its records does not.
	keepUnused = time.Second
	// keptSize is the size up to which an answer is kept, in octets.
	keptSize = ednsSize
)

// sections are those of a message that have records.
type sections [3][]dns.RR

func sectionsOf(m *dns.Msg) sections { return sections{m.Answer, m.Ns, m.Extra} }

func (s sections) clone() sections {
	for i := range s {
		s[i] = slices.Clone(s[i])
	}
	return s
}

// are reports whether s and other have the same records, not only equal ones.
func (s *sections) are(other sections) bool {
	for i := range s {
		if len(s[i]) != len(other[i]) {
			return false
		}
		for j := range s[i] {
			if s[i][j] != other[i][j] {
				return false
			}
		}
	}
	return true
}

// kept returns what is kept of the query's answer, nil if nothing is.
func (q *Query) kept() *kept {
	if q.qtype != dns.TypeMX || q.found || q.at.Stanza == nil || q.name != q.at.Apex {
		return nil
	}
	return q.home().kept.Load()
}

// askAgain puts the question of a client that wants no signatures as it is, where
// the answer has come again before. If it does now, it is known to have none.
func (q *Query) askAgain() (r Reply, ok bool) {
	k := q.kept()
	if k == nil || !k.used.Load() || !q.inside().spend() {
		return r, false
	}
	r = q.e.Pass(q.inside(), q.w, q.r)
	if r.Msg == nil || r.Msg.Truncated || !k.from.are(sectionsOf(r.Msg)) {
		return r, false
	}
	r.proof = r.Msg
	return r, true
}

// again returns what became of the same answer before, or nil if it was another,
// or something that it went by has changed.
func (q *Query) again(r *Reply) *dns.Msg {
	k, m := q.kept(), r.Msg
	if k == nil || m == nil || r.proof != m || m.Rcode != dns.RcodeSuccess || k.joining != q.home().joining.Load() ||
		!k.from.are(sectionsOf(m)) || !k.joining.holds() {
		return nil
	}
	if room := q.room(m, q.name); k.octets+k.sets*room.signature > room.octets {
		return nil
	}
	if !k.used.Load() {
		k.used.Store(true)
	}
	q.e.counters.Answer(q.ctx, tell.Injected)
	// One array for both sections, with room for the OPT record that the server adds.
	n := len(k.records)
	records := make([]dns.RR, n, n+1)
	copy(records, k.records)
	out := *m
	out.Answer, out.Extra = records[:k.extra:k.extra], records[k.extra:]
	return &out
}

// keep keeps out, which m became by the decision. It does so from the second
// answer on, to which what is known of the zone, before, was known already: by then
// it shows whether the backend makes its records anew, and never gives these again.
func (q *Query) keep(z *zoneMemory, before *joining, m, out *dns.Msg, r *Reply, d decision) {
	others := func(rr dns.RR) bool { return !isMX(rr) || !dnsname.Same(rr.Header().Name, q.name) }
	if q.name != z.zone.Apex || q.found || r.proof != m || d.incomplete || slices.ContainsFunc(m.Answer, others) {
		return
	}
	j := z.joining.Load()
	if j == nil || j != before || j.anew || j.zone != d.zone || j.anchor != anchorOf(m.Answer, r) {
		return
	}
	octets := atMost(out, z.zone.Apex)
	if octets > keptSize {
		return
	}
	now := time.Now()
	if last := z.kept.Load(); last != nil && !last.used.Load() && now.Sub(last.made) < keepUnused {
		return
	}
	z.kept.Store(&kept{
		from:    sectionsOf(m).clone(),
		joining: j,
		records: slices.Concat(out.Answer, out.Extra),
		extra:   len(out.Answer),
		octets:  octets,
		sets:    setsOf(out),
		made:    now,
	})
}

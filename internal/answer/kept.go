package answer

import (
	"slices"
	"sync/atomic"
	"time"

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

// again returns what became of the same answer before, or nil if it was another,
// or something that it went by has changed.
func (q *Query) again(z *zoneMemory, m *dns.Msg, r *Reply) *dns.Msg {
	k := z.kept.Load()
	if k == nil || r.proof != m || k.joining != z.joining.Load() || !k.from.are(sectionsOf(m)) || !k.joining.holds() {
		return nil
	}
	if room := q.room(m, z.zone.Apex); k.octets+k.sets*room.signature > room.octets {
		return nil
	}
	if !k.used.Load() {
		k.used.Store(true)
	}
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
	if q.name != z.zone.Apex || r.proof != m || d.incomplete {
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

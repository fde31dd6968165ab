package fakemx

import (
	"slices"
	"sync/atomic"

	"github.com/miekg/dns"
)

// made keeps the last answer with the MX set of the apex, which nearly all mail of
// a zone is for; several owners would take turns in it. A backend that
// keeps a zone in memory answers with the same records until it loads another
// version, and so can fakemx: like those of a zone file, the records are shared
// by all answers and never change.
type made struct {
	last atomic.Pointer[madeAnswer]
	// first is the first record of the last set that was not in last. Most backends
	// make their records anew for each answer: only what comes twice is kept.
	first atomic.Pointer[dns.MX]
}

// madeAnswer is an answer from below, the values of its MX records, and what
// became of it.
type madeAnswer struct {
	below  sections
	values []dns.MX
	result sections
	// most and sets are the most octets and the number of sets of the result.
	most, sets int
}

// sections are the answer, the authority and the additional section.
type sections [3][]dns.RR

func sectionsOf(m *dns.Msg) sections { return sections{m.Answer, m.Ns, m.Extra} }

// keep keeps result, what became of m in the zone apex, if the set in m has come
// before.
func (k *made) keep(m, result *dns.Msg, set []dns.RR, apex string) {
	if first := set[0].(*dns.MX); k.first.Swap(first) != first {
		return
	}
	a := &madeAnswer{below: sectionsOf(m), result: sectionsOf(result), most: atMost(result, apex)}
	for i := range a.below {
		a.below[i] = slices.Clone(a.below[i])
		a.result[i] = slices.Clip(a.result[i])
		a.sets += sets(a.result[i])
	}
	for _, rr := range m.Answer {
		if mx, ok := rr.(*dns.MX); ok {
			a.values = append(a.values, *mx)
		}
	}
	k.last.Store(a)
}

// again returns what became of an answer with the same records as m, or nil.
func (k *made) again(m *dns.Msg) *madeAnswer {
	a := k.last.Load()
	if a == nil {
		return nil
	}
	for i, section := range sectionsOf(m) {
		if !slices.Equal(a.below[i], section) {
			return nil
		}
	}
	values := a.values
	for _, rr := range m.Answer {
		if mx, ok := rr.(*dns.MX); ok {
			if *mx != values[0] {
				return nil
			}
			values = values[1:]
		}
	}
	return a
}

// madeAgain returns m with the fakes in place if that was made of an answer with
// the same records before, and otherwise nil. mx is the first MX record of m.
func (q *query) madeAgain(m *dns.Msg, mx dns.RR, below *reply) *dns.Msg {
	if mx.Header().Name != q.name {
		return nil
	}
	at, ok := q.f.zones.at(q.name)
	if !ok {
		return nil
	}
	a := at.zone().made.again(m)
	if a == nil || below.signs(q.name) {
		return nil
	}
	out := *m
	out.Answer, out.Extra = a.result[0], a.result[2]
	if r := q.room(&out, at.apex); a.most+a.sets*r.signature > r.octets {
		r.cut(&out)
	}
	return &out
}

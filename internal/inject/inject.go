// Package inject is the heart of fakemx: an MX set in, an MX set with fakes
// round it out. It knows no network, no clock and no configuration.
package inject

import (
	"math"
	"slices"

	"github.com/fakemx/fakemx/internal/dnsname"
	"github.com/miekg/dns"
)

// Fakes says which synthetic records join an MX set. Lowest and Highest hold
// the exchanges, canonical and fully qualified, in the order in which they are
// to be tried; no name stands twice. Step is the distance between two
// preferences where there is room, at least 1.
type Fakes struct {
	Lowest  []string
	Highest []string
	Step    int
}

// Into returns the MX set that results when the fakes join the set real,
// which holds only [*dns.MX] records of one owner and at least one of them.
//
// What holds for every input:
//   - each real record is there, with its exchange; the order of the real
//     preferences and their ties are kept; the records of real are not changed
//     (a record that has to differ is a copy);
//   - each added lowest fake is below every real preference, each added highest
//     one above, in the order written;
//   - owner, class and TTL of a fake are those of the set. Where real differs in
//     TTL, which RFC 2181 section 5.2 forbids, all take the smallest;
//   - a fake whose exchange is in real already is not added, so Into of its own
//     result adds nothing.
//
// Where nothing is to be added, or the 65,536 preferences cannot hold the set,
// the result is nil: the set stays as it is.
func Into(real []dns.RR, f Fakes) []dns.RR {
	return f.AppendSet(nil, real)
}

// AppendSet appends to dst what Into returns, and leaves dst as it is where
// Into returns nil.
func (f Fakes) AppendSet(dst, real []dns.RR) []dns.RR {
	lowest, highest := missing(f.Lowest, real), missing(f.Highest, real)
	added := len(lowest) + len(highest)
	if added == 0 {
		return dst
	}
	p, ok := place(real, len(lowest), len(highest), f.Step)
	if !ok {
		return dst
	}

	first := real[0].(*dns.MX)
	hdr := dns.RR_Header{
		Name:   first.Hdr.Name,
		Rrtype: dns.TypeMX,
		Class:  first.Hdr.Class,
		Ttl:    smallestTTL(real),
	}
	fakes := make([]dns.MX, added)
	dst = slices.Grow(dst, added+len(real))

	for i, exchange := range lowest {
		fakes[i] = dns.MX{Hdr: hdr, Preference: p.lowest(i), Mx: exchange}
		dst = append(dst, &fakes[i])
	}
	for _, rr := range real {
		mx := rr.(*dns.MX)
		if preference := p.real(mx.Preference); preference != mx.Preference || mx.Hdr.Ttl != hdr.Ttl {
			moved := *mx
			moved.Preference, moved.Hdr.Ttl = preference, hdr.Ttl
			mx = &moved
		}
		dst = append(dst, mx)
	}
	for j, exchange := range highest {
		mx := &fakes[len(lowest)+j]
		*mx = dns.MX{Hdr: hdr, Preference: p.highest(j), Mx: exchange}
		dst = append(dst, mx)
	}
	return dst
}

// Has reports whether exchange, which is canonical, is one of the fakes.
func (f Fakes) Has(exchange string) bool {
	return slices.Contains(f.Lowest, exchange) || slices.Contains(f.Highest, exchange)
}

// Missing returns the number of fakes that no record of real has.
func (f Fakes) Missing(real []dns.RR) int {
	n := 0
	for _, exchanges := range [2][]string{f.Lowest, f.Highest} {
		for _, exchange := range exchanges {
			if !hasExchange(real, exchange) {
				n++
			}
		}
	}
	return n
}

// missing returns the exchanges that no record of real has. It allocates only
// when some are there and some are not.
func missing(exchanges []string, real []dns.RR) []string {
	for i, exchange := range exchanges {
		if !hasExchange(real, exchange) {
			continue
		}
		rest := slices.Clone(exchanges[:i])
		for _, later := range exchanges[i+1:] {
			if !hasExchange(real, later) {
				rest = append(rest, later)
			}
		}
		return rest
	}
	return exchanges
}

func hasExchange(set []dns.RR, exchange string) bool {
	for _, rr := range set {
		if dnsname.Same(rr.(*dns.MX).Mx, exchange) {
			return true
		}
	}
	return false
}

func smallestTTL(set []dns.RR) uint32 {
	ttl := set[0].Header().Ttl
	for _, rr := range set[1:] {
		ttl = min(ttl, rr.Header().Ttl)
	}
	return ttl
}

// placement is where the preferences of a set go.
type placement struct {
	firstLowest, lowestGap   int
	firstHighest, highestGap int
	// shift is added to every real preference.
	shift int
	// respaced, if not nil, gives the distinct real preferences in order: the
	// k-th of them goes to firstReal + k*gap, whatever it was.
	respaced       []uint16
	firstReal, gap int
}

// place finds room for lowest fakes below and highest fakes above the real
// preferences, disturbing these as little as it can: they stay, or else move by
// the same amount, or else are spaced anew.
func place(real []dns.RR, lowest, highest, step int) (placement, bool) {
	smallest, largest := math.MaxUint16, 0
	for _, rr := range real {
		preference := int(rr.(*dns.MX).Preference)
		smallest, largest = min(smallest, preference), max(largest, preference)
	}
	span := largest - smallest

	shift := 0
	switch {
	case smallest >= lowest && math.MaxUint16-largest >= highest:
		// They stay.
	case span+lowest+highest > math.MaxUint16:
		return respace(real, lowest, highest, step)
	case smallest < lowest:
		shift = min(lowest*step, math.MaxUint16-highest-span) - smallest
	default:
		shift = max(math.MaxUint16-highest*step, lowest+span) - largest
	}
	smallest, largest = smallest+shift, largest+shift

	p := placement{shift: shift}
	if lowest > 0 {
		p.lowestGap = min(step, smallest/lowest)
		p.firstLowest = smallest - lowest*p.lowestGap
	}
	if highest > 0 {
		p.highestGap = min(step, (math.MaxUint16-largest)/highest)
		p.firstHighest = largest + p.highestGap
	}
	return p, true
}

// respace gives every preference a new number, in the order lowest, real,
// highest, evenly apart. It fails if there are more than there are numbers.
func respace(real []dns.RR, lowest, highest, step int) (placement, bool) {
	distinct := make([]uint16, len(real))
	for i, rr := range real {
		distinct[i] = rr.(*dns.MX).Preference
	}
	slices.Sort(distinct)
	distinct = slices.Compact(distinct)

	count := lowest + len(distinct) + highest
	if count > math.MaxUint16+1 {
		return placement{}, false
	}
	gap := max(1, min(step, math.MaxUint16/count))
	return placement{
		lowestGap:    gap,
		respaced:     distinct,
		firstReal:    lowest * gap,
		gap:          gap,
		firstHighest: (lowest + len(distinct)) * gap,
		highestGap:   gap,
	}, true
}

func (p *placement) lowest(i int) uint16  { return uint16(p.firstLowest + i*p.lowestGap) }
func (p *placement) highest(j int) uint16 { return uint16(p.firstHighest + j*p.highestGap) }

func (p *placement) real(preference uint16) uint16 {
	if p.respaced == nil {
		return uint16(int(preference) + p.shift)
	}
	k, _ := slices.BinarySearch(p.respaced, preference)
	return uint16(p.firstReal + k*p.gap)
}

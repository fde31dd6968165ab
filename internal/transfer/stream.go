package transfer

import (
	"iter"

	"github.com/miekg/dns"
)

// stream is a transfer of which the first two records have been read, as far as
// there are so many.
type stream struct {
	rest <-chan []dns.RR
	// begun are the batches with these records.
	begun [][]dns.RR
	first []dns.RR
}

func newStream(batches <-chan []dns.RR) *stream {
	s := &stream{rest: batches}
	for len(s.first) < 2 {
		batch, ok := <-batches
		if !ok {
			break
		}
		s.begun = append(s.begun, batch)
		s.first = append(s.first, batch...)
	}
	return s
}

// soa returns the SOA record with which a zone begins.
func (s *stream) soa() (*dns.SOA, bool) {
	if len(s.first) == 0 {
		return nil, false
	}
	soa, ok := s.first[0].(*dns.SOA)
	return soa, ok
}

// isCurrent reports whether there is nothing but the SOA record: what the
// secondary has is current (RFC 1995 section 2).
func (s *stream) isCurrent() bool { return len(s.first) < 2 }

// isIncremental reports whether the transfer holds differences: then its second
// record is a SOA record too (RFC 1995 section 4), and not the last.
func (s *stream) isIncremental() bool {
	if len(s.first) < 2 || s.first[1].Header().Rrtype != dns.TypeSOA {
		return false
	}
	for len(s.first) == 2 {
		batch, ok := <-s.rest
		if !ok {
			return false
		}
		s.begun = append(s.begun, batch)
		s.first = append(s.first, batch...)
	}
	return true
}

// batches yields all batches. One that does not go on to the end leaves the rest
// to drain.
func (s *stream) batches() iter.Seq[[]dns.RR] {
	return func(yield func([]dns.RR) bool) {
		for _, batch := range s.begun {
			if !yield(batch) {
				return
			}
		}
		for batch := range s.rest {
			if !yield(batch) {
				return
			}
		}
	}
}

// whole returns all batches as they came.
func (s *stream) whole() <-chan []dns.RR {
	if s == nil {
		return nil
	}
	out := make(chan []dns.RR)
	go func() {
		defer close(out)
		for batch := range s.batches() {
			out <- batch
		}
	}()
	return out
}

// drain reads what is left, so that the sender comes to its end.
func (s *stream) drain() {
	for range s.rest {
	}
}

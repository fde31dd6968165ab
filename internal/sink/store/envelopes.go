package store

import (
	"encoding/binary"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/fakemx/fakemx/internal/sink/visit"
)

const (
	// KeepEnvelopes is how long it is remembered that an envelope came to a sink
	// or to a real host.
	KeepEnvelopes = 5 * 24 * time.Hour
	// maxEnvelopes is how many are remembered. With more, the knowledge of them
	// has a gap.
	maxEnvelopes = 4_000_000
)

// An Envelope is when a reverse path and recipient came to sinks, from anywhere,
// and to a real host. What didn't happen has no time.
type Envelope struct{ First, Last, Real time.Time }

// Envelopes notes those that came to a sink.
func (s *Store) Envelopes(pairs []visit.Pair, at time.Time) {
	for _, pair := range pairs {
		s.note(envelopeNote{pair, at, false})
	}
}

// Offered notes an envelope that came to a real host.
func (s *Store) Offered(pair visit.Pair, at time.Time) { s.note(envelopeNote{pair, at, true}) }

type envelopeNote struct {
	pair visit.Pair
	at   time.Time
	real bool
}

func (n envelopeNote) write(s *Store, tx *bolt.Tx) error {
	bucket := tx.Bucket(envelopesBucket)
	value := bucket.Get(n.pair[:])
	if value == nil {
		if s.envelopes.Load() >= maxEnvelopes {
			return breakNote{only: Envelopes}.write(s, tx)
		}
		s.envelopes.Add(1)
	}
	e := readEnvelope(value)
	switch {
	case n.real:
		e.Real = later(e.Real, n.at)
	case e.First.IsZero() || n.at.Before(e.First):
		e.First, e.Last = n.at, later(e.Last, n.at)
	default:
		e.Last = later(e.Last, n.at)
	}
	return bucket.Put(n.pair[:], e.record())
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// record is first, last and real, 8 octets each, 0 for none.
func (e Envelope) record() []byte {
	value := make([]byte, 0, 24)
	for _, at := range []time.Time{e.First, e.Last, e.Real} {
		var seconds uint64
		if !at.IsZero() {
			seconds = uint64(at.Unix())
		}
		value = binary.BigEndian.AppendUint64(value, seconds)
	}
	return value
}

func readEnvelope(value []byte) (e Envelope) {
	if len(value) != 24 {
		return e
	}
	for i, at := range []*time.Time{&e.First, &e.Last, &e.Real} {
		if part := value[8*i:]; binary.BigEndian.Uint64(part) > 0 {
			*at = unix(part)
		}
	}
	return e
}

// Envelope returns what is known of an envelope.
func (l *Ledger) Envelope(pair visit.Pair) Envelope {
	return readEnvelope(l.tx.Bucket(envelopesBucket).Get(pair[:]))
}

func oldEnvelope(value []byte, now time.Time) bool {
	e := readEnvelope(value)
	return later(e.Last, e.Real).Before(now.Add(-KeepEnvelopes))
}

package store

import (
	"encoding/binary"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Kind is what a proof is about.
type Kind byte

const (
	Lines     Kind = 'l' // a real host is up and its lines arrive
	Envelopes Kind = 'e' // and they tell who is asked for
)

// A Stretch is a time without a gap: from the first proof to the last one so far.
type Stretch struct{ From, To time.Time }

// Watch notes a probe of a real host. Proofs that lie at most gap apart make one
// stretch; a failure, a restart and a note that was lost end it.
func (s *Store) Watch(host string, at time.Time, lines, envelopes bool, gap time.Duration) {
	s.note(watchNote{host, at, gap, Lines, lines})
	s.note(watchNote{host, at, gap, Envelopes, lines && envelopes})
}

// BreakEnvelopes notes that an envelope that came may not be known: what is known of
// them is not proven across it.
func (s *Store) BreakEnvelopes() { s.note(breakNote{only: Envelopes}) }

// watchNote extends a stretch or ends it. A record of the watched bucket is its
// last proof, 8 octets, and an octet that is 1 once it has ended.
type watchNote struct {
	host  string
	at    time.Time
	gap   time.Duration
	kind  Kind
	alive bool
}

const stretchLength = 9

func (n watchNote) write(_ *Store, tx *bolt.Tx) error {
	bucket := tx.Bucket(watchedBucket)
	begin := stretchesOf(n.kind, n.host)
	key, value := last(bucket, begin)
	open := len(value) == stretchLength && value[8] == 0 && !n.at.Before(unix(value)) && n.at.Sub(unix(value)) <= n.gap
	switch {
	case n.alive && open:
		return bucket.Put(key, stretchTo(n.at, false))
	case n.alive:
		return bucket.Put(binary.BigEndian.AppendUint64(begin, uint64(n.at.Unix())), stretchTo(n.at, false))
	case key != nil && len(value) == stretchLength:
		return bucket.Put(key, stretchTo(unix(value), true))
	default:
		return nil
	}
}

func stretchesOf(kind Kind, host string) []byte {
	return append(append([]byte{byte(kind)}, host...), 0)
}

func stretchTo(at time.Time, ended bool) []byte {
	value := binary.BigEndian.AppendUint64(nil, uint64(at.Unix()))
	if ended {
		return append(value, 1)
	}
	return append(value, 0)
}

// last returns the last record whose key begins with begin and a time. The key
// is the caller's.
func last(bucket *bolt.Bucket, begin []byte) (key, value []byte) {
	cursor := bucket.Cursor()
	after := append(append([]byte{}, begin...), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
	if key, _ = cursor.Seek(after); key == nil {
		key, value = cursor.Last()
	} else {
		key, value = cursor.Prev()
	}
	if len(key) != len(begin)+8 || string(key[:len(begin)]) != string(begin) {
		return nil, nil
	}
	return append([]byte{}, key...), value
}

// breakNote ends every stretch, or those of one kind.
type breakNote struct{ only Kind }

func (n breakNote) write(_ *Store, tx *bolt.Tx) error {
	bucket := tx.Bucket(watchedBucket)
	var open [][]byte
	err := bucket.ForEach(func(key, value []byte) error {
		if len(value) == stretchLength && value[8] == 0 && (n.only == 0 || key[0] == byte(n.only)) {
			open = append(open, append([]byte{}, key...))
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, key := range open {
		if err := bucket.Put(key, stretchTo(unix(bucket.Get(key)), true)); err != nil {
			return err
		}
	}
	return nil
}

// Proven returns the stretches of a host, in the order of time.
func (l *Ledger) Proven(kind Kind, host string) []Stretch {
	begin := stretchesOf(kind, host)
	var found []Stretch
	cursor := l.tx.Bucket(watchedBucket).Cursor()
	for key, value := cursor.Seek(begin); len(key) == len(begin)+8 && string(key[:len(begin)]) == string(begin); key, value = cursor.Next() {
		if len(value) == stretchLength {
			found = append(found, Stretch{unix(key[len(begin):]), unix(value)})
		}
	}
	return found
}

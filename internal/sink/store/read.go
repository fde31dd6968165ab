package store

import (
	"encoding/binary"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Visits calls f for each client and hour in which it came to a sink, all hours
// of a client in a row. It sees what Flush has written, and one state of it.
func (s *Store) Visits(f func(ClientHour)) error {
	return s.db.View(func(tx *bolt.Tx) error {
		return tx.Bucket(visitsBucket).ForEach(func(key, value []byte) error {
			if h, ok := readVisit(key, value); ok {
				f(h)
			}
			return nil
		})
	})
}

// Proofs is how often in an hour the feed of a host was tried.
type Proofs struct {
	Hour        time.Time // its beginning
	Host        string
	Alive, Dead int
}

// Proofs calls f for each hour and host, in the order of time.
func (s *Store) Proofs(f func(Proofs)) error {
	return s.db.View(func(tx *bolt.Tx) error {
		return tx.Bucket(proofsBucket).ForEach(func(key, value []byte) error {
			if len(key) <= hourLength {
				return nil
			}
			alive, dead := readProofs(value)
			f(Proofs{
				Hour: time.Unix(int64(binary.BigEndian.Uint32(key))*3600, 0).UTC(),
				Host: string(key[hourLength:]), Alive: int(alive), Dead: int(dead),
			})
			return nil
		})
	})
}

// chunk is how many records are forgotten at a time, so that nothing else waits long.
const chunk = 5000

// Forget removes what is older than it is kept.
func (s *Store) Forget(now time.Time) error {
	oldestVisit := hourOf(now.Add(-KeepVisits))
	oldestSeen := now.Add(-KeepSeen)
	tooLongAgo := func(_, value []byte) bool { return len(value) != 16 || unix(value[8:]).Before(oldestSeen) }
	for _, b := range []struct {
		name []byte
		old  func(key, value []byte) bool
	}{
		{visitsBucket, func(key, _ []byte) bool {
			return len(key) != addressLength+hourLength || binary.BigEndian.Uint32(key[addressLength:]) < oldestVisit
		}},
		{seenBucket, tooLongAgo},
		{prefixesBucket, tooLongAgo},
		{proofsBucket, func(key, _ []byte) bool {
			return len(key) <= hourLength || binary.BigEndian.Uint32(key) < oldestVisit
		}},
		{watchedBucket, func(_, value []byte) bool {
			return len(value) != stretchLength || unix(value).Before(now.Add(-KeepVisits))
		}},
		{envelopesBucket, func(_, value []byte) bool { return oldEnvelope(value, now) }},
		{listedBucket, func(_, value []byte) bool { return oldEntry(value, now) }},
		{acquittedBucket, func(_, value []byte) bool { return oldAcquittal(value, now) }},
	} {
		if err := s.forget(b.name, b.old); err != nil {
			return err
		}
	}
	return s.forgetCandidates(now)
}

// forget removes the records that are old, some at a time.
func (s *Store) forget(bucket []byte, old func(key, value []byte) bool) error {
	for from := []byte{}; from != nil; {
		var found [][]byte
		var next []byte
		err := s.db.View(func(tx *bolt.Tx) error {
			cursor := tx.Bucket(bucket).Cursor()
			for key, value := cursor.Seek(from); key != nil; key, value = cursor.Next() {
				if len(found) == chunk {
					next = append([]byte{}, key...)
					return nil
				}
				if old(key, value) {
					found = append(found, append([]byte{}, key...))
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		if from = next; len(found) == 0 {
			continue
		}
		err = s.db.Update(func(tx *bolt.Tx) error {
			b := tx.Bucket(bucket)
			for _, key := range found {
				// A visit of the same hour, or a new sighting, may have come meanwhile.
				if value := b.Get(key); value != nil && old(key, value) {
					if err := b.Delete(key); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

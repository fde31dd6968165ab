// Package store remembers for a while who came to the sinks and who was seen at
// the real hosts. It is one file, which is never left half written: what was
// given to it is on disk within a second (Every), all of that second or nothing,
// and in the order in which it was given.
package store

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/fakemx/fakemx/internal/sink/visit"
)

const (
	// Every is how often what waits is written.
	Every = 500 * time.Millisecond
	// KeepVisits and KeepSeen are how long visits to sinks and sightings at real
	// hosts are kept.
	KeepVisits = 30 * 24 * time.Hour
	KeepSeen   = 7 * 24 * time.Hour

	// waiting is how many notes may wait for a disk that is full. What comes
	// beyond is lost, and counted.
	waiting = 1 << 16
	// lockWithin is how long to wait for another process to let go of the file.
	lockWithin = 5 * time.Second
)

// The buckets of the file. Times are in seconds of Unix, 8 octets, and hours in
// hours of Unix, 4 octets; both big-endian. Addresses are of 16 octets.
var (
	visitsBucket   = []byte("visits")   // address, hour → record
	seenBucket     = []byte("seen")     // address → time of the first and of the last sighting
	prefixesBucket = []byte("prefixes") // prefix → the same
	proofsBucket   = []byte("proofs")   // hour, host → number of proofs and of failures, 4 octets each

	// Those of the harvest, empty without it.
	watchedBucket    = []byte("watched")    // kind, host, 0, time of the first proof → see watchNote
	envelopesBucket  = []byte("envelopes")  // visit.Pair → Envelope
	candidatesBucket = []byte("candidates") // time in nanoseconds, address → Candidate as JSON
	clientsBucket    = []byte("clients")    // address, time in nanoseconds → nothing
	listedBucket     = []byte("listed")     // address → see Ledger.List
	acquittedBucket  = []byte("acquitted")  // address → Acquittal as JSON
	allowedBucket    = []byte("allowed")    // address, number of bits → time

	metaBucket = []byte("meta")
	keyName    = []byte("key")
	formatName = []byte("format")
	judgedName = []byte("judged") // the time before which every candidate is judged
	format     = []byte("2")
	oldFormat  = []byte("1") // without the harvest
)

var buckets = [][]byte{
	visitsBucket, seenBucket, prefixesBucket, proofsBucket, watchedBucket, envelopesBucket, candidatesBucket,
	clientsBucket, listedBucket, acquittedBucket, allowedBucket, metaBucket,
}

// A Store is open until Close.
type Store struct {
	db  *bolt.DB
	key visit.Key

	mu      sync.Mutex
	notes   []note
	writing sync.Mutex // held while notes are written, so that they stay in order

	gap     bool // a note was lost, which is not written down yet
	lost    atomic.Uint64
	failing atomic.Bool

	// What is bounded by number, and how much did not find room. A transaction
	// that fails may leave them wrong until Forget counts anew.
	candidates, octets, envelopes, listed atomic.Int64
	left                                  atomic.Uint64
	changes                               atomic.Uint64
}

// note is something to be remembered.
type note interface {
	write(s *Store, tx *bolt.Tx) error
}

// Open opens the file at path, and makes it if it isn't there.
func Open(path string) (*Store, error) {
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: lockWithin, FreelistType: bolt.FreelistMapType, NoStatistics: true})
	if errors.Is(err, berrors.ErrTimeout) {
		return nil, fmt.Errorf("%s: in use by another process", path)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	s := &Store{db: db}
	if err := db.Update(s.prepare); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), db.Close())
	}
	return s, nil
}

// prepare makes what a new file lacks.
func (s *Store) prepare(tx *bolt.Tx) error {
	for _, name := range buckets {
		if _, err := tx.CreateBucketIfNotExists(name); err != nil {
			return err
		}
	}
	meta := tx.Bucket(metaBucket)
	if f := meta.Get(formatName); f != nil && string(f) != string(format) && string(f) != string(oldFormat) {
		return fmt.Errorf("format %q, expected %q: it is of another version of fakemx", f, format)
	}
	if err := meta.Put(formatName, format); err != nil {
		return err
	}
	// Nobody listened until now.
	if err := (breakNote{}).write(s, tx); err != nil {
		return err
	}
	if err := s.count(tx); err != nil {
		return err
	}
	if key := meta.Get(keyName); len(key) == len(s.key) {
		copy(s.key[:], key)
		return nil
	}
	s.key = visit.NewKey()
	return meta.Put(keyName, s.key[:])
}

// Key is the key of the hashes. It is made with the file and stays.
func (s *Store) Key() visit.Key { return s.key }

// Visit notes a visit to a sink.
func (s *Store) Visit(client netip.Addr, at time.Time) {
	s.note(visitNote{client.Unmap(), at})
}

// Seen notes that a client was seen at a real host.
func (s *Store) Seen(client netip.Addr, at time.Time) {
	s.note(seenNote{client.Unmap(), at})
}

// Proof notes whether the feed of a real host was proven to be alive.
func (s *Store) Proof(host string, at time.Time, alive bool) {
	s.note(proofNote{host, at, alive})
}

func (s *Store) note(n note) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.notes) >= waiting {
		s.lost.Add(1)
		s.gap = true
		return
	}
	s.notes = append(s.notes, n)
}

// Lost is how many notes found no room while the disk was full.
func (s *Store) Lost() uint64 { return s.lost.Load() }

// Failing reports whether the last attempt to write failed.
func (s *Store) Failing() bool { return s.failing.Load() }

// Flush writes what waits. If it can't, all of it goes on waiting.
func (s *Store) Flush() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.Lock()
	batch := s.notes
	if s.gap {
		batch = append(batch, breakNote{})
	}
	s.notes, s.gap = nil, false
	s.mu.Unlock()
	if len(batch) == 0 {
		return nil
	}
	err := s.db.Update(func(tx *bolt.Tx) error {
		for _, n := range batch {
			if err := n.write(s, tx); err != nil {
				return err
			}
		}
		return nil
	})
	s.failing.Store(err != nil)
	if err == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notes = append(batch, s.notes...)
	if over := len(s.notes) - waiting; over > 0 {
		s.notes = s.notes[:waiting]
		s.lost.Add(uint64(over))
		s.gap = true
	}
	return err
}

// Run writes what waits again and again, and forgets what is too old, until ctx
// ends. The first of a row of failures is given to complain.
func (s *Store) Run(ctx context.Context, now func() time.Time, complain func(error)) {
	write := time.NewTicker(Every)
	defer write.Stop()
	forget := time.NewTicker(time.Hour)
	defer forget.Stop()
	for {
		was := s.failing.Load()
		var err error
		select {
		case <-ctx.Done():
			return
		case <-write.C:
			err = s.Flush()
		case <-forget.C:
			err = s.Forget(now())
		}
		if err != nil && !was {
			complain(err)
		}
	}
}

// Close writes what waits and closes the file.
func (s *Store) Close() error {
	return errors.Join(s.Flush(), s.db.Close())
}

package store

import (
	"encoding/binary"
	"net/netip"
	"time"

	bolt "go.etcd.io/bbolt"
)

// A Ledger is one state of the store, within Update or View, after everything
// that was noted before.
type Ledger struct {
	store *Store
	tx    *bolt.Tx
}

// Update calls f with a ledger that it may change: all of it or, if f or the
// disk fails, nothing.
func (s *Store) Update(f func(*Ledger) error) error {
	if err := s.Flush(); err != nil {
		return err
	}
	return s.db.Update(func(tx *bolt.Tx) error { return f(&Ledger{s, tx}) })
}

// View calls f with a ledger to read in.
func (s *Store) View(f func(*Ledger) error) error {
	if err := s.Flush(); err != nil {
		return err
	}
	return s.db.View(func(tx *bolt.Tx) error { return f(&Ledger{s, tx}) })
}

// Met reports whether anybody of an address's /24 (IPv4) or /48 (IPv6) was seen
// at a real host, or at a lowest sink, at or after a time.
func (l *Ledger) Met(client netip.Addr, since time.Time) bool {
	return met(l.tx, client, since)
}

func met(tx *bolt.Tx, client netip.Addr, since time.Time) bool {
	value := tx.Bucket(prefixesBucket).Get(prefixKey(client))
	return len(value) == 16 && unix(value[8:]).Unix() >= since.Unix()
}

func timeOctets(at time.Time) []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(at.Unix()))
}

package store

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
)

const (
	// KeepListed is how long an address is remembered once it is off the list, and
	// KeepAcquitted how long that one was acquitted.
	KeepListed    = 30 * 24 * time.Hour
	KeepAcquitted = 30 * 24 * time.Hour
	// maxListed bounds the list, with those that are remembered.
	maxListed = 500_000
)

// An Entry is an address that is, or was, listed.
type Entry struct {
	Client    netip.Addr `json:"client"`
	Listed    time.Time  `json:"listed"` // first
	Until     time.Time  `json:"until"`
	Times     int        `json:"times"`      // visits that counted, each of which doubled the time
	LastVisit time.Time  `json:"last_visit"` // of those that counted
	Envelopes []string   `json:"envelopes"`  // that it came with, as hexadecimal digits
	Evidence  *Candidate `json:"evidence"`   // the last visit that counted
}

// Active reports whether the address is on the list.
func (e *Entry) Active(now time.Time) bool { return now.Before(e.Until) }

// An Acquittal is an address that was taken off the list before its time, or
// whose visits no longer count.
type Acquittal struct {
	Client netip.Addr `json:"client"`
	At     time.Time  `json:"at"`
	Why    string     `json:"why"`
}

// Changes grows whenever something was put on the list or taken off it.
func (s *Store) Changes() uint64 { return s.changes.Load() }

// Entry returns what is known of an address, nil if it is not and was not listed.
func (l *Ledger) Entry(client netip.Addr) *Entry {
	e, _ := readEntry(l.tx.Bucket(listedBucket).Get(addressKey(client)))
	return e
}

// timesLength is how many octets stand before the JSON of an entry.
const timesLength = 8 + 8

func readEntry(value []byte) (*Entry, bool) {
	e := new(Entry)
	if len(value) < timesLength || json.Unmarshal(value[timesLength:], e) != nil || !e.Client.IsValid() {
		return nil, false
	}
	return e, true
}

// Full reports whether the list has no room for another address.
func (l *Ledger) Full() bool { return l.store.listed.Load() >= maxListed }

// List puts an address on the list, or changes what is known of it. A record is
// when it was listed and until when, 8 octets each, for those who want no more
// than that of all, and the Entry as JSON.
func (l *Ledger) List(e *Entry) error {
	bucket, key := l.tx.Bucket(listedBucket), addressKey(e.Client)
	if bucket.Get(key) == nil {
		l.store.listed.Add(1)
	}
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	changed(l.store, l.tx)
	return bucket.Put(key, slices.Concat(timeOctets(e.Listed), timeOctets(e.Until), text))
}

// Active calls f for each address that is on the list.
func (l *Ledger) Active(now time.Time, f func(client netip.Addr, listed, until time.Time)) {
	cursor := l.tx.Bucket(listedBucket).Cursor()
	for key, value := cursor.First(); key != nil; key, value = cursor.Next() {
		if len(key) != addressLength || len(value) < timesLength {
			continue
		}
		if until := unix(value[8:]); now.Before(until) {
			f(netip.AddrFrom16([addressLength]byte(key)).Unmap(), unix(value), until)
		}
	}
}

// Entries calls f for each address that is or was listed.
func (l *Ledger) Entries(f func(*Entry)) {
	cursor := l.tx.Bucket(listedBucket).Cursor()
	for key, value := cursor.First(); key != nil; key, value = cursor.Next() {
		if e, ok := readEntry(value); ok {
			f(e)
		}
	}
}

// Acquit takes the addresses of a prefix off the list, for the reason why, and
// returns how many were on it.
func (l *Ledger) Acquit(prefix netip.Prefix, at time.Time, why string) (int, error) {
	return acquit(l.store, l.tx, commonOctets(prefix), prefix.Contains, at, why)
}

// commonOctets are the octets in front that the keys of all addresses of a
// prefix have in common.
func commonOctets(prefix netip.Prefix) []byte {
	bits := prefix.Bits()
	if prefix.Addr().Is4() {
		bits += 96
	}
	return addressKey(prefix.Masked().Addr())[:bits/8]
}

func acquit(s *Store, tx *bolt.Tx, begin []byte, in func(netip.Addr) bool, at time.Time, why string) (int, error) {
	bucket := tx.Bucket(listedBucket)
	var off []*Entry
	cursor := bucket.Cursor()
	for key, value := cursor.Seek(begin); bytes.HasPrefix(key, begin); key, value = cursor.Next() {
		if e, ok := readEntry(value); ok && in(e.Client) {
			off = append(off, e)
		}
	}
	for _, e := range off {
		if err := bucket.Delete(addressKey(e.Client)); err != nil {
			return 0, err
		}
		if err := putAcquittal(tx, e.Client, at, why); err != nil {
			return 0, err
		}
	}
	s.listed.Add(-int64(len(off)))
	if len(off) > 0 {
		changed(s, tx)
	}
	return len(off), nil
}

// changed counts a change once everybody can see it: who finds it counted before
// that would take the list as it was for the new one.
func changed(s *Store, tx *bolt.Tx) { tx.OnCommit(func() { s.changes.Add(1) }) }

func putAcquittal(tx *bolt.Tx, client netip.Addr, at time.Time, why string) error {
	value, err := json.Marshal(Acquittal{client, at.UTC(), why})
	if err != nil {
		return err
	}
	return tx.Bucket(acquittedBucket).Put(addressKey(client), value)
}

func readAcquittal(value []byte) (*Acquittal, bool) {
	a := new(Acquittal)
	if value == nil || json.Unmarshal(value, a) != nil {
		return nil, false
	}
	return a, true
}

// Acquitted returns when and why an address was acquitted, nil if it was not.
func (l *Ledger) Acquitted(client netip.Addr) *Acquittal {
	a, _ := readAcquittal(l.tx.Bucket(acquittedBucket).Get(addressKey(client)))
	return a
}

// Clear acquits an address whether it is listed or not: no visit of it from
// before counts.
func (l *Ledger) Clear(client netip.Addr, at time.Time, why string) error {
	if _, err := l.Acquit(netip.PrefixFrom(client, client.BitLen()), at, why); err != nil {
		return err
	}
	return putAcquittal(l.tx, client, at, why)
}

// oldEntry reports whether an entry has been off the list for long enough.
func oldEntry(value []byte, now time.Time) bool {
	e, ok := readEntry(value)
	return !ok || e.Until.Before(now.Add(-KeepListed))
}

func oldAcquittal(value []byte, now time.Time) bool {
	a, ok := readAcquittal(value)
	return !ok || a.At.Before(now.Add(-KeepAcquitted))
}

// AddEnvelope remembers an envelope, and reports whether it is new. Of those
// that are known the oldest is dropped.
func (e *Entry) AddEnvelope(pair string) bool {
	const most = 100
	if slices.Contains(e.Envelopes, pair) {
		return false
	}
	if e.Envelopes = append(e.Envelopes, pair); len(e.Envelopes) > most {
		e.Envelopes = slices.Delete(e.Envelopes, 0, len(e.Envelopes)-most)
	}
	return true
}

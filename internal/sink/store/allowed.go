package store

import (
	"errors"
	"net/netip"
	"time"
)

// maxAllowed bounds the allow list.
const maxAllowed = 10_000

// ErrAllowFull is that the allow list has no room.
var ErrAllowFull = errors.New("the allow list is full: 10000 addresses and prefixes")

// An Allowed prefix is never listed.
type Allowed struct {
	Prefix netip.Prefix `json:"prefix"`
	Since  time.Time    `json:"since"`
}

// allowedKey is the prefix's address and how many bits count.
func allowedKey(p netip.Prefix) []byte {
	return append(addressKey(p.Masked().Addr()), byte(p.Bits()))
}

// Allow puts a prefix on the allow list, and takes what lies in it off the list.
func (l *Ledger) Allow(p netip.Prefix, at time.Time, why string) error {
	bucket := l.tx.Bucket(allowedBucket)
	if bucket.Get(allowedKey(p)) == nil && bucket.Stats().KeyN >= maxAllowed {
		return ErrAllowFull
	}
	if err := bucket.Put(allowedKey(p), timeOctets(at)); err != nil {
		return err
	}
	_, err := l.Acquit(p.Masked(), at, why)
	return err
}

// Disallow takes a prefix off the allow list, and reports whether it was there.
func (l *Ledger) Disallow(p netip.Prefix) (bool, error) {
	bucket := l.tx.Bucket(allowedBucket)
	if bucket.Get(allowedKey(p)) == nil {
		return false, nil
	}
	return true, bucket.Delete(allowedKey(p))
}

// AllowedBy returns the widest prefix of the allow list that an address lies in.
func (l *Ledger) AllowedBy(client netip.Addr) (netip.Prefix, bool) {
	bucket := l.tx.Bucket(allowedBucket)
	for bits := range client.BitLen() + 1 {
		p := netip.PrefixFrom(client, bits).Masked()
		if bucket.Get(allowedKey(p)) != nil {
			return p, true
		}
	}
	return netip.Prefix{}, false
}

// Allowed returns the allow list.
func (l *Ledger) Allowed() []Allowed {
	all := []Allowed{}
	cursor := l.tx.Bucket(allowedBucket).Cursor()
	for key, value := cursor.First(); key != nil; key, value = cursor.Next() {
		if len(key) != addressLength+1 || len(value) != 8 {
			continue
		}
		client := netip.AddrFrom16([addressLength]byte(key))
		if int(key[addressLength]) <= 32 && client.Is4In6() {
			client = client.Unmap()
		}
		all = append(all, Allowed{netip.PrefixFrom(client, int(key[addressLength])), unix(value)})
	}
	return all
}

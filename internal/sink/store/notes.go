package store

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"time"

	bolt "go.etcd.io/bbolt"
)

// ClientHour is what is known about a client's visits to sinks in one hour.
type ClientHour struct {
	Client      netip.Addr
	Hour        time.Time // its beginning
	First, Last time.Time
	Visits      int
	Before      bool // seen at a real host at or before First
	Later       bool // seen there after it
	Neighbour   bool // another of its /24 (IPv4) or /48 (IPv6) was seen there, before or after
}

const (
	flagBefore = 1 << iota
	flagLater
	flagNeighbour
)

const (
	addressLength = 16
	hourLength    = 4
	recordLength  = 8 + 8 + 4 + 1
)

// hourOf is the number of the hour since 1970.
func hourOf(at time.Time) uint32 { return uint32(at.Unix() / 3600) }

func visitKey(client netip.Addr, hour uint32) []byte {
	a := client.As16()
	return binary.BigEndian.AppendUint32(a[:], hour)
}

// record is the value of a visit: first, last, count, flags.
func (h *ClientHour) record() []byte {
	value := make([]byte, 0, recordLength)
	value = binary.BigEndian.AppendUint64(value, uint64(h.First.Unix()))
	value = binary.BigEndian.AppendUint64(value, uint64(h.Last.Unix()))
	value = binary.BigEndian.AppendUint32(value, uint32(min(h.Visits, 1<<31)))
	var flags byte
	for flag, set := range map[byte]bool{flagBefore: h.Before, flagLater: h.Later, flagNeighbour: h.Neighbour} {
		if set {
			flags |= flag
		}
	}
	return append(value, flags)
}

// readVisit reads a key and a value of the visits. A record of another length
// than expected is none.
func readVisit(key, value []byte) (h ClientHour, ok bool) {
	if len(key) != addressLength+hourLength || len(value) != recordLength {
		return h, false
	}
	flags := value[recordLength-1]
	return ClientHour{
		Client: netip.AddrFrom16([addressLength]byte(key)).Unmap(),
		Hour:   time.Unix(int64(binary.BigEndian.Uint32(key[addressLength:]))*3600, 0).UTC(),
		First:  unix(value), Last: unix(value[8:]), Visits: int(binary.BigEndian.Uint32(value[16:])),
		Before: flags&flagBefore != 0, Later: flags&flagLater != 0, Neighbour: flags&flagNeighbour != 0,
	}, true
}

func unix(value []byte) time.Time {
	return time.Unix(int64(binary.BigEndian.Uint64(value)), 0).UTC()
}

type visitNote struct {
	client netip.Addr
	at     time.Time
}

func (n visitNote) write(_ *Store, tx *bolt.Tx) error {
	bucket := tx.Bucket(visitsBucket)
	key := visitKey(n.client, hourOf(n.at))
	h, known := readVisit(key, bucket.Get(key))
	if !known {
		h = ClientHour{First: n.at, Last: n.at}
	}
	if n.at.Before(h.First) {
		h.First = n.at
	}
	if n.at.After(h.Last) {
		h.Last = n.at
	}
	h.Visits++
	before, later := sighted(tx.Bucket(seenBucket).Get(addressKey(n.client)), h.First)
	h.Before, h.Later = h.Before || before, h.Later || later
	before, later = sighted(tx.Bucket(prefixesBucket).Get(prefixKey(n.client)), h.First)
	h.Neighbour = h.Neighbour || before || later
	return bucket.Put(key, h.record())
}

// sighted compares sightings, first and last, with a visit.
func sighted(sightings []byte, visit time.Time) (before, later bool) {
	if len(sightings) != 16 {
		return false, false
	}
	return unix(sightings).Unix() <= visit.Unix(), unix(sightings[8:]).Unix() > visit.Unix()
}

// WasSeen is why a sight at a real host acquits an address and its neighbours.
const WasSeen = "seen"

type seenNote struct {
	client netip.Addr
	at     time.Time
}

func (n seenNote) write(s *Store, tx *bolt.Tx) error {
	if err := stretch(tx.Bucket(seenBucket), addressKey(n.client), n.at); err != nil {
		return err
	}
	prefix := prefixKey(n.client)
	if err := stretch(tx.Bucket(prefixesBucket), prefix, n.at); err != nil {
		return err
	}
	if err := n.tellVisits(tx.Bucket(visitsBucket), prefix); err != nil {
		return err
	}
	_, err := acquit(s, tx, prefix, netip.Addr.IsValid, n.at, WasSeen)
	return err
}

// mostNeighbours is how many records one sighting looks at: a whole /24 in an
// hour, and more. In a /48 there can be any number.
const mostNeighbours = 1000

// tellVisits marks the visits of the client and of its neighbours.
func (n seenNote) tellVisits(bucket *bolt.Bucket, prefix []byte) error {
	type change struct {
		key   []byte
		value []byte
	}
	var changes []change
	look := func(begin []byte) {
		cursor := bucket.Cursor()
		left := mostNeighbours
		for key, value := cursor.Seek(begin); bytes.HasPrefix(key, begin) && left > 0; key, value = cursor.Next() {
			left--
			h, ok := readVisit(key, value)
			if !ok {
				continue
			}
			was := h
			h.Neighbour = true
			if h.Client == n.client {
				h.Before = h.Before || n.at.Unix() <= h.First.Unix()
				h.Later = h.Later || n.at.Unix() > h.First.Unix()
			}
			if h != was {
				changes = append(changes, change{bytes.Clone(key), h.record()})
			}
		}
	}
	look(addressKey(n.client))
	look(prefix)
	// A bucket must not change under a cursor. The client's own records come
	// twice, and are the same both times.
	for _, c := range changes {
		if err := bucket.Put(c.key, c.value); err != nil {
			return err
		}
	}
	return nil
}

// stretch extends the time between the first and the last sighting under key.
func stretch(bucket *bolt.Bucket, key []byte, at time.Time) error {
	first, last := at, at
	if value := bucket.Get(key); len(value) == 16 {
		if known := unix(value); known.Before(first) {
			first = known
		}
		if known := unix(value[8:]); known.After(last) {
			last = known
		}
	}
	value := binary.BigEndian.AppendUint64(nil, uint64(first.Unix()))
	return bucket.Put(key, binary.BigEndian.AppendUint64(value, uint64(last.Unix())))
}

func addressKey(client netip.Addr) []byte {
	a := client.As16()
	return a[:]
}

// prefixKey is the beginning that the addresses of a /24 (IPv4) or /48 (IPv6)
// have in common.
func prefixKey(client netip.Addr) []byte {
	a := client.As16()
	if client.Is4() {
		return a[:15:15]
	}
	return a[:6:6]
}

type proofNote struct {
	host  string
	at    time.Time
	alive bool
}

func (n proofNote) write(_ *Store, tx *bolt.Tx) error {
	bucket := tx.Bucket(proofsBucket)
	key := append(binary.BigEndian.AppendUint32(nil, hourOf(n.at)), n.host...)
	alive, dead := readProofs(bucket.Get(key))
	if n.alive {
		alive++
	} else {
		dead++
	}
	return bucket.Put(key, binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, alive), dead))
}

func readProofs(value []byte) (alive, dead uint32) {
	if len(value) != 8 {
		return 0, 0
	}
	return binary.BigEndian.Uint32(value), binary.BigEndian.Uint32(value[4:])
}

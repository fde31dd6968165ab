package store

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"net/netip"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/fakemx/fakemx/internal/sink/visit"
)

const (
	// KeepCandidates is how long a visit is kept that may be, or was, judged.
	KeepCandidates = 7 * 24 * time.Hour

	// Bounds of what is kept: in all, in octets, and of one client.
	maxCandidates      = 200_000
	maxCandidateOctets = 256 << 20
	maxOfClient        = 20
)

// A Candidate is a visit of which it must be decided whether a bot made it.
type Candidate struct {
	Visit  *visit.Visit `json:"visit"`
	Checks *Checks      `json:"checks,omitempty"` // nil: not made
	// Met says that somebody of its /24 (IPv4) or /48 (IPv6) had been seen within
	// KeepSeen before: that is forgotten when the visit is judged.
	Met bool `json:"met,omitempty"`
	// Verdict is empty until the visit is judged.
	Verdict string    `json:"verdict,omitempty"`
	Judged  time.Time `json:"judged,omitzero"`
}

// Checks are what DNS said about a visit, soon after it.
type Checks struct {
	Helo SPF   `json:"helo"`
	From []SPF `json:"from,omitempty"` // of each reverse path, without the null one
	// Hosts is empty if every real host of the recipients' domains is one whose
	// feed is known, else why not.
	Hosts string `json:"hosts,omitempty"`
}

// SPF is a result by RFC 7208 section 2.6.
type SPF struct {
	Domain string `json:"domain"`
	Result string `json:"result"`
}

// Candidate notes a visit that is to be judged.
func (s *Store) Candidate(v *visit.Visit) { s.note(candidateNote{v}) }

// Check notes what DNS said about one.
func (s *Store) Check(v *visit.Visit, c Checks) { s.note(checkNote{v, c}) }

// Left is how many visits were not taken for judging because there was no room.
func (s *Store) Left() uint64 { return s.left.Load() }

// Candidates is how many visits are kept for judging.
func (s *Store) Candidates() int64 { return s.candidates.Load() }

// candidateKey orders candidates by time. The other order is that of clientKey.
func candidateKey(v *visit.Visit) []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(v.Time.UnixNano())), addressKey(v.Client)...)
}

const candidateKeyLength = 8 + addressLength

// clientKey is a key of candidates with its parts the other way round.
func clientKey(key []byte) []byte {
	return append(bytes.Clone(key[8:]), key[:8]...)
}

type candidateNote struct{ visit *visit.Visit }

func (n candidateNote) write(s *Store, tx *bolt.Tx) error {
	value, err := json.Marshal(Candidate{Visit: n.visit, Met: met(tx, n.visit.Client, n.visit.Time.Add(-KeepSeen))})
	if err != nil {
		return err
	}
	key := candidateKey(n.visit)
	byClient := tx.Bucket(clientsBucket)
	if s.candidates.Load() >= maxCandidates || s.octets.Load()+int64(len(value)) > maxCandidateOctets ||
		full(byClient, addressKey(n.visit.Client), maxOfClient) {
		s.left.Add(1)
		return nil
	}
	s.candidates.Add(1)
	s.octets.Add(int64(len(value)))
	if err := byClient.Put(clientKey(key), []byte{}); err != nil {
		return err
	}
	return tx.Bucket(candidatesBucket).Put(key, value)
}

// full reports whether most records or more begin with begin.
func full(bucket *bolt.Bucket, begin []byte, most int) bool {
	cursor := bucket.Cursor()
	for key, _ := cursor.Seek(begin); bytes.HasPrefix(key, begin); key, _ = cursor.Next() {
		if most--; most == 0 {
			return true
		}
	}
	return false
}

type checkNote struct {
	visit  *visit.Visit
	checks Checks
}

func (n checkNote) write(_ *Store, tx *bolt.Tx) error {
	bucket := tx.Bucket(candidatesBucket)
	key := candidateKey(n.visit)
	c, ok := readCandidate(bucket.Get(key))
	if !ok || c.Verdict != "" {
		return nil
	}
	c.Checks = &n.checks
	return putCandidate(bucket, key, c)
}

func readCandidate(value []byte) (*Candidate, bool) {
	c := new(Candidate)
	if value == nil || json.Unmarshal(value, c) != nil || c.Visit == nil {
		return nil, false
	}
	return c, true
}

func putCandidate(bucket *bolt.Bucket, key []byte, c *Candidate) error {
	value, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return bucket.Put(key, value)
}

// Due returns at most so many visits from before a time that are not judged yet,
// the oldest first.
func (l *Ledger) Due(before time.Time, most int) []*Candidate {
	var due []*Candidate
	candidates := l.tx.Bucket(candidatesBucket)
	cursor := candidates.Cursor()
	from := l.tx.Bucket(metaBucket).Get(judgedName)
	for key, value := cursor.Seek(from); len(key) == candidateKeyLength && len(due) < most; key, value = cursor.Next() {
		if !time.Unix(0, int64(binary.BigEndian.Uint64(key))).Before(before) {
			break
		}
		if c, ok := readCandidate(value); ok && c.Verdict == "" {
			due = append(due, c)
		}
	}
	return due
}

// Judged writes a verdict.
func (l *Ledger) Judged(c *Candidate, verdict string, at time.Time) error {
	c.Verdict, c.Judged = verdict, at
	return putCandidate(l.tx.Bucket(candidatesBucket), candidateKey(c.Visit), c)
}

// JudgedUpTo remembers that every visit before a time is judged, so that Due
// doesn't look at them again.
func (l *Ledger) JudgedUpTo(before time.Time) error {
	return l.tx.Bucket(metaBucket).Put(judgedName, binary.BigEndian.AppendUint64(nil, uint64(before.UnixNano())))
}

// OfClient returns the visits of a client, the oldest first.
func (l *Ledger) OfClient(client netip.Addr) []*Candidate {
	var found []*Candidate
	begin := addressKey(client)
	candidates := l.tx.Bucket(candidatesBucket)
	cursor := l.tx.Bucket(clientsBucket).Cursor()
	for key, _ := cursor.Seek(begin); bytes.HasPrefix(key, begin); key, _ = cursor.Next() {
		by := append(bytes.Clone(key[addressLength:]), key[:addressLength]...)
		if c, ok := readCandidate(candidates.Get(by)); ok {
			found = append(found, c)
		}
	}
	return found
}

// Several reports whether visits between two times came from more than one /24
// (IPv4) or /48 (IPv6).
func (l *Ledger) Several(from, to time.Time) bool {
	cursor := l.tx.Bucket(candidatesBucket).Cursor()
	var first []byte
	key, _ := cursor.Seek(binary.BigEndian.AppendUint64(nil, uint64(from.UnixNano())))
	for ; len(key) == candidateKeyLength && !time.Unix(0, int64(binary.BigEndian.Uint64(key))).After(to); key, _ = cursor.Next() {
		prefix := prefixKey(netip.AddrFrom16([addressLength]byte(key[8:])).Unmap())
		if first == nil {
			first = prefix
		}
		if !bytes.Equal(first, prefix) {
			return true
		}
	}
	return false
}

// forgetCandidates removes old ones from both orders, some at a time, and counts
// those that are left.
func (s *Store) forgetCandidates(now time.Time) error {
	oldest := binary.BigEndian.AppendUint64(nil, uint64(now.Add(-KeepCandidates).UnixNano()))
	for more := true; more; {
		err := s.db.Update(func(tx *bolt.Tx) error {
			more = false
			candidates, byClient := tx.Bucket(candidatesBucket), tx.Bucket(clientsBucket)
			var old [][]byte
			cursor := candidates.Cursor()
			for key, _ := cursor.First(); key != nil && bytes.Compare(key, oldest) < 0; key, _ = cursor.Next() {
				if more = len(old) == chunk; more {
					break
				}
				old = append(old, bytes.Clone(key))
			}
			for _, key := range old {
				if err := candidates.Delete(key); err != nil {
					return err
				}
				if err := byClient.Delete(clientKey(key)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return s.db.View(s.count)
}

// count counts what is bounded by number.
func (s *Store) count(tx *bolt.Tx) error {
	var candidates, octets int64
	err := tx.Bucket(candidatesBucket).ForEach(func(_, value []byte) error {
		candidates++
		octets += int64(len(value))
		return nil
	})
	s.candidates.Store(candidates)
	s.octets.Store(octets)
	s.envelopes.Store(int64(tx.Bucket(envelopesBucket).Stats().KeyN))
	s.listed.Store(int64(tx.Bucket(listedBucket).Stats().KeyN))
	return err
}

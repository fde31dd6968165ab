package visit

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/fakemx/fakemx/internal/sink/smtp"
)

// A Pair stands for a reverse path and one recipient.
type Pair [8]byte

func (p Pair) String() string { return hex.EncodeToString(p[:]) }

// PairOf returns the pair of two addresses whose hashes one key made.
func PairOf(from, to Address) Pair {
	sum := sha256.Sum256([]byte(from.Hash + "|" + to.Hash))
	return Pair(sum[:8])
}

// Pair returns the pair of two addresses as mail servers write them, with or
// without angle brackets. "" is the null reverse path.
func (k Key) Pair(from, to string) Pair {
	return PairOf(k.address(smtp.ParsePath(from)), k.address(smtp.ParsePath(to)))
}

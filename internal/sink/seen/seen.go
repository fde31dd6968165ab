// Package seen learns who connected to port 25 of a real mail host, whatever it
// was answered there: from log lines of the host (Parse, Follow, Receive), from
// questions of its policy client (Policy), and it proves whether a host's lines
// arrive at all (Prover).
//
// Lines are forged easily: mail logs repeat what clients say, and UDP has any
// sender. A forged line can only say that somebody was seen, so it makes the
// harmless mistake: a bot passes for a client, never a client for a bot.
package seen

import (
	"net/netip"
	"time"
)

// A Sighting is a connection to port 25 of a real host.
type Sighting struct {
	Time   time.Time
	Host   string // the real host's name, as its lines say it
	Client netip.Addr

	// From and To are the envelope, if Envelope says that it is known: raw
	// addresses, the null reverse path as "".
	Envelope bool
	From, To string
}

// maxLine is how many octets of a line are looked at. Longer ones are no line of
// a mail server's.
const maxLine = 4096

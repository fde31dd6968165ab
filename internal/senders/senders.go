// Package senders knows how mail servers walk a domain's MX set: in which order
// they call its hosts, how long they wait, and what they do with the message
// when a host refuses, is silent, defers or rejects.
//
// The knowledge is data: [Known] has one entry for each sender. What stands
// there was measured or read in a program's source or documentation, and
// the entry says which. [Sender.Walk] is the one algorithm that all share; it is
// a pure function of the set, of the state of each address and of the sender.
// A test compares it with what the mail laboratory of the project recorded.
package senders

// Evidence says where the knowledge about a sender is from.
type Evidence int

const (
	// Run: the version that is named was run against sets of every kind.
	Run Evidence = iota
	// Read: its source or documentation was read.
	Read
)

// String returns "run" or "read".
func (e Evidence) String() string {
	if e == Run {
		return "run"
	}
	return "read"
}

// Fate is what becomes of a message after one attempt.
type Fate int

const (
	// Unknown: nobody has measured or read what the sender does there.
	Unknown Fate = iota
	// Delivered: a host has taken the message.
	Delivered
	// Queued: no host that could be called takes the message now. A later attempt
	// delivers it when one does.
	Queued
	// Stuck: the message is queued although a host takes mail, and every later
	// attempt ends before that host. It is returned in the end.
	Stuck
	// Chance: only a part of the set is looked at, and which one changes from
	// answer to answer. Some attempt delivers the message, no one knows which.
	Chance
	// Bounced: the message is returned at once.
	Bounced
	// Taken: a fake has taken the message, and nobody will read it.
	Taken
)

var fates = [...]string{"not known", "delivered", "queued", "stuck", "by chance", "bounced", "taken by a fake"}

// String returns the fate in one or two words.
func (f Fate) String() string { return fates[f] }

// Reaction is what a sender does with a message when a host does not take it.
type Reaction int

const (
	// Unseen: not known.
	Unseen Reaction = iota
	// Next: it goes on to the next address.
	Next
	// Keep: it ends the attempt. The next attempt begins at the first address.
	Keep
	// Return: it bounces the message.
	Return
)

// Sender is a mail server and its habits, with the configuration that it comes
// with. Durations are in seconds; unmeasured stands for one that is not known.
type Sender struct {
	Name string
	// Version is the one that was run, or when it was read.
	Version  string
	Evidence Evidence

	// Wait is how long it waits after a host that was called and did not take the
	// message, before it calls the next.
	Wait float64
	// Silent is how long it waits for an address that drops its packets.
	Silent float64
	// Lookup is how long a host's name holds it up whose address cannot be had
	// (SERVFAIL).
	Lookup float64

	// Greeting4xx and Greeting5xx are for a host that greets with 421 or 451, or
	// with 554. Recipient4xx is for a host that answers 4xx to a recipient or
	// after DATA. To a 5xx there every sender bounces.
	Greeting4xx, Greeting5xx, Recipient4xx Reaction
	// NoAddress is for a set with a host that has no address.
	NoAddress Reaction
	// Loopback and Unspecified are for a best host at 127.0.0.1 (or ::1), and at
	// 0.0.0.0 (or ::): Return where the sender takes it for itself.
	Loopback, Unspecified Reaction
	// NullMX is the fate of a message to a domain with a null MX (RFC 7505).
	NullMX Fate

	Limits Limits
	// Remembers: an address that refused is passed over in the next attempt, so
	// that a limit puts a message off and does not stop it.
	Remembers bool
	// OneTry: the first attempt is the last, and then the message is returned.
	OneTry bool
	// IPv4 is set for a sender that calls no IPv6 address.
	IPv4 bool
}

// Limits is how much of a set a sender looks at. Zero is no limit that matters.
type Limits struct {
	// Records of the answer that are kept. What is beyond is dropped before the set
	// is sorted, and resolvers turn the order of an answer.
	Records int
	// Hosts that are called in an attempt.
	Hosts int
	// Addresses that are called in an attempt. Where Balanced is set, as many of
	// either family are among them as there is room for.
	Addresses int
	Balanced  bool
	// Sessions that came as far as a recipient in an attempt.
	Sessions int
}

const unmeasured = -1

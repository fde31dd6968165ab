package harvest

// A Reason says why a visit makes its client a bot, or why not. It is a label
// of the metrics, and stands in what the commands print as JSON.
type Reason string

const (
	Bot     Reason = "bot"
	Waiting Reason = "waiting"

	// What the visit is.

	NoRecipient Reason = "no_recipient"
	NotOurs     Reason = "not_ours"
	NullPath    Reason = "null_path"
	Special     Reason = "special_address"
	Late        Reason = "late"
	OtherKey    Reason = "other_key"

	// What speaks for the client.

	OwnHost   Reason = "own_host"
	Allowed   Reason = "allowed"
	Acquitted Reason = "acquitted"
	Seen      Reason = "seen"
	Offered   Reason = "offered"
	Queue     Reason = "queue"
	Cleared   Reason = "cleared"
	SPFPass   Reason = "spf_pass"

	// What is not known well enough.

	NoFeed      Reason = "no_feed"
	NoEnvelopes Reason = "no_envelopes"
	Young       Reason = "feed_young"
	Gap         Reason = "feed_gap"
	EnvelopeGap Reason = "envelope_gap"
	Hosted      Reason = "host_without_feed"
	MXUnknown   Reason = "mx_unknown"
	SPFError    Reason = "spf_error"
	SPFUnknown  Reason = "spf_unknown"
	OneAddress  Reason = "one_address"
	Full        Reason = "full"
)

// Reasons lists every Reason that a visit can end with.
var Reasons = []Reason{
	Bot, NoRecipient, NotOurs, NullPath, Special, Late, OtherKey, OwnHost, Allowed, Acquitted, Seen, Offered, Queue,
	Cleared, SPFPass, NoFeed, NoEnvelopes, Young, Gap, EnvelopeGap, Hosted, MXUnknown, SPFError, SPFUnknown, OneAddress, Full,
}

var texts = map[Reason]string{ // #nosec G101 -- the pass is SPF's
	Bot:     "all conditions are met: it came only to the highest sink",
	Waiting: "not judged yet: its time to come to a real host is not over, or the last proof of a feed is yet to come",

	NoRecipient: "it named no recipient",
	NotOurs:     "it named no recipient in a domain of the Corefile",
	NullPath:    "it had only the null reverse path: a bounce or a callout",
	Special:     "its address is private or special, and no host's on the Internet",
	Late:        "its visit became known too late",
	OtherKey:    "another sink told of it that has another key, so its envelope can't be compared",

	OwnHost:   "it is, or is beside, a mail host of the domain",
	Allowed:   "it is on the allow list",
	Acquitted: "it was acquitted after the visit",
	Seen:      "it, or another address of its /24 (IPv4) or /48 (IPv6), was seen at a real host or a lowest sink",
	Offered:   "a real host was offered the same reverse path and recipient",
	Queue:     "the same reverse path and recipient came again after 4 minutes or more: a queue",
	Cleared:   "another visit of it came from a queue, or its mail came to a real host",
	SPFPass:   "SPF says that it may send for its HELO name or a reverse path",

	NoFeed:      "the feed of a real host was never proven, or tells no connections",
	NoEnvelopes: "the feed of a real host doesn't tell envelopes",
	Young:       "the feeds of all real hosts were not yet proven for 7 days (with at most a day of gaps)",
	Gap:         "the feed of a real host was not proven without a gap, from an hour before the visit on",
	EnvelopeGap: "the envelopes of a real host's feed were not proven without a gap, from an hour before the visit on",
	Hosted:      "the domain has a mail host that is none of -real, so nobody knows who came there",
	MXUnknown:   "the mail hosts of the domain could not be looked up",
	SPFError:    "SPF of its HELO name or a reverse path ended in an error",
	SPFUnknown:  "SPF was not evaluated: too many visits at a time, or a stop",
	OneAddress:  "all visits come from this address or beside it: a proxy that hides the clients looks like that",
	Full:        "the list is full",
}

// Text explains a reason in a sentence. One of another version is quoted.
func (r Reason) Text() string {
	if text, ok := texts[r]; ok {
		return text
	}
	return quote(string(r))
}

// known reports whether it is one of those with a text.
func (r Reason) known() bool {
	_, ok := texts[r]
	return ok
}

// clears reports whether a visit that ends so shows a mail server, all of whose
// visits are forgiven.
func (r Reason) clears() bool { return r == Queue || r == Offered }

package oracle

// A rule is one allowed difference. It returns what the hand-edited answer has
// to be under it, as narrowly as can be said, and false where it doesn't apply.
type rule struct {
	name    string
	reason  string
	permits func(*finding) (want reply, ok bool)
}

// rules are applied in this order.
var rules = []*rule{
	{
		name: "below a literal asterisk at a cut",
		reason: "where a wildcard is cut, its records stand at the name and at the * below it; a name below that literal * " +
			"has none any more (RFC 4592 section 4.2), while with fakemx the one wildcard reaches it as it does the names beside it",
		permits: belowLiteralAsterisk,
	},
	{
		name: "glue never truncates",
		reason: "an answer whose MX set fits does not get TC because the addresses beside it don't; " +
			"fakemx leaves out addresses and then the NS set",
		permits: glueNeverTruncates,
	},
	{
		name:    "another part of a truncated set",
		reason:  "which records of a set that doesn't fit come with TC depends on their order, and has no meaning (RFC 2181 section 9)",
		permits: otherPart,
	},
	{
		name: "addresses of a sink in another zone",
		reason: "*file* adds addresses from the zone of the answer only; fakemx adds those of all sinks that it " +
			"serves, wherever they are",
		permits: farSinks,
	},
	{
		name: "addresses beside an answer that passes",
		reason: "*file* adds the addresses of every host that an answer names, so also those of a sink that " +
			"was typed in; what holds no new fake passes fakemx as it is",
		permits: asThePlainZone,
	},
	{
		name:    "addresses beside an untouched set",
		reason:  "what stands at the real label comes with what the plain zone puts beside it",
		permits: besideUntouchedSet,
	},
	{
		name: "a wildcard of *file* at an empty non-terminal of the zone",
		reason: "*file* answers from a wildcard at a name that exists because there are names below it, " +
			"which RFC 4592 section 2.2.2 forbids; fakemx takes that name for an owner of its own, by what is configured " +
			"for it, and publishes its set untouched",
		permits: wildcardAtOwnNonTerminal,
	},
	{
		name: "an empty wildcard at a cut",
		reason: "a wildcard that exists only because there are names below it makes names exist that have nothing " +
			"(RFC 4592 section 2.2.1); a copy of nothing can't be typed in where it is cut",
		permits: emptyWildcard,
	},
	{
		name: "addresses of a sink of another stanza",
		reason: "*file* adds the addresses of every host of its zone; those of a sink that another stanza serves " +
			"fakemx leaves as the plain zone has them",
		permits: servedByOthers,
	},
	{
		name: "a failure passes",
		reason: "what fails in the plain zone, as a wildcard alias to itself does, fails with fakemx, though a sink would stop it; " +
			"where both fail, what is in the answer has no meaning",
		permits: failurePasses,
	},
	{
		name: "an alias to a sink behind a cut",
		reason: "a backend that strips its answers does not show that an alias of its zone ends in a referral; " +
			"fakemx, which has the zone of the sink too, goes on as for a direct question",
		permits: aliasToSinkBehindCut,
	},
	{
		name: "an alias ends in NODATA",
		reason: "*file* puts the NS set where a NODATA at the end of an alias needs the SOA (RFC 2308 section 2.2); " +
			"fakemx, where the alias leads out of the file or to what a wildcard answers for, has the SOA there",
		permits: aliasToNoData,
	},
	{
		name: "an alias to a sink in another zone",
		reason: "*file* puts the NS set or the SOA of the alias beside what it leads to; fakemx, which answers for " +
			"the sink itself, for the names above and below that are there because of it or not, and for untouched sets, puts " +
			"those of their zone there (RFC 2308 section 2)",
		permits: aliasToFarSink,
	},
	{
		name: "an alias to a name above a sink, of another server block",
		reason: "sinks bring names into being in the zones of their own server block, which knows of no other; " +
			"*file* puts the SOA of the alias there",
		permits: aliasToOtherBlock,
	},
	{
		name: "addresses beside an untouched set behind an alias",
		reason: "*file* adds the addresses of the exchanges that an alias within the zone leads to; fakemx, which the " +
			"alias leads out of the file, may leave them out",
		permits: untouchedBehindAlias,
	},
	{
		name: "a wildcard at an empty non-terminal",
		reason: "*file* answers from a wildcard at a name that exists because there are names below it, " +
			"which RFC 4592 section 2.2.2 forbids; fakemx says NODATA at the names above its sinks",
		permits: wildcardAtEmptyNonTerminal,
	},
}

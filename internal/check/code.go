package check

import "slices"

// Code names a kind of finding. Codes are part of the interface: one is never
// given another meaning.
type Code string

// The codes, by what they are about. docs/check.md says more about each.
const (
	// CodeConfig is for the Corefile.
	CodeConfig Code = "config"

	// CodeNoMX and the following are for the set.
	CodeNoMX       Code = "no-mx"
	CodeNullMX     Code = "null-mx"
	CodeNoReal     Code = "no-real"
	CodeExcepted   Code = "excepted"
	CodeDryRun     Code = "dry-run"
	CodeForeign    Code = "foreign-set"
	CodeSetMoved   Code = "set-moved"
	CodeSetOver10  Code = "set-over-10"
	CodeSetNear100 Code = "set-near-100"
	CodeSetOver100 Code = "set-over-100"
	CodeAnswerSize Code = "answer-size"
	CodeService    Code = "service-name"
	CodeWayBack    Code = "way-back"

	// CodeSinkInUse and the following are for sinks.
	CodeSinkInUse     Code = "sink-in-use"
	CodeSinkListens   Code = "sink-listens"
	CodeSinkDefers    Code = "sink-defers"
	CodeSinkRejects   Code = "sink-rejects"
	CodeSinkSilent    Code = "sink-silent"
	CodeSinkNoAddress Code = "sink-no-address"
	CodeSinkSelf      Code = "sink-self"
	CodeSinkPrivate   Code = "sink-private"
	CodeSinkIsReal    Code = "sink-is-real"
	CodeSinkFamily    Code = "sink-family"
	CodeSinkShared    Code = "sink-shared"
	CodeSinkAlias     Code = "sink-alias"
	CodeWildcardCut   Code = "wildcard-cut"

	// CodeRealNoAddress and the following are for real hosts.
	CodeRealNoAddress Code = "real-no-address"
	CodeRealAlias     Code = "real-alias"
	CodeRealPrivate   Code = "real-private"
	CodeRealDown      Code = "real-down"
	CodeRealSilent    Code = "real-silent"
	CodeRealRejects   Code = "real-rejects"
	CodeReceiverByMX  Code = "receiver-by-mx"
	CodeReceiverAsk   Code = "receiver-question"

	// CodeSenderLost and the following are for who walks the set or looks at it.
	CodeSenderLost   Code = "sender-lost"
	CodeSenderLate   Code = "sender-late"
	CodeSenderOutage Code = "sender-outage"
	CodeSenderRead   Code = "sender-read"
	CodeMXCheck      Code = "mx-check"
	CodeVerifiers    Code = "verifiers"

	// CodeSPFBroken and the following are for SPF, MTA-STS, DANE, DNSSEC and name
	// servers.
	CodeSPFBroken       Code = "spf-broken"
	CodeSPFTooManyMX    Code = "spf-too-many-mx"
	CodeSPFChanged      Code = "spf-changed"
	CodeSPFSinks        Code = "spf-sinks"
	CodeMTASTSPolicy    Code = "mta-sts-policy"
	CodeMTASTSReal      Code = "mta-sts-real"
	CodeMTASTSSinks     Code = "mta-sts-sinks"
	CodeTLSReports      Code = "tls-reports"
	CodeDANEHalf        Code = "dane-half"
	CodeDANESink        Code = "dane-sink"
	CodeDANEUnsigned    Code = "dane-unsigned"
	CodeDANEMismatch    Code = "dane-mismatch"
	CodeSignedBehind    Code = "signed-behind"
	CodeDNSSECUnsigned  Code = "dnssec-unsigned"
	CodeNameServerDiffs Code = "ns-differ"
	CodeNameServerDown  Code = "ns-silent"
	CodeNameServerLame  Code = "ns-lame"
	CodeNameServerTCP   Code = "ns-no-tcp"
	CodeDelegation      Code = "delegation-differs"
)

// Codes returns all of them, sorted.
func Codes() []Code {
	codes := []Code{
		CodeConfig,
		CodeNoMX, CodeNullMX, CodeNoReal, CodeExcepted, CodeDryRun, CodeForeign, CodeSetMoved, CodeSetOver10, CodeSetNear100, CodeSetOver100,
		CodeAnswerSize, CodeService, CodeWayBack,
		CodeSinkInUse, CodeSinkListens, CodeSinkDefers, CodeSinkRejects, CodeSinkSilent, CodeSinkNoAddress, CodeSinkSelf,
		CodeSinkPrivate, CodeSinkIsReal, CodeSinkFamily, CodeSinkShared, CodeSinkAlias, CodeWildcardCut,
		CodeRealNoAddress, CodeRealAlias, CodeRealPrivate, CodeRealDown, CodeRealSilent, CodeRealRejects,
		CodeReceiverByMX, CodeReceiverAsk,
		CodeSenderLost, CodeSenderLate, CodeSenderOutage, CodeSenderRead, CodeMXCheck, CodeVerifiers,
		CodeSPFBroken, CodeSPFTooManyMX, CodeSPFChanged, CodeSPFSinks, CodeMTASTSPolicy, CodeMTASTSReal, CodeMTASTSSinks,
		CodeTLSReports, CodeDANEHalf, CodeDANESink, CodeDANEUnsigned, CodeDANEMismatch, CodeSignedBehind, CodeDNSSECUnsigned,
		CodeNameServerDiffs, CodeNameServerDown, CodeNameServerLame, CodeNameServerTCP, CodeDelegation,
	}
	slices.Sort(codes)
	return codes
}

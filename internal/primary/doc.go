// Package primary makes a server the primary of zones whose serial numbers move
// by themselves: with the zone behind, and with what fakemx makes of it.
//
// Each zone is looked at when something asks for it, and from then on once a minute
// and when a sink that is watched changes: those of the Corefile, and those that
// the file knows, from the start on. A look takes the backend's number and a digest of
// all else that shapes the zone, and puts both into a file ([serial.File]), which
// says what number they are served with. A number that has moved is told to the
// secondaries by NOTIFY (RFC 1996).
//
// [Primary.Stamp] puts the numbers into answers, [Primary.Number] into transfers.
package primary

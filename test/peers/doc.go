// Package peers tests fakemx with the programs that it meets outside: validators
// in front of it (delv, Unbound), secondaries that transfer from it (NSD, Knot DNS,
// BIND) and name servers behind it (these and PowerDNS).
//
// Every program is Debian's, started by the test that needs it, on a port of
// 127.0.0.1 that the test chooses, and stopped by its process id. Where a program
// is missing the test is skipped; with CI=true in the environment it fails.
package peers

// Package serial keeps the serial numbers that zones are served with.
//
// A secondary transfers a zone when its serial number grows (RFC 1982, RFC 5936
// section 1). What fakemx makes of a zone changes without its backend's number:
// by a new configuration, by what became of a sink. So the number is made here,
// as servers do that sign zones by themselves: it grows with the backend's, and
// with what fakemx does ([State] has the rule).
//
// A number is on disk before it is served, or a restart could serve a smaller
// one, and secondaries would keep an old zone for ever. The file is a bbolt
// database: its lock keeps a second process out, its commits are whole or not at
// all, and those that are asked for at the same time are one.
package serial

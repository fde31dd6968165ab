package main

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/fakemx/fakemx/internal/sink/dnsl"
)

// zone is the apex of all lists here.
const zone = "bl.example.org."

// made is an address that stands for a number: three of five are IPv4, scattered
// over all of 128.0.0.0/2, the others IPv6, each in a /64 of its own. Different
// numbers below 2^30 have different addresses, so that those of no entry are not
// listed.
func made(i int) netip.Addr {
	const odd = 2654435761 // odd, so that no two numbers meet
	scattered := uint32(i) * odd
	const five, three = 5, 3
	if i%five < three {
		var a [4]byte
		binary.BigEndian.PutUint32(a[:], 1<<31|scattered&(1<<30-1))
		return netip.AddrFrom4(a)
	}
	a := [16]byte{0x20, 0x01, 0x0d, 0xb8}
	binary.BigEndian.PutUint32(a[4:], scattered)
	binary.BigEndian.PutUint64(a[8:], uint64(scattered)*odd)
	return netip.AddrFrom16(a)
}

// entries are those for the numbers from first to before end.
func entries(first, end int, until time.Time) []dnsl.Entry {
	list := make([]dnsl.Entry, 0, end-first)
	for i := first; i < end; i++ {
		list = append(list, dnsl.Entry{Addr: made(i), Listed: until, Until: until})
	}
	return list
}

package main

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"
)

// segment is a TCP header from port 40000 with the given port and flags.
func segment(port uint16, flags byte) []byte {
	tcp := make([]byte, 20)
	binary.BigEndian.PutUint16(tcp, 40000)
	binary.BigEndian.PutUint16(tcp[2:], port)
	binary.BigEndian.PutUint32(tcp[4:], 7)
	tcp[13] = flags
	return tcp
}

func ipv4(options int, payload []byte) []byte {
	ip := make([]byte, 20+options)
	ip[0] = 0x40 | byte(5+options/4)
	ip[9] = 6
	copy(ip[16:], []byte{192, 0, 2, 1})
	return slices.Concat(ip, payload)
}

func ipv6(next byte, payload []byte) []byte {
	ip := make([]byte, 40)
	ip[0], ip[6] = 0x60, next
	to := netip.MustParseAddr("2001:db8::1").As16()
	copy(ip[24:], to[:])
	return slices.Concat(ip, payload)
}

func TestParseSYN(t *testing.T) {
	const synFlag, ackFlag = 0x02, 0x10
	four, six := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
	for name, tc := range map[string]struct {
		packet []byte
		want   netip.Addr
	}{
		"a SYN to port 25 over IPv4":               {ipv4(0, segment(25, synFlag)), four},
		"a SYN behind IP options":                  {ipv4(8, segment(25, synFlag)), four},
		"a SYN to port 25 over IPv6":               {ipv6(6, segment(25, synFlag)), six},
		"a SYN with ECN flags":                     {ipv4(0, segment(25, synFlag|0xc0)), four},
		"no SYN to another port":                   {ipv4(0, segment(587, synFlag)), netip.Addr{}},
		"no SYN in the answer to one":              {ipv4(0, segment(25, synFlag|ackFlag)), netip.Addr{}},
		"no SYN in a later segment":                {ipv6(6, segment(25, ackFlag)), netip.Addr{}},
		"nothing in a datagram of UDP":             {ipv6(17, segment(25, synFlag)), netip.Addr{}},
		"nothing in a packet that is cut off":      {ipv4(0, segment(25, synFlag))[:30], netip.Addr{}},
		"nothing in a header that claims too much": {ipv4(0, nil)[:20], netip.Addr{}},
		"nothing in an empty packet":               {nil, netip.Addr{}},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := parseSYN(tc.packet)
			if ok != tc.want.IsValid() || got.to != tc.want {
				t.Errorf("got %v, %v, want %v", got, ok, tc.want)
			}
			if ok && (got.port != 40000 || got.sequence != 7) {
				t.Errorf("got port %d and sequence %d, want 40000 and 7", got.port, got.sequence)
			}
		})
	}
}

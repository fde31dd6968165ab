package dnsl

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// ip4set writes the IPv4 addresses for rbldnsd, and ip6trie the others. One zone
// is served from both.
func (z zone) ip4set(out *bufio.Writer, now time.Time, serial uint32) {
	z.rbldnsd(out, now, serial)
	fmt.Fprintln(out, test4)
	for _, e := range z.list {
		if e.Addr.Is4() {
			fmt.Fprintln(out, e.Addr)
		}
	}
}

func (z zone) ip6trie(out *bufio.Writer, now time.Time, serial uint32) {
	z.rbldnsd(out, now, serial)
	words(out, test6)
	for _, e := range z.list {
		if e.Addr.Is6() {
			words(out, e.Addr)
		}
	}
}

// words writes an IPv6 address in full: rbldnsd knows no dotted form.
func words(out *bufio.Writer, a netip.Addr) {
	o := a.As16()
	for i := 0; i < len(o); i += 2 {
		if i > 0 {
			_ = out.WriteByte(':')
		}
		fmt.Fprintf(out, "%x", binary.BigEndian.Uint16(o[i:]))
	}
	_ = out.WriteByte('\n')
}

// rbldnsd writes what comes before the addresses. No time of writing is given:
// rbldnsd would refuse a list from a clock that is ahead of its own.
func (z zone) rbldnsd(out *bufio.Writer, now time.Time, serial uint32) {
	fmt.Fprintf(out, "# fakemx list\n$TIMESTAMP - %s\n", now.Add(z.Life).UTC().Format("2006-01-02-15:04:05"))
	fmt.Fprintf(out, "$SOA %d %s %s %d %d %d %.0f %d\n", ttl, z.NameServer, z.Hostmaster, serial, refresh, retry, z.Life.Seconds(), ttl)
	fmt.Fprintf(out, "$NS %d %s\n$TTL %d\n", ttl, z.NameServer, ttl)
	// A dollar sign would be replaced by the address.
	fmt.Fprintf(out, ":%s:%s\n", code, strings.ReplaceAll(z.Text, "$", "$$"))
}

package dnsl

import (
	"bufio"
	"fmt"
	"net/netip"
	"time"
)

// writeNFT writes commands for nft -f that make two sets of one table equal to
// the list, in one transaction and as often as they are run. Each element ends by
// itself, at the time of its entry if the file is loaded when it is new.
func writeNFT(out *bufio.Writer, now time.Time, list []Entry) {
	fmt.Fprint(out, "# fakemx list\nadd table inet fakemx\n")
	for _, set := range []struct {
		name, kind string
		takes      func(netip.Addr) bool
	}{{"listed", "ipv4_addr", netip.Addr.Is4}, {"listed6", "ipv6_addr", netip.Addr.Is6}} {
		fmt.Fprintf(out, "add set inet fakemx %s { type %s; flags timeout; }\nflush set inet fakemx %s\n", set.name, set.kind, set.name)
		const together = 500 // elements of a command
		n := 0
		for _, e := range list {
			if !set.takes(e.Addr) {
				continue
			}
			switch {
			case n == 0:
				fmt.Fprintf(out, "add element inet fakemx %s { ", set.name)
			case n%together == 0:
				fmt.Fprintf(out, " }\nadd element inet fakemx %s { ", set.name)
			default:
				fmt.Fprint(out, ", ")
			}
			n++
			fmt.Fprintf(out, "%s timeout %ds", e.Addr, seconds(e.Until.Sub(now)))
		}
		if n > 0 {
			fmt.Fprint(out, " }\n")
		}
	}
}

// seconds rounds up: a timeout of 0 would be none.
func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

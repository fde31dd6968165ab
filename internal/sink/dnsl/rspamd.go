package dnsl

import (
	"bufio"
	"fmt"
	"time"
)

// writeRspamd writes a map for the type ip of rspamd's multimap.
func writeRspamd(out *bufio.Writer, now time.Time, list []Entry) {
	fmt.Fprintf(out, "# fakemx list of %s\n", now.UTC().Format(time.RFC3339))
	for _, e := range list {
		fmt.Fprintln(out, e.Addr)
	}
}

// Lists serves the lists of internal/sink/dnsl by the servers that documents name,
// and measures them. Its tests ask these servers whether they agree, and whether a
// list is always whole and comes to its end. See docs/sink.md, "The lists".
//
//	go run ./test/lists                 memory, time to load and rate of rbldnsd and file
//	go run ./test/lists -entries 50000
package main

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

func main() {
	sizes := flag.String("entries", "100000,1000000", "comma-separated `numbers` of addresses that are listed")
	sample := flag.Duration("sample", 5*time.Second, "how long each server is asked for listed addresses, and for others")
	flag.Parse()
	if err := measure(os.Stdout, *sizes, *sample); err != nil {
		fmt.Fprintf(os.Stderr, "lists: %v\n", err)
		os.Exit(1)
	}
}

// numbers reads the flag -entries.
func numbers(text string) ([]int, error) {
	var list []int
	const most = 1_000_000
	for field := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(field)
		if err != nil || n < 1 || n > most {
			return nil, fmt.Errorf("-entries %q: expected numbers from 1 to %d", field, most)
		}
		list = append(list, n)
	}
	return list, nil
}

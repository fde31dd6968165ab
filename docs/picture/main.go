// Command picture draws the pictures of the documents, as SVG on its standard
// output, and makes the table of one:
//
//	go run ./docs/picture nolisting >docs/nolisting.svg
//	go run ./docs/picture cost <docs/performance-notes.md >docs/performance.svg
//	go run ./docs/picture table <docs/performance-notes.md
//
// nolisting explains fake MX records. cost and table are of docs/performance.md, and
// made of the figures in the notes.
//
// A picture brings its own background, so that it can be read on a dark page
// and on a light one, also where the page cannot tell it which of them it is on.
package main

import (
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "picture:", err)
		os.Exit(1)
	}
}

func run(args []string, in io.Reader, out io.Writer) error {
	what := ""
	if len(args) == 1 {
		what = args[0]
	}
	var shown string
	switch what {
	case "nolisting":
		shown = nolisting()
	case "cost":
		bars, err := readCost(in)
		if err != nil {
			return err
		}
		shown = costPicture(bars)
	case "table":
		table, err := ratioTable(in)
		if err != nil {
			return err
		}
		shown = table
	default:
		return fmt.Errorf("arguments %q: expected nolisting, cost or table", args)
	}
	_, err := io.WriteString(out, shown)
	return err
}

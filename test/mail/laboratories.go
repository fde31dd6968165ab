package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// First arguments that ask for another laboratory than the usual one.
const (
	sinkCommand    = "sink"
	harvestCommand = "harvest"
	feedsCommand   = "feeds"
)

// laboratories are what they ask for.
var laboratories = map[string]func(args []string, stdout, progress io.Writer) error{
	sinkCommand:    sinkContained,
	harvestCommand: harvestContained,
	feedsCommand:   feedsContained,
}

// The argument is told from the flags of the usual laboratory before they are read.
func init() {
	if len(os.Args) < 2 || laboratories[os.Args[1]] == nil {
		return
	}
	switch filepath.Base(os.Args[0]) {
	case roleInit:
		return
	case roleContained:
		if err := laboratories[os.Args[1]](os.Args[2:], os.Stdout, os.Stderr); err != nil {
			fmt.Fprintf(os.Stderr, "mail %s: %v\n", os.Args[1], err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if os.Geteuid() != 0 {
		fmt.Fprintln(os.Stderr, errNotRoot)
		os.Exit(1)
	}
	os.Exit(contain(os.Args[1:], os.Stdout, os.Stderr))
}

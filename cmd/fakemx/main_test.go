package main

import (
	"flag"
	"log"
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	flag.Parse()
	// Parallel tests here wait, they do not compute: as many as there are.
	if err := flag.Set("test.parallel", "32"); err != nil {
		log.Fatal(err)
	}
	os.Exit(m.Run())
}

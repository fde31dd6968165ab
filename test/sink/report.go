package main

import (
	"encoding/binary"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/fakemx/fakemx/internal/sink/report"
	"github.com/fakemx/fakemx/internal/sink/store"
	"github.com/fakemx/fakemx/test/proc"
)

// reportCommand fills a store with clients and makes a report. The report is
// made by another process (-of), so that its memory is its own.
func reportCommand(args []string) error {
	flags := flag.NewFlagSet("report", flag.ExitOnError)
	clients := flags.Int("clients", 1_000_000, "how many, within 30 days")
	of := flags.String("of", "", "only report, of the store in this `file`")
	_ = flags.Parse(args)
	if *of != "" {
		return reportOf(*of)
	}
	dir, err := os.MkdirTemp("", "fakemx-sink-report-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "sink.db")
	describe(os.Stdout)
	began := time.Now()
	if err := fill(path, *clients); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	fmt.Printf("%d clients stored in %.1f s, a file of %d MiB\n", *clients, time.Since(began).Seconds(), info.Size()>>20)
	return again("report", "-of", path)
}

// fill notes one visit a client, in the hours of 30 days, a tenth of them seen
// at a real host later.
func fill(path string, clients int) error {
	s, err := store.Open(path)
	if err != nil {
		return err
	}
	now := time.Now()
	for i := range clients {
		var a [4]byte
		binary.BigEndian.PutUint32(a[:], uint32(i)*2_654_435_761+1<<24) // spread over all networks
		client := netip.AddrFrom4(a)
		at := now.Add(-time.Duration(i%(29*24))*time.Hour - 2*time.Hour)
		s.Visit(client, at)
		if i%10 == 0 {
			s.Seen(client, at.Add(time.Minute))
		}
		if i%20_000 == 0 {
			if err := s.Flush(); err != nil {
				return err
			}
		}
	}
	for hours := range 31 * 24 {
		s.Proof("mx1", now.Add(-time.Duration(hours)*time.Hour), true)
	}
	return s.Close()
}

func reportOf(path string) error {
	s, err := store.Open(path)
	if err != nil {
		return err
	}
	defer s.Close()
	now := time.Now()
	began := time.Now()
	r, err := report.Make(s, []string{"mx1"}, now.Add(-29*24*time.Hour), now, now)
	if err != nil {
		return err
	}
	took := time.Since(began)
	_, peak, err := proc.Memory(os.Getpid())
	fmt.Printf("report in %.2f s, at most %d MiB resident in all, the pages of the file among them: %s\n", took.Seconds(), peak>>20, r.Summary())
	return err
}

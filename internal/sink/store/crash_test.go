package store

import (
	"bufio"
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

var kills = flag.Int("kills", 3, "how often TestKilledAtRandom kills")

// numbered is the client of a number, each in a /48 of its own.
func numbered(n uint32) netip.Addr {
	a := [16]byte{0x20, 0x01}
	binary.BigEndian.PutUint32(a[2:], n)
	return netip.AddrFrom16(a)
}

// load gives visits and sightings to the store at path, numbered on from what it
// holds, and prints each number, with the time, once it was given.
func load(path string) {
	s, err := Open(path)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	var number uint32
	if err := s.Visits(func(ClientHour) { number++ }); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	go s.Run(context.Background(), time.Now, func(err error) {
		fmt.Println(err)
		os.Exit(1)
	})
	for {
		for range 20 {
			s.Seen(numbered(number), noon)
			s.Visit(numbered(number), noon)
			number++
		}
		fmt.Println(number, time.Now().UnixMilli())
		time.Sleep(10 * time.Millisecond)
	}
}

// TestKilledAtRandom kills a process that writes, at any moment, and looks what
// its store holds: everything that was given more than a second before, and of
// the rest the beginning.
//
//	go test ./internal/sink/store -run TestKilledAtRandom -kills 200 -v -timeout 1h
func TestKilledAtRandom(t *testing.T) {
	runtime.LockOSThread() // Pdeathsig
	defer runtime.UnlockOSThread()
	path := filepath.Join(t.TempDir(), "sink.db")
	random := rand.New(rand.NewPCG(15, 200))
	var given, worst uint32
	for kill := range *kills {
		cmd := child(t, "load", path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		life := 50*time.Millisecond + time.Duration(random.Int64N(int64(2500*time.Millisecond)))
		time.AfterFunc(life, func() { _ = cmd.Process.Kill() })
		type mark struct {
			number uint32
			milli  int64
		}
		var marks []mark
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var m mark
			if n, err := fmt.Sscan(lines.Text(), &m.number, &m.milli); n != 2 {
				t.Fatalf("kill %d: %q: %v", kill, lines.Text(), err)
			}
			marks = append(marks, m)
		}
		_ = cmd.Wait() // "signal: killed" is what was asked for

		held := holds(t, path)
		if len(marks) == 0 {
			continue
		}
		end := marks[len(marks)-1]
		given = end.number
		for _, m := range marks {
			// What the process itself could not do in time while the machine did
			// something else is not held against the store: its own clock counts.
			if end.milli-m.milli > 1000 && m.number > held {
				t.Fatalf("kill %d: %d were given %d ms before the end, the store holds %d", kill, m.number, end.milli-m.milli, held)
			}
		}
		worst = max(worst, end.number-min(held, end.number))
	}
	t.Logf("killed %d times at random, %d visits given; at worst the last %d were lost, all of the last second", *kills, given, worst)
}

// holds checks that the store holds the visits numbered from 0 on without a gap,
// each with its sighting, and returns how many.
func holds(t *testing.T, path string) uint32 {
	t.Helper()
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var n uint32
	err = s.Visits(func(h ClientHour) {
		if h.Client != numbered(n) || !h.Before {
			t.Fatalf("after %d visits comes %+v", n, h)
		}
		n++
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

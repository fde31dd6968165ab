package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// What must hold, of section 10 of the contract.
const (
	mostMemory   = 16 << 10 // octets a connection
	mostGrowth   = 1.10     // of the memory, from the first third to the last
	mostGreeting = 100 * time.Millisecond
)

// slowClients say one letter after another and never finish.
type slowClients struct {
	address string
	pause   time.Duration

	open, told, failed atomic.Int64
	wg                 sync.WaitGroup
}

// sample is what is seen at one moment.
type sample struct {
	at       time.Duration
	memory   int64
	greeting time.Duration
}

func slow(args []string) error {
	flags := flag.NewFlagSet("slow", flag.ExitOnError)
	duration := flags.Duration("for", time.Minute, "how long, after all are there")
	number := flags.Int("connections", 15_000, "how many")
	pause := flags.Duration("pause", 5*time.Second, "between two letters of a client")
	strict := flags.Bool("strict", true, "fail if memory or greeting time is not as it must be")
	_ = flags.Parse(args)

	p, err := start("-session", "24h")
	if err != nil {
		return err
	}
	defer p.remove()
	describe(os.Stdout)
	before, err := p.memory()
	if err != nil {
		return err
	}
	c := &slowClients{address: p.address, pause: *pause}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	began := time.Now()
	for range *number {
		c.wg.Go(func() { c.one(ctx) })
		if n := c.open.Load(); n%500 == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	for c.open.Load()+c.failed.Load() < int64(*number) && time.Since(began) < 5*time.Minute {
		time.Sleep(100 * time.Millisecond)
	}
	fmt.Printf("%d slow connections after %.1f s, %d failed\n", c.open.Load(), time.Since(began).Seconds(), c.failed.Load())

	samples, err := p.watch(*duration)
	if err != nil {
		return err
	}
	faults := judge(samples, before, *number)
	held := c.open.Load()
	took, err := p.stop()
	if err != nil {
		return err
	}
	c.wg.Wait()
	lines, err := p.visitLines(`"end":"stopped"`)
	if err != nil {
		return err
	}
	fmt.Printf("SIGTERM: ended after %.2f s; of %d clients %d heard 421, %d visits written\n", took.Seconds(), held, c.told.Load(), lines)
	if c.told.Load() != held || int64(lines) != held || held != int64(*number) {
		return fmt.Errorf("%d connections were wanted, %d were open, %d heard 421, %d visits written: expected all the same", *number, held, c.told.Load(), lines)
	}
	if !*strict {
		return nil
	}
	return errors.Join(faults...)
}

// one is a client, from an address of loopback's own.
func (c *slowClients) one(ctx context.Context) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", c.address)
	if err != nil {
		c.failed.Add(1)
		return
	}
	defer conn.Close()
	in := bufio.NewReaderSize(conn, 512)
	if line, err := in.ReadString('\n'); err != nil || !strings.HasPrefix(line, "220 ") {
		c.failed.Add(1)
		return
	}
	c.open.Add(1)
	go func() {
		// A command is finished in time, so the server has no reason to hang up.
		for {
			for _, letter := range []byte("NOOP\r\n") {
				select {
				case <-ctx.Done():
					return
				case <-time.After(c.pause):
				}
				if _, err := conn.Write([]byte{letter}); err != nil {
					return
				}
			}
		}
	}()
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		if strings.HasPrefix(line, "421 ") {
			c.told.Add(1)
			return
		}
	}
}

// watch takes a sample every few seconds.
func (p *process) watch(duration time.Duration) ([]sample, error) {
	var samples []sample
	for began := time.Now(); time.Since(began) < duration; time.Sleep(min(5*time.Second, duration/12)) {
		rss, err := p.memory()
		if err != nil {
			return nil, err
		}
		greeting, err := greetingTime(p.address)
		if err != nil {
			return nil, err
		}
		samples = append(samples, sample{time.Since(began), rss, greeting})
	}
	return samples, nil
}

// greetingTime is how long a newcomer waits for the greeting.
func greetingTime(address string) (time.Duration, error) {
	began := time.Now()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.HasPrefix(line, "220 ") {
		return 0, fmt.Errorf("a newcomer heard %q, %w", line, err)
	}
	took := time.Since(began)
	_, err = conn.Write([]byte("QUIT\r\n"))
	return took, err
}

// judge prints the samples in thirds, and returns what is not as it must be.
func judge(samples []sample, before int64, connections int) (faults []error) {
	if len(samples) < 3 {
		return []error{errors.New("too few samples")}
	}
	third := len(samples) / 3
	var medians []int64
	for part := range slices.Chunk(samples[:3*third], third) {
		var memories, greetings []int64
		for _, s := range part {
			memories, greetings = append(memories, s.memory), append(greetings, int64(s.greeting))
		}
		slices.Sort(memories)
		slices.Sort(greetings)
		median := memories[third/2]
		medians = append(medians, median)
		fmt.Printf("until %v: resident %.0f MiB, %.1f kB a connection; greeting %.1f ms (median), %.1f ms (slowest of %d)\n",
			part[third-1].at.Round(time.Second), float64(median)/(1<<20), float64(median-before)/float64(connections)/1024,
			time.Duration(greetings[third/2]).Seconds()*1000, time.Duration(greetings[third-1]).Seconds()*1000, third)
		if slowest := time.Duration(greetings[third-1]); slowest > mostGreeting {
			faults = append(faults, fmt.Errorf("a newcomer waited %v, expected at most %v", slowest, mostGreeting))
		}
		if each := (median - before) / int64(connections); each > mostMemory {
			faults = append(faults, fmt.Errorf("%d octets a connection, expected at most %d", each, mostMemory))
		}
	}
	if float64(medians[2]) > mostGrowth*float64(medians[0]) {
		faults = append(faults, fmt.Errorf("memory grew from %d to %d octets", medians[0], medians[2]))
	}
	return faults
}

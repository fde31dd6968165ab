package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// leastSessions is how many whole sessions a second must go.
const leastSessions = 3000

// steps are what a session says, and what it must hear.
var steps = []struct{ say, hear string }{
	{"", "220 "},
	{"EHLO client.example.net\r\n", "250 "},
	{"MAIL FROM:<somebody@client.example.net> BODY=8BITMIME\r\n", "250 "},
	{"RCPT TO:<somebody@example.org>\r\n", "451 "},
	{"QUIT\r\n", "221 "},
}

func sessions(args []string) error {
	flags := flag.NewFlagSet("sessions", flag.ExitOnError)
	duration := flags.Duration("for", 30*time.Second, "how long")
	clients := flags.Int("clients", 64, "how many at a time")
	least := flags.Int("least", leastSessions, "fail if fewer go a second")
	_ = flags.Parse(args)

	p, err := start()
	if err != nil {
		return err
	}
	defer p.remove()
	describe(os.Stdout)
	var done atomic.Int64
	var wg sync.WaitGroup
	failures := make(chan error, *clients)
	began := time.Now()
	for range *clients {
		wg.Go(func() {
			for time.Since(began) < *duration {
				if err := session(p.address); err != nil {
					failures <- err
					return
				}
				done.Add(1)
			}
		})
	}
	wg.Wait()
	rate := float64(done.Load()) / time.Since(began).Seconds()
	close(failures)
	var errs []error
	for err := range failures {
		errs = append(errs, err)
	}
	if _, err := p.stop(); err != nil {
		errs = append(errs, err)
	}
	printWork(p, done.Load())
	lines, err := p.visitLines(`"end":"quit"`)
	fmt.Printf("%d whole sessions, %.0f a second, with store and log; %d visits written\n", done.Load(), rate, lines)
	if int64(lines) != done.Load() {
		errs = append(errs, fmt.Errorf("%d sessions, %d visits written", done.Load(), lines))
	}
	if rate < float64(*least) {
		errs = append(errs, fmt.Errorf("%.0f sessions a second, expected at least %d", rate, *least))
	}
	return errors.Join(append(errs, err)...)
}

// printWork prints what a session takes of a processor, which other work on the
// machine changes little, and how many two free cores would do.
func printWork(p *process, sessions int64) {
	var own syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &own); err != nil || sessions == 0 {
		return
	}
	server := p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
	client := time.Duration(own.Utime.Nano() + own.Stime.Nano())
	each := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(sessions) }
	fmt.Printf("of a processor a session takes %.0f µs at the server, %.0f µs at the client: two free cores would do %.0f a second\n",
		each(server), each(client), 2e6/(each(server)+each(client)))
}

// session is a whole one, each command sent when the reply before is there. It
// comes from any address of 127/8, so that each visit is of another client.
func session(address string) error {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, byte(1+rand.IntN(250)), byte(rand.IntN(256)), byte(1+rand.IntN(250)))}} // #nosec G404 -- which address doesn't matter
	conn, err := dialer.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return err
	}
	in := bufio.NewReaderSize(conn, 512)
	for _, step := range steps {
		if _, err := conn.Write([]byte(step.say)); err != nil {
			return err
		}
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return fmt.Errorf("after %q: %w", step.say, err)
			}
			if len(line) > 3 && line[3] == '-' {
				continue
			}
			if !strings.HasPrefix(line, step.hear) {
				return fmt.Errorf("after %q: %q", step.say, line)
			}
			break
		}
	}
	return nil
}

// Command harvest runs the sink server with lists by a clock that its standard
// input sets: a verdict takes eight days, and a test must not. It is the server
// of "fakemx sink serve" but for that clock, and the commands of "fakemx sink"
// speak to it. The mail laboratory uses it: go -C test/mail run . harvest
//
// A line of a duration, as in 168h, asks to go on by so much, or up to half an hour
// more. A line of the time that it is then is the answer. On the way the real host
// is probed every half hour, as it would be.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/fakemx/fakemx/internal/check"
	"github.com/fakemx/fakemx/internal/sink"
	"github.com/fakemx/fakemx/internal/sink/dnsl"
	"github.com/fakemx/fakemx/internal/sink/harvest"
	"github.com/fakemx/fakemx/internal/sink/seen"
	"github.com/fakemx/fakemx/internal/sink/server"
	"github.com/fakemx/fakemx/internal/sink/smtp"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "harvest: %v\n", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	c, err := configure(args)
	if err != nil {
		return err
	}
	clock := &clock{every: c.ProbeEvery}
	c.Now, c.Prober.Dial = clock.now, clock.dial
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() {
		if err := clock.obey(os.Stdin, os.Stdout); err != nil {
			c.Log.Print(err)
			stop()
		}
	}()
	return sink.Run(ctx, *c)
}

// configure reads the flags, which mean what those of "fakemx sink serve" do.
func configure(args []string) (*sink.Config, error) {
	c := &sink.Config{
		Server: server.Config{
			Host: "sink.example.net", Idle: 2 * time.Minute, Session: 10 * time.Minute, MaxLine: smtp.UsualLine,
			Limits: server.Limits{All: 10_000, Address: 20, Prefix: 100},
		},
		Visits: io.Discard, Log: log.New(os.Stderr, "harvest: ", 0),
		ProbeEvery: 30 * time.Minute, Prober: &seen.Prover{Helo: "sink.example.net"},
		Harvest: &sink.Harvest{After: harvest.After},
	}
	h := c.Harvest
	f := flag.NewFlagSet("harvest", flag.ContinueOnError)
	var conf, resolver, host, address, policy, receive string
	f.Func("listen", "`HOST:PORT` for mail; may be repeated", func(v string) error {
		c.Listen = append(c.Listen, v)
		return nil
	})
	f.StringVar(&c.State, "state", "", "`directory` of the store")
	f.StringVar(&h.Lists.Dir, "list", "", "`directory` of the lists")
	f.StringVar(&h.Lists.Zone, "list-zone", "", "`name` of the zone of the list")
	f.StringVar(&h.Lists.NameServer, "list-ns", "", "`name` of its name server")
	f.StringVar(&conf, "conf", "", "`Corefile` with the domains")
	f.StringVar(&resolver, "resolver", "", "`HOST:PORT` of the resolver")
	f.StringVar(&host, "real", "", "`name` of the real host in its lines")
	f.StringVar(&address, "probe", "", "`HOST:PORT` of the real host")
	f.StringVar(&c.Prober.Recipient, "probe-rcpt", "", "`mailbox` that it is asked for")
	f.StringVar(&policy, "policy", "", "`HOST:PORT` of the policy service")
	f.StringVar(&receive, "receive", "", "where its lines come in, as in udp:HOST:PORT")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	c.Real = []seen.Real{{Name: host, Address: address}}
	c.Policies = []sink.Policy{{Host: host, Address: policy}}
	c.Receive = []string{receive}
	h.Resolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, resolver)
	}}
	corefile, err := check.ReadCorefile(conf)
	if err != nil {
		return nil, err
	}
	h.Ours = corefile.FakesOf
	if h.Lists.Life == 0 {
		h.Lists.Life = dnsl.DefaultLife
	}
	return c, nil
}

// errInput is a line that is no duration.
var errInput = errors.New("expected a duration above 0, as in 168h")

// obey carries out the lines of in, one after the other, until it ends.
func (c *clock) obey(in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		by, err := time.ParseDuration(strings.TrimSpace(lines.Text()))
		if err != nil || by <= 0 {
			return fmt.Errorf("standard input: %q: %w", lines.Text(), errInput)
		}
		<-c.goOn(by)
		if _, err := fmt.Fprintln(out, c.now().UTC().Format(time.RFC3339)); err != nil {
			return err
		}
	}
	return lines.Err()
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/fakemx/fakemx/internal/sink"
	"github.com/fakemx/fakemx/internal/sink/seen"
	"github.com/fakemx/fakemx/internal/sink/server"
	"github.com/fakemx/fakemx/internal/sink/smtp"
)

const sinkUsage = `Usage: fakemx sink serve [FLAG...]
       fakemx sink report [FLAG...]
       fakemx sink list [FLAG...]
       fakemx sink show [FLAG...] ADDRESS
       fakemx sink acquit [FLAG...] ADDRESS
       fakemx sink allow [FLAG...] [-remove] ADDRESS|PREFIX

serve answers every mail with "451 come later", for ever, and tells who came. It
is for highest fakes only: at a lowest one some mail servers would keep their
mail. report says how many came to it and never to a real host.

With -list, serve lists the hosts that came to it and must be bots. list prints
them, show what is known of an address, and why it is listed or not; acquit takes
an address off and forgives what it did; allow says that it is never listed.

"fakemx sink serve -help" and so on list the flags. docs/sink.md says what to do
with them.
`

// runSink is the command sink, whose first argument is a command of its own.
func runSink(ctx context.Context, args []string, stdout, stderr *os.File) int {
	if len(args) > 0 {
		switch args[0] {
		case "serve":
			return runServe(ctx, args[1:], stdout, stderr)
		case "report":
			return runReport(ctx, args[1:], stdout, stderr)
		case "list":
			return runList(ctx, args[1:], stdout, stderr)
		case "show":
			return runShow(ctx, args[1:], stdout, stderr)
		case "acquit":
			return runAcquit(ctx, args[1:], stdout, stderr)
		case "allow":
			return runAllow(ctx, args[1:], stdout, stderr)
		case "help", "-h", "-help", "--help":
			fmt.Fprint(stdout, sinkUsage)
			return 0
		}
	}
	fmt.Fprint(stderr, sinkUsage)
	return usageStatus
}

// runServe is the command sink serve.
func runServe(ctx context.Context, args []string, stdout, stderr *os.File) int {
	// A log whose reader has gone is an error like any other, not the end. A reload
	// at any moment isn't either.
	signal.Ignore(syscall.SIGPIPE, syscall.SIGHUP)
	f, err := parseServe(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintf(stderr, "fakemx sink serve: %v\n", err)
		return usageStatus
	}
	config := &f.config
	config.Log = log.New(stderr, "fakemx sink: ", 0)
	if config.Visits, err = openVisits(ctx, f.visits, stdout, func(err error) { config.Log.Print(err) }); err != nil {
		fmt.Fprintf(stderr, "fakemx sink serve: %v\n", err)
		return 1
	}
	if config.Harvest != nil {
		// The Corefile and its lists change while the server runs.
		go f.domains.follow(ctx, func(err error) { config.Log.Printf("-conf: %v; what was read before is kept", err) })
	}
	if err := sink.Run(ctx, *config); err != nil {
		config.Log.Print(err)
		return 1
	}
	return 0
}

// serveFlags are the flags of sink serve as they stand on the command line.
type serveFlags struct {
	*flag.FlagSet
	config  sink.Config
	reply   string
	visits  string
	key     string // path
	harvest harvestFlags
	domains *corefileDomains // nil without -list
}

// parseServe reads the command line of sink serve. It prints the flags on
// usage if that is asked for.
func parseServe(args []string, usage io.Writer) (*serveFlags, error) {
	f := &serveFlags{FlagSet: flag.NewFlagSet("fakemx sink serve", flag.ContinueOnError)}
	// Errors are printed once, by the caller.
	f.SetOutput(io.Discard)
	f.Usage = func() {}
	f.smtp()
	f.limits()
	f.places()
	f.feeds()
	f.listing()
	err := f.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(usage, sinkUsage+"\nFlags of serve:\n")
		f.SetOutput(usage)
		f.PrintDefaults()
	}
	if err != nil {
		return nil, err
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	return f, f.checkListing()
}

func (f *serveFlags) smtp() {
	c := &f.config.Server
	f.Func("listen", "answer mail at `HOST:PORT`; may be repeated (default :2525)", func(v string) error {
		f.config.Listen = append(f.config.Listen, v)
		return hostPort(v)
	})
	f.StringVar(&c.Host, "host", "", "`name` of this host in its greeting (default: the machine's)")
	f.StringVar(&f.reply, "reply", "rcpt", "when to say 451: `rcpt` (no message is transferred), or data (after the message, which is read and dropped; needs -tls-cert)")
	f.StringVar(&f.config.TLSCert, "tls-cert", "", "offer STARTTLS with the certificate in `file` (PEM)")
	f.StringVar(&f.config.TLSKey, "tls-key", "", "the certificate's key, in `file` (PEM)")
	f.DurationVar(&c.Delay, "delay", 0, "wait so long before the greeting, 0 to 20s; who speaks before it is noted")
	f.Func("proxy", "who must speak the PROXY protocol: an `address or prefix`; may be repeated", func(v string) error {
		prefix, err := parsePrefix(v)
		c.Proxies = append(c.Proxies, prefix)
		return err
	})
}

func (f *serveFlags) limits() {
	c := &f.config.Server
	f.IntVar(&c.Limits.All, "connections", 10_000, "most connections at a time; beyond, 421")
	f.IntVar(&c.Limits.Address, "per-address", 20, "most connections at a time from one address")
	f.IntVar(&c.Limits.Prefix, "per-prefix", 100, "most connections at a time from one /24 (IPv4) or /64 (IPv6)")
	f.DurationVar(&c.Idle, "idle", 2*time.Minute, "longest time without a finished command")
	f.DurationVar(&c.Session, "session", 10*time.Minute, "longest session")
	f.DurationVar(&c.Further, "further", 30*time.Second, "longest session after the first 451")
	f.IntVar(&c.MaxLine, "line", smtp.UsualLine, fmt.Sprintf("longest command in octets, at least %d", smtp.LeastLine))
}

func (f *serveFlags) places() {
	f.StringVar(&f.visits, "visits", "", "write a JSON line for each visit to `file`, opened anew at SIGHUP (default: standard output)")
	f.StringVar(&f.config.State, "state", os.Getenv("STATE_DIRECTORY"), "remember in `directory` who came, for the report (default: nothing is remembered)")
	f.StringVar(&f.config.Metrics, "metrics", "127.0.0.1:9154", "metrics for Prometheus at `HOST:PORT`, none if empty")
}

func (f *serveFlags) feeds() {
	c := &f.config
	c.Prober = &seen.Prover{Dial: new(net.Dialer).DialContext}
	f.Func("feed", "follow a real host's mail log: `[HOST=]FILE`, with HOST where lines don't name it; may be repeated", func(v string) error {
		host, path, found := strings.Cut(v, "=")
		if !found {
			host, path = "", v
		}
		c.Feeds = append(c.Feeds, sink.Feed{Host: host, Path: path})
		return notEmpty(path)
	})
	f.Func("receive", "take log lines of real hosts at `udp:HOST:PORT`, tcp:HOST:PORT, unix:FILE or unixgram:FILE; may be repeated", func(v string) error {
		c.Receive = append(c.Receive, v)
		return notEmpty(v)
	})
	f.StringVar(&f.key, "key", "", "make the hashes of mailboxes with the 64 hexadecimal digits in `file`, the same for all sinks whose lines one server takes")
	f.BoolVar(&c.Sinks, "sinks", false, "take the lines of other sinks from -feed and -receive too, as visits; anybody who can send there can make them up")
	f.Func("policy", "answer a real host's Postfix as its policy service: `HOST=ADDRESS:PORT` or HOST=unix:FILE; may be repeated", func(v string) error {
		host, address, found := strings.Cut(v, "=")
		if !found || host == "" {
			return errors.New("expected the real host's name, = and where to listen")
		}
		c.Policies = append(c.Policies, sink.Policy{Host: host, Address: address})
		return notEmpty(address)
	})
	f.Func("real", "a real host by the `NAME=ADDRESS:PORT` of its lines and its mail port, which is probed; may be repeated", func(v string) error {
		name, address, found := strings.Cut(v, "=")
		if !found || name == "" {
			return errors.New("expected the name in the host's log lines, = and its address and port, as in mail=192.0.2.25:25")
		}
		for _, r := range c.Real {
			if r.Name == name {
				return errors.New("the name stands twice")
			}
		}
		c.Real = append(c.Real, seen.Real{Name: name, Address: address})
		return hostPort(address)
	})
	f.StringVar(&c.Prober.Recipient, "probe-rcpt", "", "`mailbox` that real hosts are asked for by the probe, as in postmaster@example.org; needed with -real")
	f.DurationVar(&c.ProbeEvery, "probe-every", 5*time.Minute, "time between two probes of a real host, 1m to 30m")
	f.Func("probe-as", "how real hosts see the probe's `address`, if not as it is here; may be repeated", func(v string) error {
		a, err := netip.ParseAddr(v)
		c.Prober.As = append(c.Prober.As, a.Unmap())
		return err
	})
}

// check refuses what cannot work, and fills in what was left out.
func (f *serveFlags) check() error {
	c := &f.config
	if c.Server.Host == "" {
		name, err := os.Hostname()
		if err != nil || server.CheckHost(name) != nil {
			name = "localhost"
		}
		c.Server.Host = name
	}
	if len(c.Listen) == 0 {
		c.Listen = []string{":2525"}
	}
	c.Server.AfterData = f.reply == "data"
	c.Prober.Helo = c.Server.Host
	for _, refused := range []struct {
		wrong bool
		why   string
	}{
		{f.NArg() > 0, fmt.Sprintf("unexpected argument %q", f.Arg(0))},
		{f.reply != "rcpt" && f.reply != "data", fmt.Sprintf("-reply %s: expected rcpt or data", f.reply)},
		{(c.TLSCert == "") != (c.TLSKey == ""), "-tls-cert and -tls-key: expected both or none"},
		{c.Server.AfterData && c.TLSCert == "", "-reply data: expected -tls-cert and -tls-key too, since in an outage real mail arrives here"},
		{c.Server.Delay < 0 || c.Server.Delay > 20*time.Second, fmt.Sprintf("-delay %v: expected 0 to 20s, some senders wait no longer", c.Server.Delay)},
		{min(c.Server.Limits.All, c.Server.Limits.Address, c.Server.Limits.Prefix) < 1, "-connections, -per-address, -per-prefix: expected 1 or more"},
		{min(c.Server.Idle, c.Server.Session, c.Server.Further) < time.Second, "-idle, -session, -further: expected 1s or more"},
		{c.Server.MaxLine < smtp.LeastLine || c.Server.MaxLine > 64<<10, fmt.Sprintf("-line %d: expected %d to %d octets", c.Server.MaxLine, smtp.LeastLine, 64<<10)},
		{c.ProbeEvery < time.Minute || c.ProbeEvery > 30*time.Minute, fmt.Sprintf("-probe-every %v: expected 1m to 30m", c.ProbeEvery)},
		{len(c.Real) > 0 && !mailbox(c.Prober.Recipient), fmt.Sprintf("-probe-rcpt %q: expected a mailbox, as in postmaster@example.org", c.Prober.Recipient)},
		{c.State == "" && len(c.Real)+len(c.Feeds)+len(c.Receive)+len(c.Policies) > 0, "-real, -feed, -receive, -policy: expected -state too, else nothing of it is remembered"},
	} {
		if refused.wrong {
			return errors.New(refused.why)
		}
	}
	return server.CheckHost(c.Server.Host)
}

// mailbox reports whether text can stand between angle brackets.
func mailbox(text string) bool {
	local, domain, found := strings.Cut(text, "@")
	return found && local != "" && server.CheckHost(domain) == nil && !strings.ContainsFunc(local, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune("<>\"\\", r)
	})
}

func parsePrefix(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	return netip.ParsePrefix(text)
}

func hostPort(text string) error {
	_, _, err := net.SplitHostPort(text)
	return err
}

func notEmpty(text string) error {
	if text == "" {
		return errors.New("expected something, got nothing")
	}
	return nil
}

// runReport is the command sink report.
func runReport(ctx context.Context, args []string, stdout, stderr *os.File) int {
	f := flag.NewFlagSet("fakemx sink report", flag.ContinueOnError)
	f.SetOutput(stderr)
	state := f.String("state", "/var/lib/fakemx-sink", "the `directory` that the server was given")
	days := f.Int("days", 7, "how many days, up to today, 1 to 30")
	output := f.String("o", "text", "`form`: text or json")
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return usageStatus
	}
	if f.NArg() > 0 || *days < 1 || *days > 30 || *output != "text" && *output != "json" {
		fmt.Fprintln(stderr, "fakemx sink report: expected -days 1 to 30, -o text or json, and no other argument")
		return usageStatus
	}
	tomorrow := time.Now().UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
	r, err := sink.AskReport(ctx, *state, tomorrow.Add(-time.Duration(*days)*24*time.Hour), tomorrow)
	if err == nil {
		if *output == "json" {
			encoder := json.NewEncoder(stdout)
			encoder.SetIndent("", "  ")
			err = encoder.Encode(r)
		} else {
			err = r.Text(stdout)
		}
	}
	if err != nil {
		fmt.Fprintf(stderr, "fakemx sink report: %v\n", err)
		return 1
	}
	return 0
}

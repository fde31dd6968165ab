package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"iter"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/fakemx/fakemx/internal/check"
)

// The exit statuses of check.
const (
	statusFine    = 0
	statusFound   = 1
	statusUnknown = 2 // could not check
)

const (
	// fullReports is up to how many domains each gets a whole report.
	fullReports = 10
	maxParallel = 1000
)

const checkUsage = `Usage: fakemx check [-conf Corefile] [FLAGS] [DOMAIN...]

Says what the fakes of a Corefile will do, or do now, to the mail of each domain:
the set, what every known mail server does with it, and what is wrong. Without
DOMAIN it looks at every zone of the Corefile and its lists; without -conf at the
sets as they are served, from any host. It never sends mail.

Exit status: 0 nothing at or above -fail-on, 1 something, 2 could not check all.

`

// checkFlags are the flags of check, as given.
type checkFlags struct {
	conf, output, failOn, resolver, control, helo string
	perSecond, parallel                           int
	timeout                                       time.Duration
	noProbe, probeForeign                         bool
}

func parseCheck(args []string, stderr *os.File) (*checkFlags, []string, error) {
	f := new(checkFlags)
	flags := flag.NewFlagSet("check", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(stderr, checkUsage)
		flags.PrintDefaults()
	}
	flags.StringVar(&f.conf, "conf", "", "the `Corefile` with the fakemx stanzas")
	flags.StringVar(&f.output, "o", "text", "`form` of the output: text or json")
	flags.StringVar(&f.failOn, "fail-on", "error", "the lowest `level` that makes the exit status 1: info, warning or error")
	flags.StringVar(&f.resolver, "resolver", "", "`addresses` of resolvers, with commas between; without, those of /etc/resolv.conf")
	flags.StringVar(&f.control, "control", "", "`addresses` of hosts that accept on port 25, with commas between, to know whether that port can be seen from here; without, those of control in the Corefile")
	flags.StringVar(&f.helo, "helo", "", "`name` to say in EHLO; without, the name of this host")
	flags.IntVar(&f.perSecond, "qps", check.DefaultPerSecond, "most `questions` a second to one DNS server")
	flags.IntVar(&f.parallel, "parallel", 32, "how many `domains` are looked at side by side")
	flags.DurationVar(&f.timeout, "timeout", check.DefaultTimeout, "`time` for one domain")
	flags.BoolVar(&f.noProbe, "no-probe", false, "don't call port 25")
	flags.BoolVar(&f.probeForeign, "probe-foreign", false, "call also real hosts outside the domain and the zones of the Corefile")
	err := flags.Parse(args)
	return f, flags.Args(), err
}

func runCheck(ctx context.Context, args []string, stdout, stderr *os.File) int {
	f, domains, err := parseCheck(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return statusFine
	}
	if err != nil {
		return statusUnknown // said already
	}
	job, err := newJob(f, domains, stdout, stderr)
	if err != nil {
		fmt.Fprintln(stderr, "fakemx check:", err)
		return statusUnknown
	}
	status, err := job.run(ctx)
	if err != nil {
		fmt.Fprintln(stderr, "fakemx check:", err)
	}
	return status
}

// checkJob is a run of check, ready to start.
type checkJob struct {
	checker  *check.Checker
	targets  iter.Seq[check.Target]
	count    int
	parallel int
	failOn   check.Level
	output   checkOutput
	progress *progress
}

func newJob(f *checkFlags, domains []string, stdout, stderr *os.File) (*checkJob, error) {
	job := &checkJob{parallel: f.parallel}
	var err error
	if job.failOn, err = check.ParseLevel(f.failOn); err != nil {
		return nil, fmt.Errorf("-fail-on: %w", err)
	}
	options, err := f.options()
	if err != nil {
		return nil, err
	}
	var corefile *check.Corefile
	if f.conf != "" {
		if corefile, err = check.ReadCorefile(f.conf); err != nil {
			return nil, err
		}
	}
	if err := job.choose(corefile, domains); err != nil {
		return nil, err
	}
	if job.checker, err = check.New(options, corefile); err != nil {
		return nil, err
	}
	switch f.output {
	case "text":
		text := check.NewText(stdout, isTerminal(stdout) && os.Getenv("NO_COLOR") == "")
		job.output = &textOutput{Text: text, full: job.count <= fullReports, warnings: corefile.Warnings()}
	case "json":
		if job.output, err = newJSONOutput(stdout); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("bad -o %q: expected text or json", f.output)
	}
	job.progress = newProgress(stderr, job.count, isTerminal(stderr))
	return job, nil
}

func (f *checkFlags) options() (check.Options, error) {
	o := check.Options{
		PerSecond: f.perSecond, Timeout: f.timeout, NoProbe: f.noProbe, ProbeForeign: f.probeForeign, Helo: f.helo,
	}
	switch {
	case f.perSecond < 1:
		return o, fmt.Errorf("bad -qps %d: expected at least 1", f.perSecond)
	case f.parallel < 1 || f.parallel > maxParallel:
		return o, fmt.Errorf("bad -parallel %d: expected 1 to %d", f.parallel, maxParallel)
	case f.timeout <= 0:
		return o, fmt.Errorf("bad -timeout %v: expected more than nothing", f.timeout)
	case strings.ContainsAny(f.helo, " \t\r\n"):
		return o, fmt.Errorf("bad -helo %q: expected a host name", f.helo)
	}
	for address := range fields(f.resolver) {
		server, err := resolverAddress(address)
		if err != nil {
			return o, err
		}
		o.Resolvers = append(o.Resolvers, server)
	}
	for address := range fields(f.control) {
		addr, err := netip.ParseAddr(address)
		if err != nil {
			return o, fmt.Errorf("bad -control %q: expected an address", address)
		}
		o.Control = append(o.Control, addr)
	}
	return o, nil
}

// fields yields the words between commas.
func fields(s string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for word := range strings.SplitSeq(s, ",") {
			if word = strings.TrimSpace(word); word != "" && !yield(word) {
				return
			}
		}
	}
}

func resolverAddress(s string) (string, error) {
	if addr, err := netip.ParseAddr(s); err == nil {
		return net.JoinHostPort(addr.String(), "53"), nil
	}
	if at, err := netip.ParseAddrPort(s); err == nil {
		return at.String(), nil
	}
	return "", fmt.Errorf("bad -resolver %q: expected an address, with a port or without", s)
}

// choose finds the targets.
func (j *checkJob) choose(c *check.Corefile, domains []string) error {
	if len(domains) == 0 {
		if c == nil {
			return errors.New("nothing to look at: expected -conf Corefile, or a DOMAIN")
		}
		j.targets, j.count = c.Targets(), c.Len()
		return nil
	}
	find := check.Plain
	if c != nil {
		find = c.Target
	}
	targets := make([]check.Target, 0, len(domains))
	for _, domain := range domains {
		t, err := find(domain)
		if err != nil {
			return err
		}
		targets = append(targets, t)
	}
	j.targets, j.count = slices.Values(targets), len(targets)
	return nil
}

// run looks at all targets and returns the exit status.
func (j *checkJob) run(ctx context.Context) (int, error) {
	summary := check.NewSummary()
	err := j.checker.All(ctx, j.targets, j.parallel, func(r *check.Report) error {
		summary.Add(r)
		j.progress.clear()
		if err := j.output.Report(r); err != nil {
			return err
		}
		j.progress.show(summary.Domains)
		return nil
	})
	j.progress.clear()
	if err != nil {
		return statusUnknown, err
	}
	if err := j.output.End(summary); err != nil {
		return statusUnknown, err
	}
	switch {
	case summary.Failed(j.failOn):
		return statusFound, nil
	case summary.Unseen > 0:
		return statusUnknown, nil
	default:
		return statusFine, nil
	}
}

// checkOutput is a form of the output.
type checkOutput interface {
	Report(r *check.Report) error
	End(s *check.Summary) error
}

// textOutput gives whole reports of few domains, and of many what is wrong and a
// summary.
type textOutput struct {
	*check.Text

	full     bool
	written  int
	warnings []check.Finding // of the Corefile
}

func (o *textOutput) Report(r *check.Report) error {
	o.written++
	if o.full {
		return o.Text.Report(r)
	}
	if o.written == 1 {
		if err := o.Config(o.warnings); err != nil {
			return err
		}
	}
	return o.Brief(r)
}

func (o *textOutput) End(s *check.Summary) error {
	if o.written == 1 {
		return nil
	}
	return o.Summary(s)
}

func newJSONOutput(stdout *os.File) (checkOutput, error) { return check.NewJSON(stdout) }

// isTerminal reports whether a person may be looking.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

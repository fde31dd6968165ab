// Package check looks at a domain from outside and says what the fakes of a
// configuration will do to its mail: it asks the resolver and each name server
// of the domain, calls port 25 of sinks and real hosts, reads SPF, MTA-STS and
// DANE records, and lets every sender that is known (package senders) walk the
// set that fakemx will make (package inject).
//
// It never sends mail: an SMTP session ends after RCPT with QUIT. What it cannot
// see it lists as [Unseen], and does not guess.
//
// Begin with [New] and [Checker.Check]. [ReadCorefile] gives the targets of a
// Corefile, [Plain] one without; the files named after a subject (sinks.go,
// spf.go, ...) each hold one look.
package check

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/miekg/dns"
)

// Options say how to look.
type Options struct {
	// Resolvers are host:port. Without, those of /etc/resolv.conf.
	Resolvers []string
	// PerSecond is the number of questions to one DNS server a second, at least 1.
	PerSecond int
	// Timeout is for one domain.
	Timeout time.Duration
	// NoProbe: port 25 is not called at all.
	NoProbe bool
	// ProbeForeign: hosts outside the domain and the Corefile's zones are called
	// too.
	ProbeForeign bool
	// Control are hosts that accept on port 25, to know whether it can be seen.
	// Without, those of the Corefile.
	Control []netip.Addr
	// Helo is what SMTP sessions begin with. Without, the name of this host.
	Helo string
	// Roots are the authorities that an MTA-STS policy host's certificate is checked
	// against; nil for those of the system.
	Roots *x509.CertPool
}

// DefaultTimeout is for one domain, hosts that are silent among them.
const DefaultTimeout = 9 * time.Second

// DefaultPerSecond is how many questions a DNS server gets in a second.
const DefaultPerSecond = 200

// Checker looks at domains, many at a time if wanted. What it has learnt about a
// host serves all of them.
type Checker struct {
	options  Options
	corefile *Corefile
	dns      *client
	prober   *prober
}

// New returns a Checker. The Corefile is nil where there is none.
func New(o Options, c *Corefile) (*Checker, error) {
	if len(o.Resolvers) == 0 {
		system, err := dns.ClientConfigFromFile("/etc/resolv.conf")
		if err != nil || len(system.Servers) == 0 {
			return nil, fmt.Errorf("no resolver in /etc/resolv.conf (%v): expected -resolver ADDRESS", err)
		}
		for _, server := range system.Servers {
			o.Resolvers = append(o.Resolvers, net.JoinHostPort(server, system.Port))
		}
	}
	if o.PerSecond < 1 {
		o.PerSecond = DefaultPerSecond
	}
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if len(o.Control) == 0 {
		o.Control = c.Controls()
	}
	if o.Helo == "" {
		if name, err := os.Hostname(); err == nil && name != "" {
			o.Helo = name
		} else {
			o.Helo = "localhost"
		}
	}
	return &Checker{
		options:  o,
		corefile: c,
		dns:      newClient(o.Resolvers, o.PerSecond),
		prober:   newProber(o.Helo, o.Control),
	}, nil
}

// Check looks at one domain. It returns within the timeout, and when ctx ends.
func (c *Checker) Check(ctx context.Context, t Target) *Report {
	ctx, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	e := newExamination(c, t)
	e.run(ctx)
	sortFindings(e.report.Findings)
	return e.report
}

package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// A resolver is Unbound on the loopback address of one sender's node: full
// resolution from the laboratory's own root, validating below the anchors.
type resolver struct {
	node      *node
	container *container
	conf      string
}

const unboundConf = `server:
  interface: 127.0.0.1
  access-control: 127.0.0.0/8 allow
  username: ""
  chroot: ""
  directory: "/"
  pidfile: ""
  use-syslog: no
  logfile: ""
  do-daemonize: no
  num-threads: 1
  root-hints: /etc/fakemx/root.hints
  module-config: "validator iterator"
  trust-anchor-file: /etc/fakemx/anchor
remote-control:
  control-enable: yes
  control-interface: /run/unbound-%s.ctl
  control-use-cert: no
`

// startResolver runs Unbound from r in n's network namespace.
func startResolver(ctx context.Context, r *root, n *node, anchors []*dns.DNSKEY) (*resolver, error) {
	conf := "/etc/fakemx/" + n.name + ".conf"
	var trusted strings.Builder
	for _, key := range anchors {
		trusted.WriteString(key.String() + "\n")
	}
	for path, text := range map[string]string{
		conf:                     fmt.Sprintf(unboundConf, n.name),
		"/etc/fakemx/root.hints": fmt.Sprintf(". 3600000 NS a.root.example.net.\na.root.example.net. 3600000 A %s\n", rootServer),
		"/etc/fakemx/anchor":     trusted.String(),
	} {
		if err := r.write(path, text, 0o644); err != nil {
			return nil, err
		}
	}
	c, err := r.boot(n, "resolver")
	if err != nil {
		return nil, err
	}
	res := &resolver{node: n, container: c, conf: conf}
	ended := make(chan error, 1)
	go func() {
		_, err := c.run(ctx, nil, "unbound", "-c", conf)
		ended <- fmt.Errorf("unbound ended: %w", err)
	}()
	for deadline := time.Now().Add(readyWithin); ; {
		_, err := res.lookup("example.org.", dns.TypeSOA)
		if err == nil {
			return res, nil
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("resolver of %s: %w", n.name, err)
		}
		select {
		case err := <-ended:
			return nil, fmt.Errorf("resolver of %s: %w", n.name, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// chill empties the cache.
func (r *resolver) chill(ctx context.Context) error {
	_, err := r.container.run(ctx, nil, "unbound-control", "-c", r.conf, "flush_zone", ".")
	return err
}

// lookup asks the resolver for a name that exists.
func (r *resolver) lookup(name string, qtype uint16) (*dns.Msg, error) {
	answer, err := r.ask(name, qtype)
	if err != nil {
		return nil, err
	}
	if answer.Rcode != dns.RcodeSuccess {
		return nil, fmt.Errorf("%s %s: %s", name, dns.TypeToString[qtype], dns.RcodeToString[answer.Rcode])
	}
	return answer, nil
}

// ask asks the resolver.
func (r *resolver) ask(name string, qtype uint16) (*dns.Msg, error) {
	m := new(dns.Msg).SetQuestion(name, qtype)
	m.SetEdns0(1232, false)
	m.AuthenticatedData = true // asks for the bit in the answer (RFC 6840 section 5.7)
	var answer *dns.Msg
	err := r.node.do(func() error {
		var err error
		answer, err = exchange(m, "127.0.0.1:53")
		return err
	})
	return answer, err
}

// exchange sends a query, again over TCP if the answer doesn't fit a datagram.
func exchange(m *dns.Msg, server string) (*dns.Msg, error) {
	client := &dns.Client{UDPSize: 1232, Timeout: answerWithin}
	answer, _, err := client.Exchange(m, server)
	if err == nil && answer.Truncated {
		client.Net = "tcp"
		answer, _, err = client.Exchange(m, server)
	}
	return answer, err
}

// answerWithin is how long a name server on a busy machine may take.
const answerWithin = 20 * time.Second

// mxSet returns name's MX set, lowest preference first, hosts relative to the
// zone where they lie in it; and whether the resolver has validated it.
func (r *resolver) mxSet(name, zone string) (set []mx, valid bool, err error) {
	answer, err := r.lookup(name, dns.TypeMX)
	if err != nil {
		return nil, false, err
	}
	set = setOf(answer, zone)
	sortSet(set)
	return set, answer.AuthenticatedData, nil
}

// setOf reads an MX set from an answer as it stands there.
func setOf(answer *dns.Msg, zone string) []mx {
	var set []mx
	for _, rr := range answer.Answer {
		if m, ok := rr.(*dns.MX); ok {
			set = append(set, mx{int(m.Preference), strings.TrimSuffix(m.Mx, "."+zone)})
		}
	}
	return set
}

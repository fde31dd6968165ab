package check

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"
)

const (
	policyTimeout = 5 * time.Second
	// maxPolicy is the largest policy that is read, in octets, RFC 8461 section 3.3.
	maxPolicy = 64 << 10
)

// policy is an MTA-STS policy, RFC 8461 section 3.2.
type policy struct {
	mode string
	mx   []string
}

// covers reports whether a pattern matches a host, RFC 8461 section 4.1: a
// wildcard stands for the one leftmost label.
func (p policy) covers(host string) bool {
	host = strings.ToLower(display(host))
	for _, pattern := range p.mx {
		pattern = strings.ToLower(pattern)
		if pattern == host {
			return true
		}
		if suffix, ok := strings.CutPrefix(pattern, "*."); ok {
			if _, rest, found := strings.Cut(host, "."); found && rest == suffix {
				return true
			}
		}
	}
	return false
}

// lookAtMTASTS reads the policy, if the domain has one, and compares it with the
// new set.
func (e *examination) lookAtMTASTS(ctx context.Context) {
	has, err := e.hasPolicy(ctx)
	if err != nil {
		e.unseen(display(e.Owner), "its MTA-STS record: %v", err)
		return
	}
	if !has {
		return
	}
	p, err := e.policy(ctx)
	if err != nil && ctx.Err() != nil {
		e.unseen(display(e.Owner), "its MTA-STS policy: the time for this domain was over")
		return
	}
	if err != nil {
		e.add(Finding{Warning, CodeMTASTSPolicy, display(e.Owner), "has an MTA-STS record, and senders can't get its policy: those that know an old one go on with that", err.Error(), "serve the policy at https://mta-sts." + display(e.Owner) + "/.well-known/mta-sts.txt"})
		return
	}
	if p.mode == "none" {
		return
	}
	e.comparePolicy(ctx, p)
}

func (e *examination) comparePolicy(ctx context.Context, p policy) {
	for _, r := range e.reals {
		if p.covers(r.name) {
			continue
		}
		level := Warning
		if p.mode == "enforce" {
			level = Error
		}
		e.add(Finding{level, CodeMTASTSReal, display(r.name), "is a real host that the MTA-STS policy does not name: senders that enforce it don't deliver there (RFC 8461 section 5)", "mode " + p.mode + ", mx " + shortList(p.mx), "add it to the policy, with a new id"})
	}
	var listed, others []string
	for _, s := range e.sinks {
		if p.covers(s.name) {
			listed = append(listed, display(s.name))
		} else {
			others = append(others, display(s.name))
		}
	}
	if len(listed) > 0 {
		e.add(Finding{Warning, CodeMTASTSSinks, shortList(listed), "is a sink that the MTA-STS policy names: senders that enforce it call it, and would trust it", "mx " + shortList(p.mx), "name the real hosts one by one"})
	}
	if len(others) > 0 {
		e.tellReports(ctx, others)
	}
}

// tellReports says what TLS reports will have about the sinks, if there are any
// (RFC 8460).
func (e *examination) tellReports(ctx context.Context, sinks []string) {
	name := "_smtp._tls." + e.Owner
	m, err := e.dns.resolve(ctx, name, dns.TypeTXT)
	if err != nil || len(followed[*dns.TXT](m, name)) == 0 {
		return
	}
	e.add(Finding{Info, CodeTLSReports, display(e.Owner), "TLS reports will count the sinks as failures of the policy: senders that enforce it pass over them (RFC 8461 section 5.1)", shortList(sinks), "leave them out where you watch these reports"})
}

// hasPolicy reports whether the record says that there is a policy, RFC 8461
// section 3.1.
func (e *examination) hasPolicy(ctx context.Context) (bool, error) {
	name := "_mta-sts." + e.Owner
	m, err := e.dns.resolve(ctx, name, dns.TypeTXT)
	if err != nil {
		return false, err
	}
	n := 0
	for _, rr := range followed[*dns.TXT](m, name) {
		if version, _, _ := strings.Cut(strings.Join(rr.Txt, ""), ";"); strings.TrimSpace(version) == "v=STSv1" {
			n++
		}
	}
	return n == 1, nil
}

// policy fetches the policy over HTTPS, with a valid certificate and without
// redirects, RFC 8461 section 3.3.
func (e *examination) policy(ctx context.Context) (policy, error) {
	ctx, cancel := context.WithTimeout(ctx, policyTimeout)
	defer cancel()
	transport := &http.Transport{
		DialContext:            e.dialByName,
		TLSClientConfig:        &tls.Config{RootCAs: e.options.Roots, MinVersion: tls.VersionTLS12},
		DisableKeepAlives:      true,
		MaxResponseHeaderBytes: maxPolicy,
	}
	client := http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	url := "https://mta-sts." + display(e.Owner) + "/.well-known/mta-sts.txt"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return policy{}, err
	}
	response, err := client.Do(request)
	if err != nil {
		return policy{}, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return policy{}, fmt.Errorf("%s: status %d, expected 200", url, response.StatusCode)
	}
	return parsePolicy(io.LimitReader(response.Body, maxPolicy))
}

// dialByName connects to a host as our resolver knows it.
func (e *examination) dialByName(ctx context.Context, network, address string) (net.Conn, error) {
	name, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	h := e.dns.hostOf(ctx, dns.Fqdn(name))
	failed := h.failed
	if failed == nil {
		failed = fmt.Errorf("%s has no address", name)
	}
	for _, addr := range h.addresses {
		dialer := net.Dialer{Timeout: connectTimeout}
		conn, err := dialer.DialContext(ctx, network, net.JoinHostPort(netip.Addr.String(addr), port))
		if err == nil {
			return conn, nil
		}
		failed = err
	}
	return nil, failed
}

// parsePolicy reads the lines of a policy, RFC 8461 section 3.2.
func parsePolicy(r io.Reader) (policy, error) {
	var p policy
	version := ""
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimSpace(value)
		switch strings.TrimSpace(key) {
		case "version":
			version = value
		case "mode":
			p.mode = value
		case "mx":
			if _, ok := dns.IsDomainName(value); !ok {
				return p, fmt.Errorf("policy with mx %q: expected a host name", value)
			}
			p.mx = append(p.mx, value)
		}
	}
	switch {
	case lines.Err() != nil:
		return p, lines.Err()
	case version != "STSv1":
		return p, fmt.Errorf("policy of version %q: expected STSv1", version)
	case p.mode != "enforce" && p.mode != "testing" && p.mode != "none":
		return p, fmt.Errorf("policy with mode %q: expected enforce, testing or none", p.mode)
	case p.mode != "none" && len(p.mx) == 0:
		return p, errors.New("policy without mx: expected the real hosts")
	}
	return p, nil
}

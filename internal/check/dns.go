package check

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/fakemx/fakemx/internal/dnsname"
	"github.com/miekg/dns"
)

const (
	// questionTimeout is for one question, questionTries how often it is put.
	questionTimeout = 1500 * time.Millisecond
	questionTries   = 2
	// maxAnswers are remembered of one run.
	maxAnswers = 20_000
	// maxAliases is how many aliases are followed to an address.
	maxAliases = 8
)

// errNoTCP says that an answer does not fit into UDP, and TCP does not give it.
var errNoTCP = errors.New("truncated, and not to be had over TCP")

// client asks DNS servers: one at a time by itself, or the resolvers.
type client struct {
	resolvers []string // host:port
	// good is the resolver that answered last; it is asked first.
	good    atomic.Int32
	limit   *limiter
	answers *memo[*dns.Msg]
}

func newClient(resolvers []string, perSecond int) *client {
	return &client{resolvers: resolvers, limit: newLimiter(perSecond), answers: newMemo[*dns.Msg](maxAnswers)}
}

// resolve asks the resolvers, one after the other until one answers. The answer
// is shared and must not be changed.
func (c *client) resolve(ctx context.Context, name string, qtype uint16) (*dns.Msg, error) {
	return c.answers.get(ctx, fmt.Sprint(name, " ", qtype), func() (*dns.Msg, error) {
		var failed error
		first := int(c.good.Load())
		for i := range c.resolvers {
			n := (first + i) % len(c.resolvers)
			server := c.resolvers[n]
			m, err := c.ask(ctx, server, name, qtype, true)
			switch {
			case err != nil:
				failed = err
			case m.Rcode == dns.RcodeServerFailure || m.Rcode == dns.RcodeRefused:
				failed = fmt.Errorf("%s %s: %s from %s", name, dns.TypeToString[qtype], dns.RcodeToString[m.Rcode], server)
			default:
				c.good.Store(int32(n))
				return m, nil
			}
		}
		return nil, failed
	})
}

// ask puts one question to one server, over TCP if the answer does not fit.
func (c *client) ask(ctx context.Context, server, name string, qtype uint16, recurse bool) (*dns.Msg, error) {
	q := new(dns.Msg).SetQuestion(name, qtype)
	q.RecursionDesired = recurse
	q.SetEdns0(1232, true)
	var failed error
	for range questionTries {
		m, err := c.exchange(ctx, "udp", server, q)
		if err == nil && m.Truncated {
			if m, err = c.exchange(ctx, "tcp", server, q); err != nil {
				err = fmt.Errorf("%w: %w", errNoTCP, err)
			}
		}
		if err == nil {
			return m, nil
		}
		if failed = err; ctx.Err() != nil {
			break
		}
	}
	return nil, fmt.Errorf("%s %s: %w", name, dns.TypeToString[qtype], failed)
}

// overTCP puts one question over TCP only.
func (c *client) overTCP(ctx context.Context, server, name string, qtype uint16) (*dns.Msg, error) {
	q := new(dns.Msg).SetQuestion(name, qtype)
	q.RecursionDesired = false
	return c.exchange(ctx, "tcp", server, q)
}

func (c *client) exchange(ctx context.Context, network, server string, q *dns.Msg) (*dns.Msg, error) {
	if err := c.limit.wait(ctx, server); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, questionTimeout)
	defer cancel()
	m, _, err := (&dns.Client{Net: network}).ExchangeContext(ctx, q, server)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", server, err)
	}
	return m, nil
}

// host is what DNS says about a host.
type host struct {
	addresses []netip.Addr
	// alias is what the name is a CNAME for, "" if it is none.
	alias string
	// failed is why the addresses cannot be had; a name without is no failure.
	failed error
}

// hostOf looks a host's addresses up, IPv4 first.
func (c *client) hostOf(ctx context.Context, name string) host {
	var h host
	for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
		m, err := c.resolve(ctx, name, qtype)
		if err != nil {
			h.failed = err
			continue
		}
		addresses, alias := addressesIn(m, name)
		h.addresses = append(h.addresses, addresses...)
		if alias != "" {
			h.alias = alias
		}
	}
	return h
}

// addressesIn returns the addresses that an answer has for name, and the first
// alias on the way to them.
func addressesIn(m *dns.Msg, name string) (addresses []netip.Addr, alias string) {
	for range maxAliases {
		next := ""
		for _, rr := range m.Answer {
			if !dnsname.Same(rr.Header().Name, name) {
				continue
			}
			switch rr := rr.(type) {
			case *dns.A:
				addresses = appendAddress(addresses, rr.A)
			case *dns.AAAA:
				addresses = appendAddress(addresses, rr.AAAA)
			case *dns.CNAME:
				next = rr.Target
			}
		}
		if next == "" {
			break
		}
		if name = next; alias == "" {
			alias = dnsname.Canonical(next)
		}
	}
	return addresses, alias
}

func appendAddress(addresses []netip.Addr, ip net.IP) []netip.Addr {
	addr, ok := netip.AddrFromSlice(ip)
	if addr = addr.Unmap(); !ok || slices.Contains(addresses, addr) {
		return addresses
	}
	return append(addresses, addr)
}

// recordsOf returns the records of type T at name in an answer.
func recordsOf[T dns.RR](m *dns.Msg, name string) []T {
	if m == nil {
		return nil
	}
	var found []T
	for _, rr := range m.Answer {
		if record, ok := rr.(T); ok && dnsname.Same(rr.Header().Name, name) {
			found = append(found, record)
		}
	}
	return found
}

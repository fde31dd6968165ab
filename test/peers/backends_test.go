package peers

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/transfer"
	"github.com/miekg/dns"
)

// The order of CoreDNS's plugins is fixed when the first server starts. So the
// backend of these tests takes the place of one that is not built in here. It
// stands in front of file, which then is the second that can transfer a zone.
const backendPlugin = "route53"

func init() {
	plugin.Register(backendPlugin, func(c *caddy.Controller) error {
		c.Next()
		name := c.RemainingArgs()[0]
		dnsserver.GetConfig(c).AddPlugin(func(next plugin.Handler) plugin.Handler {
			return &passing{next: next, transferer: backends.named(name)}
		})
		return nil
	})
}

var errBroken = errors.New("the backend is broken")

// transferer is transfer.Transferer as a function.
type transferer func(zone string, serial uint32) (<-chan []dns.RR, error)

// passing is a backend that can be transferred from and answers nothing.
type passing struct {
	next       plugin.Handler
	transferer transferer
}

func (p *passing) Name() string { return backendPlugin }

func (p *passing) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	return plugin.NextOrFailure(backendPlugin, p.next, ctx, w, r)
}

func (p *passing) Transfer(zone string, serial uint32) (<-chan []dns.RR, error) {
	return p.transferer(zone, serial)
}

var _ transfer.Transferer = (*passing)(nil)

// registry has the backends of the running tests by the name in their Corefiles.
type registry struct {
	mu     sync.Mutex
	byName map[string]transferer
}

var backends registry

func (r *registry) add(name string, t transferer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byName == nil {
		r.byName = make(map[string]transferer)
	}
	r.byName[name] = t
}

func (r *registry) named(name string) transferer {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.byName[name]
}

// inBatches is a backend that sends the records of one zone in batches of a
// size, and stops there: whoever asks for another zone is told to ask elsewhere.
func inBatches(zone string, records []dns.RR, size int) transferer {
	return func(asked string, _ uint32) (<-chan []dns.RR, error) {
		if asked != zone {
			return nil, transfer.ErrNotAuthoritative
		}
		batches := make(chan []dns.RR)
		go func() {
			defer close(batches)
			for batch := range slices.Chunk(records, size) {
				batches <- batch
			}
		}()
		return batches, nil
	}
}

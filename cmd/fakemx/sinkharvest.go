package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/fakemx/fakemx/internal/check"
	"github.com/fakemx/fakemx/internal/sink"
	"github.com/fakemx/fakemx/internal/sink/dnsl"
	"github.com/fakemx/fakemx/internal/sink/harvest"
	"github.com/fakemx/fakemx/internal/sink/visit"
)

// harvestFlags are the flags of sink serve about the lists.
type harvestFlags struct {
	lists     dnsl.Config
	conf      string
	resolver  string
	after     time.Duration
	exchanges map[string]string
}

func (f *serveFlags) listing() {
	h := &f.harvest
	h.exchanges = make(map[string]string)
	f.StringVar(&h.lists.Dir, "list", "", "list bots in `directory`; needs -list-zone, -conf, -state, and -real with feeds that tell envelopes")
	f.StringVar(&h.lists.Zone, "list-zone", "", "`name` of the list as a DNS zone, as in bl.example.org")
	f.StringVar(&h.lists.NameServer, "list-ns", "", "`name` in the NS record of that zone (default localhost)")
	f.StringVar(&h.lists.Hostmaster, "list-hostmaster", "", "`name` for the mailbox in its SOA record (default hostmaster and the zone)")
	f.DurationVar(&h.lists.Life, "list-life", dnsl.DefaultLife, "how long the lists hold when this server is dead, 10m to 168h")
	f.DurationVar(&h.after, "list-after", harvest.After, "how long after a visit it is judged, 24h to 72h")
	f.StringVar(&h.conf, "conf", "", "the `Corefile` with the fakemx stanzas: visits for other domains don't count")
	f.Func("exchange", "the host of an MX record is one of -real, where name and addresses don't show it: `EXCHANGE=NAME`; may be repeated", func(v string) error {
		exchange, name, found := strings.Cut(v, "=")
		if !found || exchange == "" || name == "" {
			return errors.New("expected the name in the MX record, = and a name of -real")
		}
		h.exchanges[strings.ToLower(strings.TrimSuffix(exchange, "."))] = name
		return nil
	})
	f.StringVar(&h.resolver, "resolver", "", "`HOST:PORT` of the DNS resolver for SPF and MX (default: the machine's)")
}

// checkListing refuses what cannot work, and reads the files.
func (f *serveFlags) checkListing() error {
	if f.key != "" {
		text, err := os.ReadFile(f.key)
		if err != nil {
			return fmt.Errorf("-key: %w", err)
		}
		key, err := visit.ParseKey(string(text))
		if err != nil {
			return fmt.Errorf("-key %s: %w", f.key, err)
		}
		f.config.Key = &key
	}
	h := &f.harvest
	if h.lists.Dir == "" {
		return nil
	}
	for _, refused := range []struct {
		wrong bool
		why   string
	}{
		{h.lists.Zone == "", "-list: expected -list-zone too, a name for the list, as in bl.example.org"},
		{h.conf == "", "-list: expected -conf too, the Corefile that says which domains are ours"},
		{f.config.State == "", "-list: expected -state too, else nothing is remembered to judge by"},
		{h.after < harvest.After || h.after > harvest.MaxAfter, fmt.Sprintf("-list-after %v: expected %v to %v", h.after, harvest.After, harvest.MaxAfter)},
	} {
		if refused.wrong {
			return errors.New(refused.why)
		}
	}
	for exchange, name := range h.exchanges {
		if !f.isReal(name) {
			return fmt.Errorf("-exchange %s=%s: expected a name that -real has", exchange, name)
		}
	}
	resolver, err := resolverAt(h.resolver)
	if err != nil {
		return err
	}
	f.domains = &corefileDomains{path: h.conf}
	if err := f.domains.read(); err != nil {
		return fmt.Errorf("-conf: %w", err)
	}
	f.config.Harvest = &sink.Harvest{Lists: h.lists, Ours: f.domains.ours, Exchanges: h.exchanges, Resolver: resolver, After: h.after}
	return nil
}

func (f *serveFlags) isReal(name string) bool {
	for _, r := range f.config.Real {
		if r.Name == name {
			return true
		}
	}
	return false
}

// resolverAt asks one resolver, or those of the machine.
func resolverAt(address string) (*net.Resolver, error) {
	r := &net.Resolver{PreferGo: true}
	if address == "" {
		return r, nil
	}
	if err := hostPort(address); err != nil {
		return nil, fmt.Errorf("-resolver: %w", err)
	}
	r.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	return r, nil
}

// corefileDomains are the domains of a Corefile and its lists.
type corefileDomains struct {
	path  string
	known atomic.Pointer[check.Corefile]
}

// readEvery is how often the Corefile and its lists are read again.
const readEvery = time.Hour

func (d *corefileDomains) read() error {
	c, err := check.ReadCorefile(d.path)
	if err == nil {
		d.known.Store(c)
	}
	return err
}

// follow reads again and again until ctx ends. What can't be read leaves what is
// known.
func (d *corefileDomains) follow(ctx context.Context, complain func(error)) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(readEvery):
		}
		if err := d.read(); err != nil {
			complain(err)
		}
	}
}

// ours is that of the Corefile, as it was read last.
func (d *corefileDomains) ours(domain string) (fakes []string, ours bool) {
	return d.known.Load().FakesOf(domain)
}

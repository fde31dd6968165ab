package fakemx

import (
	"fmt"
	"strings"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/transfer"
)

func init() { plugin.Register(name, setup) }

func setup(c *caddy.Controller) error {
	stanzas, err := parse(c)
	if err != nil {
		return plugin.Error(name, err)
	}
	f := &FakeMX{zones: newZones(stanzas)}
	if err := watch(c, f.zones); err != nil {
		return plugin.Error(name, err)
	}

	config := dnsserver.GetConfig(c)
	config.AddPlugin(func(next plugin.Handler) plugin.Handler {
		f.Next = next
		return f
	})
	c.OnStartup(func() error {
		f.signer.handler = config.Handler("dnssec")
		for _, handler := range config.Handlers() {
			if t, ok := handler.(transfer.Transferer); ok && handler != plugin.Handler(f) {
				f.transferers = append(f.transferers, t)
			}
		}
		for _, s := range stanzas {
			for _, warning := range s.warnings {
				log.Warning(warning)
			}
			log.Info(s.String())
		}
		return nil
	})
	return nil
}

// String says what is injected for whom.
func (s *stanza) String() string {
	var b strings.Builder
	b.WriteString(shortList(s.zones))
	if s.listFile != "" {
		fmt.Fprintf(&b, " and the zones in %s", s.listFile)
	}
	b.WriteString(": ")
	if s.dryRun {
		b.WriteString("dry run, nothing changes: ")
	}
	fmt.Fprintf(&b, "lowest %s, highest %s, step %d, ttl %d", describe(s.lowest), describe(s.highest), s.step, s.ttl)
	if s.real != "" {
		fmt.Fprintf(&b, ", untouched sets at %s", s.real)
	}
	return b.String()
}

func describe(fakes []fake) string {
	if len(fakes) == 0 {
		return "none"
	}
	names := make([]string, len(fakes))
	for i, f := range fakes {
		names[i] = f.name
		for _, addr := range f.addresses {
			names[i] += " " + addr.String()
		}
	}
	return shortList(names)
}

// shortList names the first few of a long list.
func shortList(names []string) string {
	const shown = 5
	if len(names) <= shown {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), len(names)-shown)
}

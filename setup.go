package fakemx

import (
	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/transfer"
	"github.com/fakemx/fakemx/internal/config"
)

func init() { plugin.Register(name, setup) }

func setup(c *caddy.Controller) error {
	stanzas, err := config.Parse(c)
	if err != nil {
		return plugin.Error(name, err)
	}
	f := &FakeMX{zones: newZones(stanzas)}
	if err := config.Lists(c, stanzas, f.zones.setLists); err != nil {
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
			for _, warning := range s.Warnings {
				log.Warning(warning)
			}
			log.Info(s.String())
		}
		return nil
	})
	return nil
}

package fakemx

import (
	"slices"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	clog "github.com/coredns/coredns/plugin/pkg/log"
	coretransfer "github.com/coredns/coredns/plugin/transfer"
	"github.com/fakemx/fakemx/internal/answer"
	"github.com/fakemx/fakemx/internal/config"
	"github.com/fakemx/fakemx/internal/transfer"
	"github.com/fakemx/fakemx/internal/zones"
)

var log = clog.NewWithPlugin(answer.Name)

func init() { plugin.Register(answer.Name, setup) }

func setup(c *caddy.Controller) error {
	stanzas, err := config.Parse(c)
	if err != nil {
		return plugin.Error(answer.Name, err)
	}
	z := zones.New(stanzas)
	if err := config.Lists(c, stanzas, z.SetLists); err != nil {
		return plugin.Error(answer.Name, err)
	}
	f := newHandler(z)
	f.guard = newGuard(c, stanzas, z)
	if f.primary, err = newPrimary(c, stanzas, f.answers); err != nil {
		return plugin.Error(answer.Name, err)
	}
	f.transfers.Primary = f.primary

	block := dnsserver.GetConfig(c)
	block.AddPlugin(func(next plugin.Handler) plugin.Handler {
		f.answers.Next = next
		return f
	})
	c.OnStartup(func() error {
		f.meet(block)
		f.meetTransfer(block)
		for _, s := range stanzas {
			for _, warning := range slices.Concat(s.Warnings, s.WarnFront(front(block))) {
				log.Warning(warning)
			}
			log.Info(s.String())
		}
		return nil
	})
	return nil
}

func newHandler(z *zones.Zones) *FakeMX {
	answers := answer.New(z)
	return &FakeMX{answers: answers, transfers: transfer.Editor{Answers: answers}}
}

// meet tells the handler of the other plugins of its server block.
func (f *FakeMX) meet(block *dnsserver.Config) {
	f.answers.SetFront(block.Handler("dnssec"), block.Handler("metadata") != nil)
	for _, handler := range block.Handlers() {
		if t, ok := handler.(coretransfer.Transferer); ok && handler != plugin.Handler(f) {
			f.transfers.Behind = append(f.transfers.Behind, t)
		}
	}
}

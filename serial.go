package fakemx

import (
	"slices"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	coretransfer "github.com/coredns/coredns/plugin/transfer"
	"github.com/fakemx/fakemx/internal/answer"
	"github.com/fakemx/fakemx/internal/config"
	"github.com/fakemx/fakemx/internal/primary"
	"github.com/fakemx/fakemx/internal/serial"
	"github.com/fakemx/fakemx/internal/tell"
)

// serials are the files of serial numbers of all server blocks of the process,
// the next instance at a reload included.
var serials = serial.NewFiles(log)

func init() { tell.Serial(serials.Stats) }

// newPrimary opens the file of the server block, if it has one, and keeps its
// numbers from when the instance is up.
func newPrimary(c *caddy.Controller, stanzas []*config.Stanza, answers *answer.Editor) (*primary.Primary, error) {
	i := slices.IndexFunc(stanzas, func(s *config.Stanza) bool { return s.Serial != "" })
	if i < 0 {
		return nil, nil
	}
	file, err := serials.Open(stanzas[i].Serial)
	if err != nil {
		return nil, stanzas[i].SerialError(err)
	}
	p := primary.New(file)
	p.Answers, p.Log = answers, log
	p.Changes = sinks.Changes
	whenUp(c, p.Start)
	c.OnShutdown(p.Close)
	return p, nil
}

// meetTransfer tells the primary of the plugins of the server block.
func (f *FakeMX) meetTransfer(block *dnsserver.Config) {
	if f.primary == nil {
		return
	}
	f.primary.Has = f.transfers.Has
	t, _ := block.Handler("transfer").(*coretransfer.Transfer)
	f.primary.Notify = t.Notify // which does nothing for nil
}

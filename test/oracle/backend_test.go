package oracle

import (
	"context"
	"slices"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/pkg/nonwriter"

	"github.com/miekg/dns"
)

// terse makes the plugins behind it a backend that puts no NS set into the
// authority section of a positive answer, as stock Knot and NSD with
// minimal-responses are. It stands behind fakemx.
type terse struct{ next plugin.Handler }

func (terse) Name() string { return "terse" }

func (t terse) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	nw := nonwriter.New(w)
	rcode, err := plugin.NextOrFailure(t.Name(), t.next, ctx, nw, r)
	if nw.Msg == nil {
		return rcode, err
	}
	m := *nw.Msg
	if len(m.Answer) > 0 && m.Authoritative { // or it is a referral behind an alias
		m.Ns = withoutNS(m.Ns)
	}
	return rcode, w.WriteMsg(&m)
}

// withoutNS returns the records of section that are not of an NS set.
func withoutNS(section []dns.RR) []dns.RR {
	return slices.DeleteFunc(slices.Clone(section), func(rr dns.RR) bool {
		sig, ok := rr.(*dns.RRSIG)
		return rr.Header().Rrtype == dns.TypeNS || ok && sig.TypeCovered == dns.TypeNS
	})
}

func init() {
	plugin.Register(terse{}.Name(), func(c *caddy.Controller) error {
		for c.Next() {
		}
		dnsserver.GetConfig(c).AddPlugin(func(next plugin.Handler) plugin.Handler { return terse{next} })
		return nil
	})
}

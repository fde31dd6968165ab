package oracle

import (
	"fmt"
	"slices"
	"testing"

	"github.com/miekg/dns"
)

// compareTransfers transfers every zone of the trial: the whole zone, what
// changed since a serial of long ago, and what changed since the current one.
func (c *comparison) compareTransfers(t *testing.T, trial trial) {
	t.Helper()
	for _, b := range trial.world.blocks {
		for _, z := range b.zones {
			serial := z.records[0].(*dns.SOA).Serial
			for _, m := range []*dns.Msg{
				new(dns.Msg).SetAxfr(z.origin),
				new(dns.Msg).SetIxfr(z.origin, serial-1, "ns.invalid.", "hostmaster.invalid."),
				new(dns.Msg).SetIxfr(z.origin, serial, "ns.invalid.", "hostmaster.invalid."),
			} {
				f := &finding{trial: trial, comparison: c, question: question{
					name: z.origin, kind: m.Question[0].Qtype, class: dns.ClassINET, tcp: true,
				}}
				if err := f.transfer(m); err != nil {
					c.ledger.fail(t, f, err.Error())
					continue
				}
				c.ledger.transfers.Add(1)
				f.judge(t)
			}
		}
	}
}

// transfer puts the records of both transfers into the answers of f.
func (f *finding) transfer(m *dns.Msg) (err error) {
	if f.want.answer, err = f.comparison.want.transfer(m); err != nil {
		return fmt.Errorf("hand-edited: %w", err)
	}
	if f.got.answer, err = f.comparison.got.transfer(m); err != nil {
		return fmt.Errorf("fakemx: %w", err)
	}
	return nil
}

// transfer returns the records that s sends, as a set. The first is the SOA, and
// the last one too if there is more than one.
func (s *server) transfer(m *dns.Msg) ([]string, error) {
	tr := new(dns.Transfer)
	envelopes, err := tr.In(m, s.tcp)
	if err != nil {
		return nil, err
	}
	var all []dns.RR
	for e := range envelopes {
		if e.Error != nil {
			return nil, e.Error
		}
		all = append(all, e.RR...)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("empty transfer")
	}
	for _, rr := range []dns.RR{all[0], all[len(all)-1]} {
		if rr.Header().Rrtype != dns.TypeSOA {
			return nil, fmt.Errorf("transfer begins or ends with %q, want the SOA", rr)
		}
	}
	if slices.ContainsFunc(all[1:max(1, len(all)-1)], func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeSOA }) {
		return nil, fmt.Errorf("transfer holds a SOA amid its records")
	}
	return set(all), nil
}

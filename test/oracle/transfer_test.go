package oracle

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// compareTransfers transfers every zone of the trial: the whole zone, what
// changed since a serial of long ago, and what changed since the current one.
func (c *comparison) compareTransfers(t *testing.T, trial trial) {
	t.Helper()
	watch := newWatch(trial, c)
	for i, b := range trial.world.blocks {
		for j, z := range b.zones {
			serial, cuts := z.records[0].(*dns.SOA).Serial, cutsOf(b, z)
			for _, m := range []*dns.Msg{
				new(dns.Msg).SetAxfr(z.origin),
				new(dns.Msg).SetIxfr(z.origin, serial-1, "ns.invalid.", "hostmaster.invalid."),
				new(dns.Msg).SetIxfr(z.origin, serial, "ns.invalid.", "hostmaster.invalid."),
			} {
				f := &finding{trial: trial, comparison: c, question: question{
					name: z.origin, kind: m.Question[0].Qtype, class: dns.ClassINET, tcp: true,
				}}
				got, err := f.transfer(m, cuts)
				if err == nil {
					err = watch.checkFakes(got, func() (reply, bool) { return reply{answer: set(z.records)}, true })
				}
				if err != nil {
					c.ledger.fail(t, f, err.Error())
					continue
				}
				c.ledger.transfers.Add(1)
				if m.Question[0].Qtype == dns.TypeAXFR && c.secondaries != nil {
					c.secondaries.keep(trial, i, j, got, len(cuts) > 0 || !f.want.equal(f.got))
				}
				f.judge(t)
			}
		}
	}
}

// cutsOf returns the canonical names at which a transferred zone may have records
// of wildcards, as it needs them. What they have to say is left to the secondary.
func cutsOf(b *block, z *zone) (all []string) {
	if z.signed() {
		return nil
	}
	for _, name := range b.cuts(z) {
		all = append(all, canonical(name), canonical("*."+name))
	}
	return all
}

// transfer puts the records of both transfers into the answers of f, less those at
// the names of cuts, and returns all that fakemx sent.
func (f *finding) transfer(m *dns.Msg, cuts []string) ([]dns.RR, error) {
	want, err := f.comparison.want.transfer(m)
	if err != nil {
		return nil, fmt.Errorf("hand-edited: %w", err)
	}
	got, err := f.comparison.got.transfer(m)
	if err != nil {
		return nil, fmt.Errorf("fakemx: %w", err)
	}
	atCut := func(text string) bool { return slices.Contains(cuts, strings.ToLower(ownerOf(text))) }
	f.want.answer = slices.DeleteFunc(set(want), atCut)
	f.got.answer = slices.DeleteFunc(set(got), atCut)
	return got, nil
}

// transfer returns the records that s sends. The first is the SOA, and the last
// one too if there is more than one.
func (s *server) transfer(m *dns.Msg) ([]dns.RR, error) {
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
	return all, nil
}

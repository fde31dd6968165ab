package primary

import (
	"slices"

	"github.com/fakemx/fakemx/internal/dnsname"
	"github.com/miekg/dns"
)

// Stamp returns m with the numbers of the zones in its SOA records. m, and what
// its sections hold, is not changed: a backend's records are its own.
func (p *Primary) Stamp(m *dns.Msg) *dns.Msg {
	if p == nil || m == nil {
		return m
	}
	out := m
	for _, section := range [2]func(*dns.Msg) *[]dns.RR{answerOf, authorityOf} {
		rrs := *section(m)
		for i, rr := range rrs {
			soa, ok := rr.(*dns.SOA)
			if !ok {
				continue
			}
			number, ok := p.number(soa, m)
			if !ok || number == soa.Serial || signs(rrs, soa) {
				continue
			}
			if out == m {
				copied := *m
				out = &copied
			}
			stamped := slices.Clip(slices.Clone(*section(out)))
			stamped[i] = Stamped(soa, number)
			*section(out) = stamped
		}
	}
	return out
}

func answerOf(m *dns.Msg) *[]dns.RR    { return &m.Answer }
func authorityOf(m *dns.Msg) *[]dns.RR { return &m.Ns }

// Stamped returns a copy of a SOA record with the number.
func Stamped(soa *dns.SOA, number uint32) *dns.SOA {
	out := *soa
	out.Serial = number
	return &out
}

// number returns that of the zone of a SOA record in m, if it has one. What is not
// known, or old, is learned soon; who asks for the record waits for it.
func (p *Primary) number(soa *dns.SOA, m *dns.Msg) (number uint32, ok bool) {
	apex := dnsname.Canonical(soa.Hdr.Name)
	if !p.Answers.Numbered(apex) {
		return 0, false
	}
	s, known := p.file.State(apex)
	if !known || s.Backend != soa.Serial {
		if len(m.Question) == 1 && m.Question[0].Qtype == dns.TypeSOA {
			p.settle(apex)
			s, known = p.file.State(apex)
		} else {
			p.ask(apex)
		}
	}
	return s.Served, known && !s.Signed
}

// signs reports whether the SOA record is signed: it cannot be changed then.
func signs(rrs []dns.RR, soa *dns.SOA) bool {
	return slices.ContainsFunc(rrs, func(rr dns.RR) bool {
		sig, ok := rr.(*dns.RRSIG)
		return ok && sig.TypeCovered == dns.TypeSOA && dnsname.Same(sig.Hdr.Name, soa.Hdr.Name)
	})
}

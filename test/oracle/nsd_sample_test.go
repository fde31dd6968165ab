package oracle

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// sampleSize is how many transferred zones of each server NSD loads.
const sampleSize = 8

// An nsdSample is a plain zone and what was transferred of it.
type nsdSample struct {
	trial       trial
	plain       *zone
	transferred *zone
}

// askNSD lets NSD load a sample of the transferred zones, and compares its answers
// with those of fakemx: a secondary need not be *file*. Where NSD and *file* do not
// even agree about the plain zone, there is nothing to compare.
func (c *comparison) askNSD(t *testing.T, trials []trial) {
	t.Helper()
	samples := c.secondaries.sample(trials)
	if len(samples) == 0 {
		return
	}
	t.Run("NSD answers from transferred zones as fakemx does", func(t *testing.T) {
		plain, transferred := make([]*zone, len(samples)), make([]*zone, len(samples))
		for i, s := range samples {
			plain[i], transferred[i] = s.plain, s.transferred
		}
		before := &server{udp: startNSD(t, plain)}
		after := &server{udp: startNSD(t, transferred)}
		for _, s := range samples {
			rng := rand.New(rand.NewPCG(s.trial.world.seed, 0x45d))
			for _, q := range s.questions(rng) {
				if err := s.compare(c, before, after, q); err != nil {
					c.ledger.fail(t, &finding{trial: s.trial, question: q, comparison: c}, err.Error())
				}
			}
		}
	})
}

// sample returns zones for NSD, those first that are more than the plain zone with
// hosts and sets typed in.
func (s *secondaries) sample(trials []trial) (samples []nsdSample) {
	for _, differs := range []bool{true, false} {
		for _, t := range trials {
			w := s.worlds[t.world.seed]
			if w == nil || s.differs[t.world.seed] != differs {
				continue
			}
			if z, transferred := s.forNSD(t, w); z != nil && len(samples) < sampleSize {
				samples = append(samples, nsdSample{t, z, transferred})
			}
		}
	}
	return samples
}

// forNSD returns a zone of t, and what was transferred of it. It is one a world: in
// NSD a name exists if it does in any zone, also below the zone cut of one.
func (s *secondaries) forNSD(t trial, w *world) (plain, transferred *zone) {
	for i, b := range t.world.blocks {
		for j, z := range b.zones {
			if z.loadsInNSD() && len(w.blocks[i].zones[j].records) > 0 {
				return z, w.blocks[i].zones[j]
			}
		}
	}
	return nil, nil
}

// loadsInNSD reports whether NSD takes z, which refuses names below a DNAME and
// records beside a CNAME, and whether it is a zone that is not too well signed to be
// looked at.
func (z *zone) loadsInNSD() bool {
	return !z.signed() && !slices.ContainsFunc(z.records, func(rr dns.RR) bool {
		owner, alias := rr.Header().Name, rr.Header().Rrtype
		return slices.ContainsFunc(z.records, func(o dns.RR) bool {
			return alias == dns.TypeDNAME && below(owner, o.Header().Name) ||
				alias == dns.TypeCNAME && same(owner, o.Header().Name) && o.Header().Rrtype != dns.TypeCNAME
		})
	})
}

// questions are about the zone's own data, less what a rule is about.
func (s nsdSample) questions(rng *rand.Rand) (all []question) {
	f := &finding{trial: s.trial}
	for _, name := range s.trial.world.namesToAsk(s.trial.edited, rng) {
		if !s.tells(f, name) || f.literalAsterisk(name) != "" || f.isBelowEmptyWildcard(name) {
			continue
		}
		for _, kind := range []uint16{dns.TypeA, dns.TypeMX, dns.TypeTXT, dns.TypeTLSA, dns.TypeCNAME} {
			if rng.IntN(2) == 0 {
				all = append(all, question{name: name, kind: kind, class: dns.ClassINET, edns: 4096})
			}
		}
	}
	return all
}

// tells reports whether the transferred zone says what is at name: it is of the zone,
// and no real label that only *file* has a set for.
func (s nsdSample) tells(f *finding, name string) bool {
	_, ok := f.labelAtNonTerminal(name)
	return !ok && f.zone(name) == s.plain
}

// compare returns an error if NSD with the transferred zone says something else
// than fakemx, about what both find within the zone.
func (s nsdSample) compare(c *comparison, before, after *server, q question) error {
	fakemx, ok := s.meaning(c.got.ask(q))
	if !ok {
		return nil
	}
	nsd, ok := s.meaning(after.askSocket(q))
	if !ok || nsd == fakemx {
		return nil
	}
	was, ok := s.meaning(c.plain.ask(q))
	if nsdWas, ok2 := s.meaning(before.askSocket(q)); ok != ok2 || was != nsdWas {
		return nil
	}
	return fmt.Errorf("NSD over the transferred zone and fakemx:\n%s\n%s", nsd, fakemx)
}

// meaning returns what an answer says, without what servers are free to add, and
// false if it says too little: a truncated one, a failure, a referral, or an alias
// that leads out of what the zone tells.
func (s nsdSample) meaning(wire []byte, err error) (string, bool) {
	m := new(dns.Msg)
	if err != nil || m.Unpack(wire) != nil || m.Truncated || !m.Authoritative || m.Rcode == dns.RcodeServerFailure {
		return "", false
	}
	f := &finding{trial: s.trial}
	for _, rr := range m.Answer {
		if alias, ok := rr.(*dns.CNAME); ok && !s.tells(f, alias.Target) {
			return "", false
		}
	}
	for _, rr := range m.Answer {
		rr.Header().Ttl = 0 // NSD gives the records of a set one TTL, *file* each its own
	}
	denial := slices.ContainsFunc(m.Ns, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeSOA })
	answer := strings.Split(strings.ToLower(strings.Join(set(m.Answer), "\n")), "\n")
	slices.Sort(answer)
	return strings.ToLower(fmt.Sprint(dns.RcodeToString[m.Rcode], " denial ", denial, " ", strings.Join(answer, "\n"))), true
}

package oracle

import (
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// A mutation is one error that somebody could make in a zone with fakes.
type mutation struct {
	say string
	// err makes the error in z, and reports whether z offers a place for it.
	err func(b *block, z *zone) bool
}

var mutations = []mutation{
	{"a preference is off by one", func(b *block, z *zone) bool {
		return z.change(isFakeMX(b, z), func(rr dns.RR) { rr.(*dns.MX).Preference ^= 1 })
	}},
	{"a fake is missing", func(b *block, z *zone) bool { return z.drop(isFakeMX(b, z)) }},
	{"a real record is missing beside the fakes", func(b *block, z *zone) bool {
		return z.drop(func(rr dns.RR) bool {
			mx, ok := rr.(*dns.MX)
			return ok && !isFakeMX(b, z)(rr) && slices.ContainsFunc(z.mx(mx.Hdr.Name), func(mx *dns.MX) bool { return isFakeMX(b, z)(mx) })
		})
	}},
	{"a fake has a TTL of its own", func(b *block, z *zone) bool {
		return z.change(isFakeMX(b, z), func(rr dns.RR) { rr.Header().Ttl ^= 1 })
	}},
	{"a fake stands in the set twice", func(b *block, z *zone) bool { return z.repeat(isFakeMX(b, z)) }},
	{"a null MX got a fake", func(_ *block, z *zone) bool {
		return z.beside(func(rr dns.RR) bool {
			mx, ok := rr.(*dns.MX)
			return ok && mx.Mx == "." && !z.hides(mx.Hdr.Name)
		}, "%s 60 IN MX 5 fake.invalid.")
	}},
	{"a name without MX got a fake", func(_ *block, z *zone) bool {
		return z.beside(func(rr dns.RR) bool {
			owner := rr.Header().Name
			return rr.Header().Rrtype == dns.TypeTXT && !z.has(owner, dns.TypeMX) && !z.hides(owner)
		}, "%s 60 IN MX 5 fake.invalid.")
	}},
	{"a sink has no address", func(b *block, z *zone) bool { return z.drop(isSinkAddress(b, z)) }},
	{"a sink has an address too many", func(b *block, z *zone) bool {
		return z.beside(isSinkAddress(b, z), "%s 3600 IN A 192.0.2.254")
	}},
	{"a sink's address has another TTL", func(b *block, z *zone) bool {
		return z.change(isSinkAddress(b, z), func(rr dns.RR) { rr.Header().Ttl ^= 1 })
	}},
	{"a sink has data of another type", func(b *block, z *zone) bool {
		return z.beside(isSinkAddress(b, z), `%s 3600 IN TXT "sink"`)
	}},
	{"a wildcard stands below a sink", func(b *block, z *zone) bool {
		return z.beside(isSinkAddress(b, z), `*.%s 3600 IN TXT "sink"`)
	}},
	{"a sink has no TLSA record", func(_ *block, z *zone) bool { return z.drop(isSinkTLSA(z)) }},
	{"a sink's TLSA record has a digest that is not zero", func(_ *block, z *zone) bool {
		return z.change(isSinkTLSA(z), func(rr dns.RR) {
			rr.(*dns.TLSA).Certificate = "01" + rr.(*dns.TLSA).Certificate[2:]
		})
	}},
	{"the negative TTL is another", func(_ *block, z *zone) bool {
		return z.change(func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeSOA }, func(rr dns.RR) {
			rr.(*dns.SOA).Minttl++
		})
	}},
}

// TestEveryErrorIsFound shows that the proof can fail: hand-edited zones are
// compared with hand-edited zones that have one error in them.
func TestEveryErrorIsFound(t *testing.T) {
	const worlds = 4
	for _, m := range mutations {
		t.Run(m.say, func(t *testing.T) {
			var trials []trial
			var wrong []*world
			for seed := uint64(1); len(trials) < worlds; seed++ {
				trial, mutant := newTrial(seed), newTrial(seed)
				if m.spoil(mutant) {
					trials, wrong = append(trials, trial), append(wrong, mutant.edited)
				}
			}
			want, got := serve(t, editedWorlds(trials), false), serve(t, wrong, false)
			plain := serve(t, plainWorlds(trials), false)
			for _, trial := range trials {
				c := &comparison{want: want, got: got, plain: plain, ledger: expectFailure()}
				if c.compareAnswers(t, trial); c.ledger.failures() == 0 {
					t.Errorf("no answer shows the error in the world of seed %d", trial.world.seed)
				}
				c = &comparison{want: want, got: got, plain: plain, ledger: expectFailure()}
				if c.compareTransfers(t, trial); c.ledger.failures() == 0 {
					t.Errorf("no transfer shows the error in the world of seed %d", trial.world.seed)
				}
			}
		})
	}
}

// spoil makes the error in the first zone of t that offers a place for it. A zone
// with a child may have the place where the child answers instead.
func (m mutation) spoil(t trial) bool {
	for i, b := range t.world.blocks {
		for _, z := range t.edited.blocks[i].zones {
			if len(t.world.children(z)) == 0 && m.err(b, z) {
				return true
			}
		}
	}
	return false
}

func isFakeMX(b *block, z *zone) func(dns.RR) bool {
	return func(rr dns.RR) bool {
		mx, ok := rr.(*dns.MX)
		if !ok || z.hides(mx.Hdr.Name) {
			return false
		}
		s, configured := b.stanzaFor(mx.Hdr.Name)
		return s != nil && !s.dryRun && slices.ContainsFunc(names(slices.Concat(s.lowest, s.highest), configured), func(name string) bool {
			return same(name, mx.Mx)
		})
	}
}

func isSinkAddress(b *block, z *zone) func(dns.RR) bool {
	sinks := b.freeSinks()
	return func(rr dns.RR) bool {
		owner, t := rr.Header().Name, rr.Header().Rrtype
		return (t == dns.TypeA || t == dns.TypeAAAA) && !z.hides(owner) &&
			slices.ContainsFunc(sinks, func(s sink) bool { return same(s.name, owner) })
	}
}

func isSinkTLSA(z *zone) func(dns.RR) bool {
	return func(rr dns.RR) bool {
		tlsa, ok := rr.(*dns.TLSA)
		return ok && strings.Trim(tlsa.Certificate, "0") == "" && !z.hides(tlsa.Hdr.Name)
	}
}

func (z *zone) change(which func(dns.RR) bool, how func(dns.RR)) bool {
	i := slices.IndexFunc(z.records, which)
	if i >= 0 {
		how(z.records[i])
	}
	return i >= 0
}

func (z *zone) drop(which func(dns.RR) bool) bool {
	i := slices.IndexFunc(z.records, which)
	if i >= 0 {
		z.records = slices.Delete(z.records, i, i+1)
	}
	return i >= 0
}

func (z *zone) repeat(which func(dns.RR) bool) bool {
	i := slices.IndexFunc(z.records, which)
	if i >= 0 {
		z.records = append(z.records, dns.Copy(z.records[i]))
	}
	return i >= 0
}

// beside adds a record at the owner of another one.
func (z *zone) beside(which func(dns.RR) bool, text string) bool {
	i := slices.IndexFunc(z.records, which)
	if i >= 0 {
		z.addText(text, z.records[i].Header().Name)
	}
	return i >= 0
}

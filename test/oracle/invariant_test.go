package oracle

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// A watch looks at what fakemx hands out about one world, whatever the
// hand-edited zone says: each fake has its addresses, and no host of the zone
// lost its own.
type watch struct {
	trial      trial
	comparison *comparison
	// sinks are those of all stanzas, free or not, by canonical name.
	sinks map[string]sink
	// hosts have, by canonical name, the addresses of the plain zones' own that a
	// client can see.
	hosts map[string][]string
	// known are the names that were found sound, of an owner and an exchange.
	known map[[2]string]bool
}

func newWatch(t trial, c *comparison) *watch {
	w := &watch{t, c, map[string]sink{}, map[string][]string{}, map[[2]string]bool{}}
	for _, b := range t.world.blocks {
		for _, s := range b.sinks() {
			w.sinks[canonical(s.name)] = s
		}
		for _, z := range b.zones {
			for _, rr := range z.records {
				name := canonical(rr.Header().Name)
				if w.hosts[name] != nil || len(addressOf(rr)) == 0 {
					continue
				}
				// Beside a CNAME record, where no other may stand, file never answers with
				// an address.
				if (&finding{trial: t}).zone(name) == z && !z.hides(name) && !z.has(name, dns.TypeCNAME) {
					w.hosts[name] = z.addressesAt(name)
				}
			}
		}
	}
	return w
}

// check returns what is wrong in an answer of fakemx to q.
func (w *watch) check(q question, wire []byte) error {
	address := q.kind == dns.TypeA || q.kind == dns.TypeAAAA
	own, isHost := w.hosts[canonical(q.name)]
	looked := q.kind == dns.TypeMX || address && isHost
	if wire == nil || q.class != dns.ClassINET || q.opcode != dns.OpcodeQuery || !looked {
		return nil
	}
	m := new(dns.Msg)
	if err := m.Unpack(wire); err != nil {
		// A DNAME that leads below itself has file make names that are too long. The
		// comparison fails where the hand-edited zone's answer is not the same octets.
		return nil
	}
	if address && !m.Truncated {
		return w.checkHost(q, own, m)
	}
	return w.checkFakes(m.Answer, func() (reply, bool) { return answerOf(w.comparison.plain, q.overTCP()) })
}

// checkHost returns an error if m denies a host of the zone an address of its own.
// A sink that is exactly as configured has them too.
func (w *watch) checkHost(q question, own []string, m *dns.Msg) error {
	got := addressesIn(m.Answer, q.name)
	want := slices.DeleteFunc(slices.Clone(own), func(address string) bool { return strings.Contains(address, ":") != (q.kind == dns.TypeAAAA) })
	if !slices.Equal(got, want) {
		return fmt.Errorf("host %s has the addresses %q now, and its own are %q", q.name, got, want)
	}
	return nil
}

// checkFakes returns an error if one of records is a fake whose sink does not have
// its addresses at this moment. plain returns what the plain zone has instead.
func (w *watch) checkFakes(records []dns.RR, plain func() (reply, bool)) error {
	for _, rr := range records {
		mx, ok := rr.(*dns.MX)
		if !ok {
			continue
		}
		s, isSink := w.sinks[canonical(mx.Mx)]
		key := [2]string{canonical(mx.Hdr.Name), canonical(mx.Mx)}
		if !isSink || w.known[key] {
			continue
		}
		if err := w.checkSink(s); err != nil && !w.isUntouched(mx) {
			without, ok := plain()
			if !ok || !exchanges(without.answer, mx.Mx) {
				return fmt.Errorf("fake %s of %s: %w", mx.Mx, mx.Hdr.Name, err)
			}
		}
		w.known[key] = true
	}
	return nil
}

// isUntouched reports whether mx is a real record of the set that was published at
// its owner.
func (w *watch) isUntouched(mx *dns.MX) bool {
	f := &finding{trial: w.trial}
	owner, _ := parent(mx.Hdr.Name)
	label, ok := f.labelAtNonTerminal(mx.Hdr.Name)
	published := f.isPublished(mx.Hdr.Name) || ok && same(label, mx.Hdr.Name)
	return published && exchanges(f.zone(owner).setAt(owner), mx.Mx)
}

// setAt returns the MX set that *file* has at owner.
func (z *zone) setAt(owner string) (all []string) {
	for _, mx := range z.mx(z.answersFrom(owner)) {
		all = append(all, mx.String())
	}
	return all
}

// checkSink asks for s as a sender does, and returns an error if it hasn't exactly
// the addresses of the configuration.
func (w *watch) checkSink(s sink) error {
	var got []string
	for _, kind := range []uint16{dns.TypeA, dns.TypeAAAA} {
		wire, err := w.comparison.got.ask(question{name: s.name, kind: kind, class: dns.ClassINET})
		if err != nil {
			return err
		}
		m := new(dns.Msg)
		if err := m.Unpack(wire); err != nil {
			return fmt.Errorf("answer can't be read: %w", err)
		}
		if m.Rcode != dns.RcodeSuccess || !m.Authoritative {
			return fmt.Errorf("%s for %s, authoritative %v", dns.RcodeToString[m.Rcode], dns.TypeToString[kind], m.Authoritative)
		}
		got = append(got, addressesIn(m.Answer, s.name)...)
	}
	slices.Sort(got)
	if want := s.addressSet(); !slices.Equal(got, want) {
		return fmt.Errorf("it has the addresses %q, want %q", got, want)
	}
	return nil
}

func addressesIn(section []dns.RR, name string) (all []string) {
	for _, rr := range section {
		if same(rr.Header().Name, name) {
			all = append(all, addressOf(rr)...)
		}
	}
	slices.Sort(all)
	return all
}

// overTCP returns q as it is asked for the whole answer.
func (q question) overTCP() question {
	q.tcp = true
	return q
}

// TestHandEditedZonesKeepWhatIsPromised holds the hand-edited zones against what
// must hold of fakemx: an oracle that breaks the promises itself proves nothing.
func TestHandEditedZonesKeepWhatIsPromised(t *testing.T) {
	const worlds = 20
	all := make([]trial, worlds)
	for i := range all {
		all[i] = newTrial(uint64(1 + i))
	}
	edited := serve(t, editedWorlds(all), false)
	c := &comparison{want: edited, got: edited, plain: serve(t, plainWorlds(all), false), ledger: newLedger(), secondaries: newSecondaries()}
	c.run(t, all)
	c.askSecondaries(t, all)
	c.ledger.report(t)
}

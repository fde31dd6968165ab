package answer

import (
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/miekg/dns"
)

// Numbered reports whether the zone apex of a backend has a serial number of its
// own, by serial.
func (e *Editor) Numbered(apex string) bool {
	at, ok := e.zones.Find(apex)
	return ok && at.Serial != ""
}

// NumberedZones returns the zones of the Corefile that have one, those that a
// backend has not included.
func (e *Editor) NumberedZones() (apexes []string) {
	for z := range e.zones.Configured() {
		if z.Serial != "" {
			apexes = append(apexes, z.Apex)
		}
	}
	slices.Sort(apexes)
	return apexes
}

// Version returns the SOA record with which the plugins behind have the zone
// apex, nil if they do not, and whether it is signed.
func (e *Editor) Version(apex string) (soa *dns.SOA, signed bool) {
	q := e.own(patience)
	q.r.SetEdns0(ednsSize, true)
	m := q.askFor(apex, dns.TypeSOA)
	if m != nil && refusesEDNS(m) {
		q = e.own(patience)
		m = q.askFor(apex, dns.TypeSOA)
	}
	if m == nil || !owns(m.Answer, apex, dns.TypeSOA) {
		return nil, false
	}
	i := slices.IndexFunc(m.Answer, isType(dns.TypeSOA))
	return m.Answer[i].(*dns.SOA), hasDNSSEC(m)
}

// Shape returns a digest of all that shapes the zone besides its backend: the
// configuration, which fakes join, and which sinks are served. injects says that
// this is anything. It fails where it is not known.
func (w *Whole) Shape() (digest [16]byte, injects bool, err error) {
	h := sha256.New()
	for m := range w.q.e.zones.Shaping(w.apex) {
		j, err := w.joining(w.q.e.memory.of(m))
		if err != nil {
			return digest, false, err
		}
		_, _ = fmt.Fprintf(h, "%q %q %q %q\n", m.Apex, m.Text, j.zone.Fakes.Lowest, j.zone.Fakes.Highest)
		injects = injects || !m.DryRun && (m.Real != "" || len(j.zone.Hosts) > 0)
	}
	sinks, err := w.Sinks()
	if err != nil {
		return digest, false, err
	}
	for _, s := range sinks {
		_, _ = fmt.Fprintf(h, "%q\n", s.Name)
	}
	copy(digest[:], h.Sum(nil))
	return digest, injects || len(sinks) > 0, nil
}

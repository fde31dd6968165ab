package oracle

import (
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// plain returns what *file* answers over the zones that nobody edited.
func (f *finding) plain(q question) (reply, bool) {
	return answerOf(f.comparison.plain, q)
}

// answerOf returns what s answers, if that can be read.
func answerOf(s *server, q question) (reply, bool) {
	wire, err := s.ask(q)
	if err != nil {
		return reply{}, false
	}
	r, err := readReply(wire)
	return r, err == nil
}

// home returns the block and the plain zone that name belongs to, or no zone.
func (f *finding) home(name string) (int, *zone) {
	home := f.zone(name)
	i := slices.IndexFunc(f.world.blocks, func(b *block) bool { return slices.Contains(b.zones, home) })
	return i, home
}

// zone returns the plain zone that name belongs to, or nil.
func (f *finding) zone(name string) *zone {
	var all []*zone
	for _, b := range f.world.blocks {
		all = append(all, b.zones...)
	}
	return mostSpecific(all, name)
}

// editedZone returns what the plain zone z of the i-th block became.
func (f *finding) editedZone(i int, z *zone) *zone {
	return f.edited.blocks[i].zones[slices.Index(f.world.blocks[i].zones, z)]
}

// soa returns the SOA record of the zone that name belongs to.
func (f *finding) soa(name string) string {
	soa := dns.Copy(f.zone(name).records[0]).(*dns.SOA)
	soa.Hdr.Name, soa.Ns, soa.Mbox = canonical(soa.Hdr.Name), canonical(soa.Ns), canonical(soa.Mbox)
	return soa.String()
}

// isSink reports whether name is one of the hosts that had to be typed in.
func (f *finding) isSink(name string) bool {
	return slices.ContainsFunc(f.world.blocks, func(b *block) bool {
		return slices.ContainsFunc(b.freeSinks(), func(s sink) bool { return same(s.name, name) || same(s.tlsaName(), name) })
	})
}

// hasRealLabel reports whether name is one at which a set may be published.
func (f *finding) hasRealLabel(name string) bool {
	i, home := f.home(name)
	if home == nil {
		return false
	}
	s, _ := f.world.blocks[i].stanzaFor(name)
	return s != nil && s.isRealLabel(firstLabel(name))
}

// isPublished reports whether name is that of a set published as it was.
func (f *finding) isPublished(name string) bool {
	i, home := f.home(name)
	if home == nil || home.has(name, dns.TypeMX) {
		return false
	}
	return f.hasRealLabel(name) && f.editedZone(i, home).has(name, dns.TypeMX)
}

// setIn returns the MX set that section holds.
func setIn(section []string) (all []dns.RR) {
	for _, text := range section {
		rr, err := dns.NewRR(text)
		if mx, ok := rr.(*dns.MX); err == nil && ok {
			all = append(all, mx)
		}
	}
	return all
}

func ownerOf(text string) string {
	owner, _, _ := strings.Cut(text, "\t")
	return owner
}

// exchanges reports whether section holds an MX record that points to name.
func exchanges(section []string, name string) bool {
	return slices.ContainsFunc(section, func(text string) bool {
		rr, err := dns.NewRR(text)
		mx, ok := rr.(*dns.MX)
		return err == nil && ok && same(mx.Mx, name)
	})
}

func holdsMX(section []string) bool {
	for _, rr := range section {
		if strings.Contains(rr, "\tMX\t") {
			return true
		}
	}
	return false
}

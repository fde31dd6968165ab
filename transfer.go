package fakemx

import (
	"context"
	"errors"
	"slices"

	"github.com/coredns/coredns/plugin/transfer"
	"github.com/fakemx/fakemx/internal/dnsname"
	"github.com/fakemx/fakemx/internal/inject"
	"github.com/miekg/dns"
)

// batchSize is the number of records in a batch of an outgoing transfer.
const batchSize = 500

// Transfer implements transfer.Transferer: the zone of the first plugin below
// that has it, as it would be with the fakes typed in. Where that is only a SOA
// record, because the secondary is up to date, it stays so.
//
// The zone is collected before it is sent: whether it has signatures is not
// known before its end. No goroutine is needed then, so none can be left behind
// by a client that hangs up.
func (f *FakeMX) Transfer(name string, serial uint32) (<-chan []dns.RR, error) {
	records, err := f.transferIn(name, serial)
	if err != nil {
		return nil, err
	}
	if len(records) > 2 && isIncremental(records) {
		// Differences cannot be edited: a set may change in them by one record.
		// The whole zone is a valid answer (RFC 1995 section 4).
		if records, err = f.transferIn(name, 0); err != nil {
			return nil, err
		}
	}
	if len(records) > 1 {
		records = f.edit(dnsname.Canonical(name), records)
	}
	batches := make(chan []dns.RR, len(records)/batchSize+1)
	for batch := range slices.Chunk(records, batchSize) {
		batches <- batch
	}
	close(batches)
	return batches, nil
}

// transferIn collects the zone from the first plugin below that has it.
func (f *FakeMX) transferIn(name string, serial uint32) ([]dns.RR, error) {
	for _, t := range f.transferers {
		batches, err := t.Transfer(name, serial)
		if errors.Is(err, transfer.ErrNotAuthoritative) {
			continue
		}
		if err != nil {
			return nil, err
		}
		var records []dns.RR
		for batch := range batches {
			records = append(records, batch...)
		}
		return records, nil
	}
	return nil, transfer.ErrNotAuthoritative
}

// isIncremental reports whether a transfer holds differences: then its second
// record is a SOA record too (RFC 1995 section 4).
func isIncremental(records []dns.RR) bool {
	return records[1].Header().Rrtype == dns.TypeSOA
}

// edit returns the records of a zone, SOA first and last, as if the fakes and
// their sinks had been typed in. A zone with signatures stays as it is.
func (f *FakeMX) edit(apex string, records []dns.RR) []dns.RR {
	if slices.ContainsFunc(records, isType(dns.TypeRRSIG)) {
		if _, ok := f.zones.find(apex); ok {
			f.notices.signed(apex)
		}
		return records
	}
	z := newTransferred(f, apex, records)
	z.addSets()
	z.addSinks()
	last := len(records) - 1
	return slices.Concat(z.keep(records[:last]), z.added, records[last:])
}

// transferred is a zone on its way out.
type transferred struct {
	f    *FakeMX
	apex string
	// cuts are the names below which the zone has no data of its own: owners of a
	// DNAME, and of an NS set that is not the apex.
	cuts map[string]uint16
	// ns is the NS set of the apex.
	ns []dns.RR
	// sets are the MX sets by canonical owner, in the order of owners.
	sets   map[string][]dns.RR
	owners []string
	// aliases are the owners of CNAME records.
	aliases map[string]bool

	// replaced are the sets that added takes the place of, by canonical owner;
	// with TypeANY all of its sets.
	replaced map[string]uint16
	added    []dns.RR
}

func newTransferred(f *FakeMX, apex string, records []dns.RR) *transferred {
	z := &transferred{
		f:        f,
		apex:     apex,
		cuts:     make(map[string]uint16),
		sets:     make(map[string][]dns.RR),
		aliases:  make(map[string]bool),
		replaced: make(map[string]uint16),
	}
	for _, rr := range records {
		rrtype := rr.Header().Rrtype
		switch rrtype {
		case dns.TypeMX, dns.TypeNS, dns.TypeDNAME, dns.TypeCNAME:
		default:
			continue
		}
		owner := dnsname.Canonical(rr.Header().Name)
		switch {
		case isMX(rr):
			if z.sets[owner] == nil {
				z.owners = append(z.owners, owner)
			}
			z.sets[owner] = append(z.sets[owner], rr)
		case rrtype == dns.TypeCNAME:
			z.aliases[owner] = true
		case rrtype == dns.TypeNS && owner == apex:
			z.ns = append(z.ns, rr)
		case z.cuts[owner] != dns.TypeNS:
			z.cuts[owner] = rrtype
		}
	}
	return z
}

// occluded reports whether the zone would not answer with data at name: it is
// at or below a zone cut, or below a DNAME.
func (z *transferred) occluded(name string) bool {
	if z.cuts[name] == dns.TypeNS {
		return true
	}
	for name != z.apex && name != "." {
		name = dnsname.Parent(name)
		if _, ok := z.cuts[name]; ok {
			return true
		}
	}
	return false
}

func (z *transferred) add(rrs []dns.RR, replaces uint16) {
	z.added = append(z.added, rrs...)
	z.replaced[dnsname.Canonical(rrs[0].Header().Name)] = replaces
}

// addSets puts the fakes into the MX sets, and the untouched sets under their
// labels.
func (z *transferred) addSets() {
	for _, owner := range z.owners {
		at, ok := z.f.zones.find(owner)
		if !ok || z.occluded(owner) || z.f.zones.isSink(owner) {
			continue
		}
		set := z.sets[owner]
		in, _ := z.f.servable(at.zone(), z.ns)
		if z.f.decide(in, owner, set, unsigned) != injected {
			continue
		}
		z.add(inject.Into(set, in.fakes), dns.TypeMX)
		// A name with * within it is not what a wildcard makes of its owner.
		if at.Real != "" && dnsname.FirstLabel(owner) != "*" {
			z.addReal(at.Real, set)
		}
	}
}

// unsigned says that no set is signed: a zone with signatures is not edited.
func unsigned(string) bool { return false }

func (z *transferred) addReal(label string, set []dns.RR) {
	owner := label + "." + set[0].Header().Name
	if !dnsname.Fits(owner) || z.aliases[dnsname.Canonical(owner)] {
		return
	}
	untouched := make([]dns.RR, len(set))
	for i, rr := range set {
		mx := *rr.(*dns.MX)
		mx.Hdr.Name = owner
		untouched[i] = &mx
	}
	z.add(untouched, dns.TypeMX)
}

// addSinks adds what is served for the sinks that are names of this zone.
func (z *transferred) addSinks() {
	for m := range z.f.zones.around(z.apex) {
		for _, f := range m.Fakes() {
			name := f.Name
			if !f.Absolute() {
				name = dnsname.Join(name, m.apex)
			}
			if f.Served() && dnsname.Inside(name, z.apex) && z.replaced[name] != dns.TypeANY && !z.occluded(name) {
				z.addSink(name)
			}
		}
	}
}

func (z *transferred) addSink(name string) {
	var at, tlsa spot
	if !z.f.zones.node(name, &at) || at.DryRun || at.kind != atSink || z.elsewhere(name) {
		return
	}
	h := at.zone().hosts[at.fake]
	z.add(slices.Concat(h.a, h.aaaa), dns.TypeANY)
	if z.f.zones.node(tlsaPrefix+name, &tlsa) && tlsa.kind == atTLSA && !z.occluded(tlsa.name) {
		z.add(h.tlsa(at.TTL), dns.TypeANY)
	}
}

// elsewhere reports whether name is of a zone below this one that the server has
// too, though nothing here delegates it.
func (z *transferred) elsewhere(name string) bool {
	for name = dnsname.Parent(name); dnsname.Below(name, z.apex); name = dnsname.Parent(name) {
		if z.f.hasZone(name) {
			return true
		}
	}
	return false
}

// hasZone reports whether the plugins below have a zone with the apex.
func (f *FakeMX) hasZone(apex string) bool {
	q := query{f: f, ctx: context.Background(), w: nobody{}, r: new(dns.Msg)}
	return q.hasZone(apex)
}

// keep returns the records that nothing takes the place of. A DNAME at a sink is
// about the names below it, and stays.
func (z *transferred) keep(records []dns.RR) []dns.RR {
	if len(z.replaced) == 0 {
		return records
	}
	kept := make([]dns.RR, 0, len(records))
	for _, rr := range records {
		replaced, ok := z.replaced[dnsname.Canonical(rr.Header().Name)]
		switch t := rr.Header().Rrtype; {
		case !ok, replaced == dns.TypeANY && t == dns.TypeDNAME, replaced != dns.TypeANY && replaced != t:
			kept = append(kept, rr)
		}
	}
	return kept
}

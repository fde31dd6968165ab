package transfer

import (
	"slices"

	"github.com/fakemx/fakemx/internal/answer"
	"github.com/fakemx/fakemx/internal/dnsname"
	"github.com/fakemx/fakemx/internal/zones"
	"github.com/miekg/dns"
)

// survey is what has to be known of a zone before it can be edited.
type survey struct {
	apex  string
	whole *answer.Whole
	sinks []answer.Sink
	// signed says that the zone has signatures.
	signed bool
	// cuts are the names below which the zone has no data of its own: owners of a
	// DNAME, and of an NS set that is not the apex.
	cuts map[string]uint16
	// owners are those of MX sets, canonical, and whether a set comes in pieces with
	// other records between them.
	owners map[string]bool
	last   string
	// bounds are names from which on down other rules hold than above.
	bounds bounds
	// own are the names at which the zone has what an untouched set, or the TLSA set
	// of a sink, would be.
	own map[string]bool
}

func newSurvey(apex string, whole *answer.Whole) (*survey, error) {
	s := &survey{
		apex: apex, whole: whole,
		cuts: make(map[string]uint16), owners: make(map[string]bool), own: make(map[string]bool),
	}
	s.bounds = newBounds(apex, whole.Bounds())
	var err error
	s.sinks, err = whole.Sinks()
	return s, err
}

// look takes note of a batch.
func (s *survey) look(rrs []dns.RR) {
	for _, rr := range rrs {
		s.bounds.look(rr)
		if mx, ok := rr.(*dns.MX); ok {
			s.lookMX(dnsname.Canonical(mx.Hdr.Name))
			continue
		}
		s.last = ""
		switch rr := rr.(type) {
		case *dns.RRSIG:
			s.signed = true
		case *dns.NS:
			if owner := dnsname.Canonical(rr.Hdr.Name); owner != s.apex {
				s.cuts[owner] = dns.TypeNS
			}
		case *dns.DNAME:
			if owner := dnsname.Canonical(rr.Hdr.Name); s.cuts[owner] == 0 {
				s.cuts[owner] = dns.TypeDNAME
			}
		case *dns.CNAME:
			owner := dnsname.Canonical(rr.Hdr.Name)
			if s.whole.HasLabel(dnsname.FirstLabel(owner)) || s.isTLSA(owner) {
				s.own[owner] = true
			}
		case *dns.TLSA:
			if owner := dnsname.Canonical(rr.Hdr.Name); s.isTLSA(owner) {
				s.own[owner] = true
			}
		}
	}
}

func (s *survey) lookMX(owner string) {
	if owner == s.last {
		return
	}
	_, before := s.owners[owner]
	s.owners[owner] = before
	s.last = owner
	if s.whole.HasLabel(dnsname.FirstLabel(owner)) {
		s.own[owner] = true
	}
}

// isTLSA reports whether the TLSA set of a sink would stand at name.
func (s *survey) isTLSA(name string) bool {
	return slices.ContainsFunc(s.sinks, func(sink answer.Sink) bool { return zones.TLSAPrefix+sink.Name == name })
}

// inPieces reports whether any MX set comes in pieces.
func (s *survey) inPieces() bool {
	for _, pieces := range s.owners {
		if pieces {
			return true
		}
	}
	return false
}

// cutOff reports whether the zone would not answer with data at name: it is at or
// below a zone cut, or below a DNAME.
func (s *survey) cutOff(name string) bool {
	if s.cuts[name] == dns.TypeNS {
		return true
	}
	for name != s.apex && name != "." {
		name = dnsname.Parent(name)
		if s.cuts[name] != 0 {
			return true
		}
	}
	return false
}

// plan returns what there is to do, which keeps little of the survey. It fails
// where it is not known which fakes may join.
func (s *survey) plan() (*plan, error) {
	p := &plan{whole: s.whole, own: s.own, hidden: make(map[string]bool), bare: make(map[string]bool), pieces: make(map[string][]dns.RR), sinks: make(map[string]bool)}
	for owner, pieces := range s.owners {
		if len(s.cuts) > 0 && s.cutOff(owner) {
			p.hidden[owner] = true
			continue
		}
		if pieces {
			p.pieces[owner] = nil
		}
		if label := s.whole.Label(owner); label != "" && len(s.cuts) > 0 && s.cutOff(label+"."+owner) {
			p.bare[owner] = true
		}
		if err := s.whole.Settle(owner); err != nil {
			return nil, err
		}
	}
	var err error
	if p.added, err = s.bounds.records(s.whole, s.sinks, s.cutOff); err != nil {
		return nil, err
	}
	for _, sink := range s.sinks {
		p.sinks[sink.Name] = true
		p.added = append(p.added, sink.Addresses...)
		if tlsa := zones.TLSAPrefix + sink.Name; !s.own[tlsa] && !s.cutOff(tlsa) {
			p.added = append(p.added, sink.TLSA...)
		}
	}
	return p, nil
}

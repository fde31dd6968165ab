// Package transfer hands out whole zones as the answers have them: with the fakes
// in their MX sets, the sinks, and the untouched sets.
//
// A zone is transferred from the plugin behind twice: once to see what there is
// to edit (survey.go), which is little, and once to edit it on its way to the
// client (edit.go). So a client that is slow, or silent, costs no copy of it.
package transfer

import (
	"errors"
	"fmt"

	"github.com/coredns/coredns/plugin/transfer"
	"github.com/fakemx/fakemx/internal/answer"
	"github.com/fakemx/fakemx/internal/dnsname"
	"github.com/fakemx/fakemx/internal/primary"
	"github.com/miekg/dns"
)

// Editor implements transfer.Transferer over the plugins behind.
type Editor struct {
	// Behind are the plugins behind that can transfer a zone, in their order.
	Behind []transfer.Transferer
	// Answers has the verdicts by which zones are edited.
	Answers *answer.Editor
	// Primary has the serial numbers of zones, nil without any.
	Primary *primary.Primary
}

// errChanged says that the plugin behind loaded another version of the zone
// between its two transfers.
var errChanged = errors.New("the zone changed while it was transferred: expected another try")

// tries is how often a zone that changes meanwhile is begun anew.
const tries = 3

// Transfer returns the zone name of the first plugin behind that has it, as it
// would be with the fakes typed in. Where that is only a SOA record, because the
// secondary is up to date, it stays so. Who reads from the channel reads it to its
// end.
func (e *Editor) Transfer(name string, serial uint32) (<-chan []dns.RR, error) {
	apex := dnsname.Canonical(name)
	if e.Primary != nil && e.Answers.Numbered(apex) {
		return e.numbered(name, apex, serial)
	}
	return e.transfer(name, apex, serial)
}

func (e *Editor) transfer(name, apex string, serial uint32) (<-chan []dns.RR, error) {
	in, err := e.open(name, serial)
	if err != nil || !e.Answers.Concerns(apex) {
		return in.whole(), err
	}
	for range tries {
		if serial != 0 && in.isCurrent() {
			return in.whole(), nil
		}
		if in.isIncremental() {
			// Differences cannot be edited: a set may change in them by one record.
			// The whole zone is a valid answer (RFC 1995 section 4).
			in.drain()
			if in, err = e.open(name, 0); err != nil {
				return nil, err
			}
		}
		soa, ok := in.soa()
		if !ok {
			return in.whole(), nil // no zone begins like this, and the secondary will say so
		}
		out, err := e.edited(name, apex, soa, e.Answers.Whole(apex, soa), in)
		if !errors.Is(err, errChanged) {
			return out, err
		}
		if in, err = e.open(name, 0); err != nil {
			return nil, err
		}
	}
	in.drain()
	return nil, fmt.Errorf("zone %q: %w", apex, errChanged)
}

// edited surveys the zone that comes from in, and transfers it once more.
func (e *Editor) edited(name, apex string, soa *dns.SOA, whole *answer.Whole, in *stream) (<-chan []dns.RR, error) {
	s, err := newSurvey(apex, whole)
	if err != nil {
		in.drain()
		return nil, err
	}
	for rrs := range in.batches() {
		s.look(rrs)
	}
	if s.signed {
		whole.Signed()
		again, err := e.reopen(name, soa)
		return again.whole(), err
	}
	p, err := s.plan()
	if err != nil {
		return nil, err
	}
	if s.inPieces() {
		pieces, err := e.reopen(name, soa)
		if err != nil {
			return nil, err
		}
		p.gather(pieces)
	}
	again, err := e.reopen(name, soa)
	if err != nil {
		return nil, err
	}
	return p.edit(again), nil
}

// reopen begins the transfer of the zone once more, in the version of soa.
func (e *Editor) reopen(name string, soa *dns.SOA) (*stream, error) {
	in, err := e.open(name, 0)
	if err != nil {
		return nil, err
	}
	if now, ok := in.soa(); !ok || now.Serial != soa.Serial {
		in.drain()
		return nil, errChanged
	}
	return in, nil
}

// open begins the transfer of a zone by the first plugin behind that has it.
func (e *Editor) open(name string, serial uint32) (*stream, error) {
	for _, t := range e.Behind {
		batches, err := t.Transfer(name, serial)
		if errors.Is(err, transfer.ErrNotAuthoritative) {
			continue
		}
		if err != nil {
			return nil, err
		}
		return newStream(batches), nil
	}
	return nil, transfer.ErrNotAuthoritative
}

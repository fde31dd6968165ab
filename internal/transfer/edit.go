package transfer

import (
	"github.com/fakemx/fakemx/internal/answer"
	"github.com/fakemx/fakemx/internal/dnsname"
	"github.com/miekg/dns"
)

// plan is what there is to do to a zone on its way to the client.
type plan struct {
	whole *answer.Whole
	// hidden are the owners of MX sets that a cut hides.
	hidden map[string]bool
	// bare are the owners whose untouched set a cut would hide.
	bare map[string]bool
	// pieces are the sets that come in pieces, whole.
	pieces map[string][]dns.RR
	// own are the names at which an untouched set gives way to the zone's data.
	own map[string]bool
	// sinks are the names whose addresses are those of added.
	sinks map[string]bool
	// added goes before the last SOA record.
	added []dns.RR
}

// gather collects the sets that come in pieces.
func (p *plan) gather(in *stream) {
	for rrs := range in.batches() {
		for _, rr := range rrs {
			if mx, ok := rr.(*dns.MX); ok {
				owner := dnsname.Canonical(mx.Hdr.Name)
				if set, ok := p.pieces[owner]; ok {
					p.pieces[owner] = append(set, mx)
				}
			}
		}
	}
}

// edit returns the zone that comes from in as it is to be.
func (p *plan) edit(in *stream) <-chan []dns.RR {
	out := make(chan []dns.RR)
	go func() {
		defer close(out)
		w := &writer{plan: p}
		for rrs := range in.batches() {
			for _, rr := range rrs {
				w.take(rr)
			}
			if batch := w.batch(); len(batch) > 0 {
				out <- batch
			}
		}
		w.flush()
		if batch := w.batch(); len(batch) > 0 {
			out <- batch
		}
	}()
	return out
}

// writer edits a zone record by record.
type writer struct {
	*plan
	out []dns.RR
	// set are the MX records of owner that came last, one piece of its set.
	set   []dns.RR
	owner string
	begun bool
}

func (w *writer) batch() []dns.RR {
	batch := w.out
	w.out = nil
	return batch
}

func (w *writer) take(rr dns.RR) {
	if mx, ok := rr.(*dns.MX); ok {
		if owner := dnsname.Canonical(mx.Hdr.Name); owner != w.owner {
			w.flush()
			w.owner = owner
		}
		w.set = append(w.set, rr)
		return
	}
	w.flush()
	switch rr.Header().Rrtype {
	case dns.TypeSOA:
		if w.begun {
			w.out = append(w.out, w.added...)
		}
		w.begun = true
	case dns.TypeA, dns.TypeAAAA:
		if len(w.sinks) > 0 && w.sinks[dnsname.Canonical(rr.Header().Name)] {
			return
		}
	}
	w.out = append(w.out, rr)
}

// flush writes the MX set that was taken last.
func (w *writer) flush() {
	set, owner := w.set, w.owner
	w.set, w.owner = nil, ""
	if len(set) == 0 {
		return
	}
	if w.hidden[owner] {
		w.out = append(w.out, set...)
		return
	}
	if whole, ok := w.pieces[owner]; ok {
		if len(whole) == 0 {
			return // written with the first piece
		}
		set, w.pieces[owner] = whole, nil
	}
	if edited := w.whole.Set(owner, set); edited != nil {
		w.out = append(w.out, edited...)
	} else {
		w.out = append(w.out, set...)
	}
	label := w.whole.Real(owner, set)
	if name := label + "." + owner; label != "" && dnsname.Fits(name) && !w.own[name] && !w.bare[owner] {
		w.out = append(w.out, answer.Untouched(label, set)...)
	}
}

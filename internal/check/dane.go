package check

import (
	"context"
	"fmt"
	"sync"

	"github.com/fakemx/fakemx/internal/dnsname"
	"github.com/miekg/dns"
)

// tlsa is what DNS says about the certificates of a host.
type tlsa struct {
	records []*dns.TLSA
	signed  bool
	failed  error
}

func (e *examination) tlsaOf(ctx context.Context, host string) tlsa {
	name := "_25._tcp." + host
	if !dnsname.Fits(name) {
		return tlsa{}
	}
	m, err := e.dns.resolve(ctx, name, dns.TypeTLSA)
	if err != nil {
		return tlsa{failed: err}
	}
	return tlsa{records: recordsOf[*dns.TLSA](m, name), signed: len(recordsOf[*dns.RRSIG](m, name)) > 0}
}

// lookUpTLSA finds the TLSA records of all hosts.
func (e *examination) lookUpTLSA(ctx context.Context) {
	var group sync.WaitGroup
	for _, r := range e.reals {
		group.Go(func() { r.tlsa = e.tlsaOf(ctx, r.name) })
	}
	for _, s := range e.sinks {
		if e.signed {
			group.Go(func() { s.tlsa = e.tlsaOf(ctx, s.name) })
		}
	}
	group.Wait()
}

// judgeDANE looks for TLSA records that are half done (RFC 7672).
func (e *examination) judgeDANE() {
	var with, without []string
	for _, r := range e.reals {
		switch {
		case r.tlsa.failed != nil:
			e.unseen(display(r.name), "its TLSA records: %v", r.tlsa.failed)
		case len(r.tlsa.records) == 0:
			without = append(without, display(r.name))
		default:
			with = append(with, display(r.name))
			if !r.tlsa.signed {
				e.add(Finding{Warning, CodeDANEUnsigned, display(r.name), "has TLSA records in a zone without signatures: no sender heeds them (RFC 7672 section 2.2.1)", "", "sign the zone"})
				continue
			}
			e.matchTLSA(r)
		}
	}
	if len(with) == 0 {
		return
	}
	if len(without) > 0 {
		e.add(Finding{Warning, CodeDANEHalf, shortList(without), "has no TLSA record while another real host has: DANE ends where mail goes to this one", "TLSA at " + shortList(with), "TLSA records for every real host"})
	}
	e.judgeSinkTLSA()
}

// judgeSinkTLSA finds sinks that others serve without a TLSA record: a way round
// DANE for whoever has the sink's address. fakemx serves one for its own.
func (e *examination) judgeSinkTLSA() {
	if !e.signed {
		return
	}
	for _, s := range e.sinks {
		if s.served && !e.report.Switched || s.tlsa.failed != nil || len(s.tlsa.records) > 0 {
			continue
		}
		e.add(Finding{Warning, CodeDANESink, display(s.name), "has no TLSA record while the real hosts have: whoever has its address gets mail without DANE (RFC 7672)", "", "let fakemx serve the sink, or give it a TLSA record that no certificate matches"})
	}
}

// matchTLSA compares the records with the certificates that the host shows.
func (e *examination) matchTLSA(r *realHost) {
	for addr, v := range r.visits {
		where := fmt.Sprintf("%s (%s)", display(r.name), addr)
		switch {
		case v.state != accepts || v.greeting.class() != 2:
		case !v.startTLS:
			e.add(Finding{Error, CodeDANEMismatch, where, "has TLSA records and does not offer STARTTLS: senders that do DANE keep their mail", "", "switch TLS on"})
		case v.certificates == nil:
			e.unseen(where, "its certificate: %s", v.why)
		case !matches(v, r.tlsa.records):
			e.add(Finding{Error, CodeDANEMismatch, where, "shows a certificate that no TLSA record matches: senders that do DANE keep their mail", v.certificates[0].Subject.String(), "publish the new record before the certificate changes"})
		}
	}
}

// matches reports whether a certificate of the chain matches a record that SMTP
// uses: DANE-TA(2) any of them, DANE-EE(3) the host's own (RFC 7672 section 3.1).
func matches(v visit, records []*dns.TLSA) bool {
	for _, record := range records {
		for i, certificate := range v.certificates {
			if (record.Usage == 2 || record.Usage == 3 && i == 0) && record.Verify(certificate) == nil {
				return true
			}
		}
	}
	return false
}

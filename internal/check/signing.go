package check

import (
	"context"

	"github.com/miekg/dns"
)

// lookAtSigning finds a zone that its parent calls signed and that is not:
// validating resolvers answer SERVFAIL for all of it (RFC 4035 section 5).
func (e *examination) lookAtSigning(ctx context.Context) {
	m, err := e.dns.resolve(ctx, e.apex, dns.TypeDS)
	if err != nil {
		e.unseen(display(e.apex), "whether its parent calls it signed: %v", err)
		return
	}
	if len(recordsOf[*dns.DS](m, e.apex)) == 0 || e.signed {
		return
	}
	e.add(Finding{Error, CodeDNSSECUnsigned, display(e.apex), "its parent has a DS record and its answers have no signatures: validating resolvers refuse the whole zone", "the MX set comes without an RRSIG", "sign the zone, in front of fakemx (docs/dnssec.md), or have the DS record taken out"})
}

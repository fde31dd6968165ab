package check

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"blitiri.com.ar/go/spf"
	"github.com/fakemx/fakemx/internal/dnsname"
	"github.com/miekg/dns"
)

// nowhere is a client that no record names: it makes SPF look at every
// mechanism, so that a limit shows.
var nowhere = netip.MustParseAddr("192.0.2.254")

// lookAtSPF evaluates the domain's SPF record with the set as it is without
// fakes, and with the one that they make.
func (e *examination) lookAtSPF(ctx context.Context) {
	before := &spfResolver{client: e.dns, owner: e.Owner, set: e.before}
	after := &spfResolver{client: e.dns, owner: e.Owner, set: e.after, sinks: e.sinks}
	was, err := e.spf(ctx, before, nowhere)
	switch was {
	case spf.None:
		return // no record
	case spf.TempError:
		e.unseen(display(e.Owner), "its SPF record: %v", err)
		return
	case spf.PermError:
		e.add(Finding{Warning, CodeSPFBroken, display(e.Owner), "its SPF record fails for good, with and without fakes: receivers take no mail for authorised by it", err.Error(), "mend the record (RFC 7208 section 4.6.4 has the limits)"})
		return
	}
	now, err := e.spf(ctx, after, nowhere)
	use := "real _realmx in the stanza, and mx:_realmx." + display(e.Owner) + " in place of mx"
	switch {
	case errors.Is(err, spf.ErrTooManyMXRecords):
		e.add(Finding{Error, CodeSPFTooManyMX, display(e.Owner), "with the fakes its SPF record fails for good: receivers may reject the domain's mail (RFC 7208 section 4.6.4)", fmt.Sprintf("%d MX records: %v", len(e.after), err), use})
	case now == spf.PermError || now == spf.TempError:
		e.add(Finding{Error, CodeSPFChanged, display(e.Owner), fmt.Sprintf("with the fakes its SPF record gives %s, and %s without", now, was), err.Error(), use})
	default:
		e.lookForSPFSinks(ctx, before, after, use)
	}
}

// lookForSPFSinks looks for sinks that may send the domain's mail.
func (e *examination) lookForSPFSinks(ctx context.Context, before, after *spfResolver, use string) {
	for _, s := range e.sinks {
		for _, addr := range s.addresses {
			was, _ := e.spf(ctx, before, addr)
			if now, _ := e.spf(ctx, after, addr); now == spf.Pass && was != spf.Pass {
				e.add(Finding{Info, CodeSPFSinks, display(e.Owner), "its SPF record lets the sinks send its mail: mx means them, too (RFC 7208 section 5.4)", sinkText(s, addr) + " passes", use})
				return // one says it for all
			}
		}
	}
}

func (e *examination) spf(ctx context.Context, r *spfResolver, client netip.Addr) (spf.Result, error) {
	owner := display(e.Owner)
	return spf.CheckHostWithSender(net.IP(client.AsSlice()), owner, "postmaster@"+owner, spf.WithResolver(r), spf.WithContext(ctx))
}

// spfResolver answers as DNS does, with one MX set in place of the served one.
type spfResolver struct {
	*client

	owner string
	set   []*dns.MX
	sinks []*sink
}

var _ spf.DNSResolver = (*spfResolver)(nil)

func (r *spfResolver) lookup(ctx context.Context, name string, qtype uint16) (*dns.Msg, string, error) {
	fqdn := dnsname.Canonical(name)
	if !dnsname.Fits(fqdn) {
		return nil, fqdn, notFound(name)
	}
	m, err := r.resolve(ctx, fqdn, qtype)
	if err != nil {
		return nil, fqdn, &net.DNSError{Err: err.Error(), Name: name, IsTemporary: true}
	}
	return m, fqdn, nil
}

func notFound(name string) error {
	return &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

// LookupTXT implements [spf.DNSResolver].
func (r *spfResolver) LookupTXT(ctx context.Context, name string) ([]string, error) {
	m, fqdn, err := r.lookup(ctx, name, dns.TypeTXT)
	if err != nil {
		return nil, err
	}
	var texts []string
	for _, rr := range followed[*dns.TXT](m, fqdn) {
		texts = append(texts, unescape(strings.Join(rr.Txt, "")))
	}
	if len(texts) == 0 {
		return nil, notFound(name)
	}
	return texts, nil
}

// LookupMX implements [spf.DNSResolver].
func (r *spfResolver) LookupMX(ctx context.Context, name string) ([]*net.MX, error) {
	set := r.set
	if !dnsname.Same(dnsname.Canonical(name), r.owner) {
		m, fqdn, err := r.lookup(ctx, name, dns.TypeMX)
		if err != nil {
			return nil, err
		}
		set = followed[*dns.MX](m, fqdn)
	}
	if len(set) == 0 {
		return nil, notFound(name)
	}
	found := make([]*net.MX, 0, len(set))
	for _, mx := range set {
		found = append(found, &net.MX{Host: mx.Mx, Pref: mx.Preference})
	}
	return found, nil
}

// LookupIPAddr implements [spf.DNSResolver].
func (r *spfResolver) LookupIPAddr(ctx context.Context, name string) ([]net.IPAddr, error) {
	fqdn := dnsname.Canonical(name)
	if !dnsname.Fits(fqdn) {
		return nil, notFound(name)
	}
	h := host{}
	for _, s := range r.sinks {
		if s.name == fqdn {
			h = s.host
		}
	}
	if len(h.addresses) == 0 {
		h = r.hostOf(ctx, fqdn)
	}
	if h.failed != nil {
		return nil, &net.DNSError{Err: h.failed.Error(), Name: name, IsTemporary: true}
	}
	if len(h.addresses) == 0 {
		return nil, notFound(name)
	}
	found := make([]net.IPAddr, 0, len(h.addresses))
	for _, addr := range h.addresses {
		found = append(found, net.IPAddr{IP: addr.AsSlice()})
	}
	return found, nil
}

// LookupAddr implements [spf.DNSResolver].
func (r *spfResolver) LookupAddr(ctx context.Context, addr string) ([]string, error) {
	reverse, err := dns.ReverseAddr(addr)
	if err != nil {
		return nil, notFound(addr)
	}
	m, fqdn, err := r.lookup(ctx, reverse, dns.TypePTR)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, rr := range followed[*dns.PTR](m, fqdn) {
		names = append(names, rr.Ptr)
	}
	if len(names) == 0 {
		return nil, notFound(addr)
	}
	return names, nil
}

// followed returns the records of type T at the end of the aliases that begin at
// name.
func followed[T dns.RR](m *dns.Msg, name string) []T {
	for range maxAliases {
		found := recordsOf[T](m, name)
		aliases := recordsOf[*dns.CNAME](m, name)
		if len(found) > 0 || len(aliases) == 0 {
			return found
		}
		name = aliases[0].Target
	}
	return nil
}

// unescape makes the octets of a TXT record from its presentation, RFC 1035
// section 5.1.
func unescape(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] != '\\' || i+1 == len(text):
			b.WriteByte(text[i])
		case i+3 < len(text) && isDigit(text[i+1]) && isDigit(text[i+2]) && isDigit(text[i+3]):
			b.WriteByte((text[i+1]-'0')*100 + (text[i+2]-'0')*10 + text[i+3] - '0')
			i += 3
		default:
			i++
			b.WriteByte(text[i])
		}
	}
	return b.String()
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

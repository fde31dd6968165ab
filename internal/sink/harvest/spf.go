package harvest

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	spflib "blitiri.com.ar/go/spf"

	"github.com/fakemx/fakemx/internal/sink/smtp"
	"github.com/fakemx/fakemx/internal/sink/store"
	"github.com/fakemx/fakemx/internal/sink/visit"
)

// spfWithin is how long one evaluation may take, at least what RFC 7208 section
// 4.6.4 asks for.
const spfWithin = 20 * time.Second

// Resolver asks DNS. A *net.Resolver is one.
type Resolver = spflib.DNSResolver

// checkSPF evaluates SPF of the HELO name and of every reverse path of a visit.
func checkSPF(ctx context.Context, r Resolver, v *visit.Visit) (helo store.SPF, from []store.SPF) {
	helo = store.SPF{Domain: v.Helo, Result: evaluate(ctx, r, v.Client, v.Helo, "postmaster", v.Helo)}
	done := map[smtp.Path]bool{}
	for i, m := range v.Mail {
		// Without what was said word for word, SPF has "postmaster" for the local
		// part; a record that asks for it then ends in an error.
		path := smtp.Path{Domain: m.From.Domain}
		if v.Heard != nil && i < len(v.Heard.Mails) {
			path = v.Heard.Mails[i].From
		}
		if m.From == (visit.Address{}) || done[path] {
			continue
		}
		done[path] = true
		from = append(from, store.SPF{Domain: m.From.Domain, Result: evaluate(ctx, r, v.Client, v.Helo, path.Local, path.Domain)})
	}
	return helo, from
}

// evaluate returns a result by RFC 7208 section 2.6.
func evaluate(ctx context.Context, r Resolver, client netip.Addr, helo, local, domain string) string {
	switch {
	case strings.ContainsFunc(domain, func(r rune) bool { return r > 0x7e }):
		return string(spflib.PermError) // needs an A-label, RFC 8616 section 4
	case !domainName(domain):
		return string(spflib.None) // RFC 7208 section 4.3
	case strings.ContainsAny(local, "@\"\\"):
		return string(spflib.PermError) // which the library would take apart wrongly
	}
	ctx, cancel := context.WithTimeout(ctx, spfWithin)
	defer cancel()
	names := &absolute{Resolver: r, known: local != ""}
	if local == "" {
		local = "postmaster" // RFC 7208 section 4.3
	}
	result, _ := spflib.CheckHostWithSender(net.IP(client.AsSlice()), helo, local+"@"+domain, spflib.WithContext(ctx), spflib.WithResolver(names))
	if ctx.Err() != nil || names.asked.Load() {
		return string(spflib.TempError)
	}
	return string(result)
}

// domainName reports whether text is a domain name of two labels or more, as
// SPF needs it.
func domainName(text string) bool {
	labels := strings.Split(strings.TrimSuffix(text, "."), ".")
	if len(labels) < 2 || len(text) > 253 {
		return false
	}
	for _, label := range labels {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
			return false
		}
	}
	_, err := netip.ParseAddr(text)
	return err != nil
}

// absolute asks for names as they are, without the search list of resolv.conf.
type absolute struct {
	Resolver

	known bool        // the local part
	asked atomic.Bool // a record has a macro for it although it isn't
}

func fqdn(name string) string {
	if strings.HasSuffix(name, ".") {
		return name
	}
	return name + "."
}

// LookupTXT implements [Resolver].
func (a *absolute) LookupTXT(ctx context.Context, name string) ([]string, error) {
	texts, err := a.Resolver.LookupTXT(ctx, fqdn(name))
	for _, text := range texts {
		text = strings.ToLower(text)
		if !a.known && (strings.Contains(text, "%{l") || strings.Contains(text, "%{s")) {
			a.asked.Store(true)
		}
	}
	return texts, err
}

// LookupMX implements [Resolver].
func (a *absolute) LookupMX(ctx context.Context, name string) ([]*net.MX, error) {
	return a.Resolver.LookupMX(ctx, fqdn(name))
}

// LookupIPAddr implements [Resolver].
func (a *absolute) LookupIPAddr(ctx context.Context, name string) ([]net.IPAddr, error) {
	return a.Resolver.LookupIPAddr(ctx, fqdn(name))
}

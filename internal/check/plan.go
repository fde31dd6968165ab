package check

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"strings"

	"github.com/fakemx/fakemx/internal/config"
	"github.com/fakemx/fakemx/internal/dnsname"
	"github.com/fakemx/fakemx/internal/inject"
	"github.com/miekg/dns"
)

// kind is that of a fake.
type kind string

const (
	lowest  kind = "lowest"
	highest kind = "highest"
)

// sink is the host of a fake.
type sink struct {
	host

	name string
	kind kind
	// served says that fakemx answers for it.
	served bool
	// inUse is what the zone has there itself, "" where the sink is free.
	inUse  string
	visits map[netip.Addr]visit
	tlsa   tlsa
	// isReal is an address of it that a real host has, too.
	isReal netip.Addr
}

// maxRecords is how many records a set with fakes has at most: senders that keep
// a hundred drop real ones beyond (docs/mail.md).
const maxRecords = 100

func byPreference(a, b *dns.MX) int { return cmp.Compare(a.Preference, b.Preference) }

// lookAtConfig passes on what the plugin itself warns about.
func (e *examination) lookAtConfig() {
	if e.Stanza == nil {
		return
	}
	for _, f := range warnings(e.Stanza) {
		e.add(f)
	}
}

func warnings(s *config.Stanza) []Finding {
	found := make([]Finding, 0, len(s.Warnings))
	for _, warning := range s.Warnings {
		subject, text, ok := strings.Cut(warning, " - ") // FILE:LINE - text
		if !ok {
			subject, text = "Corefile", warning
		}
		found = append(found, Finding{Warning, CodeConfig, subject, text, "", "see Syntax in the README"})
	}
	return found
}

// plan finds the set without fakes and the one with those that join.
func (e *examination) plan(ctx context.Context) {
	if e.Stanza == nil {
		e.before, e.after = e.served, e.served
		return
	}
	e.planSinks()
	e.before = e.withoutFakes()
	e.report.Switched = len(e.before) < len(e.served)
	e.untouched(ctx)
	e.after = e.before
	if e.leftAlone() {
		e.sinks = nil
		return
	}
	e.lookUpSinks(ctx)
	if set := inject.Into(records(e.before), e.joining()); set != nil {
		e.after = e.after[:0:0]
		for _, rr := range set {
			e.after = append(e.after, rr.(*dns.MX))
		}
	}
}

// planSinks makes the sinks of the stanza for this zone.
func (e *examination) planSinks() {
	add := func(k kind, name string, absolute bool, addresses []netip.Addr) {
		if !absolute {
			name = dnsname.Join(name, e.Zone)
		}
		e.sinks = append(e.sinks, &sink{
			host: host{addresses: addresses}, name: name, kind: k,
			served: len(addresses) > 0, visits: make(map[netip.Addr]visit),
		})
	}
	for _, f := range e.Stanza.Lowest {
		add(lowest, f.Name, f.Absolute(), f.Addresses)
	}
	for _, f := range e.Stanza.Highest {
		add(highest, f.Name, f.Absolute(), f.Addresses)
	}
}

// sinkOf returns the sink that is the exchange of a record, or nil.
func (e *examination) sinkOf(mx *dns.MX) *sink {
	for _, s := range e.sinks {
		if dnsname.Same(s.name, mx.Mx) {
			return s
		}
	}
	return nil
}

// withoutFakes returns the served records that are not fakes.
func (e *examination) withoutFakes() []*dns.MX {
	var reals []*dns.MX
	for _, mx := range e.served {
		if e.sinkOf(mx) == nil {
			reals = append(reals, mx)
		}
	}
	return reals
}

// untouched takes the set that fakemx publishes beside the one with fakes, if it
// does: there the preferences are as the zone has them.
func (e *examination) untouched(ctx context.Context) {
	if !e.report.Switched || e.Stanza.Real == "" {
		return
	}
	name := dnsname.Join(e.Stanza.Real, e.Owner)
	if m, err := e.askZone(ctx, name, dns.TypeMX); err == nil {
		if set := recordsOf[*dns.MX](m, name); len(set) > 0 {
			e.before = set
		}
	}
}

// leftAlone says so where the configuration leaves the set as it is.
func (e *examination) leftAlone() bool {
	switch {
	case e.Stanza.Except.Cover(e.Owner, e.Zone):
		e.add(Finding{Info, CodeExcepted, display(e.Owner), "is left alone: it is at or below a name of except", "", ""})
	case e.Stanza.DryRun && !e.report.Switched:
		e.add(Finding{Info, CodeDryRun, display(e.Owner), "is left alone for now: dry_run", "", "take dry_run out to switch on"})
	case e.signed && !e.Signs && !e.report.Switched:
		e.add(Finding{Warning, CodeSignedBehind, display(e.Owner), "is signed, and not by dnssec in the same server block: if the signatures are made behind fakemx, no fake joins",
			"the MX set comes with an RRSIG", "sign in front of fakemx, with dnssec or with a server that transfers the zone from it (docs/dnssec.md)"})
	case e.foreign(exchangesOf(e.before)):
		e.add(Finding{Info, CodeForeign, display(e.Owner), "is left alone: a real exchange is at none of the names of exchanges", setText(e.before), ""})
	case len(e.before) == 0:
		e.add(Finding{Error, CodeNoReal, display(e.Owner), "has no real host in its MX set, fakes only: no mail arrives", setText(e.served), "put the real MX back into the zone"})
	default:
		return false
	}
	return true
}

// foreign reports whether the configuration leaves a set with these exchanges
// alone because they are others'.
func (e *examination) foreign(exchanges []string) bool {
	if e.Stanza.Exchanges.Empty() {
		return false
	}
	return slices.ContainsFunc(exchanges, func(x string) bool { return !e.Stanza.Exchanges.Cover(x, e.Zone) })
}

func exchangesOf(set []*dns.MX) []string {
	exchanges := make([]string, 0, len(set))
	for _, mx := range set {
		exchanges = append(exchanges, dnsname.Canonical(mx.Mx))
	}
	return exchanges
}

// joining returns the fakes that join the set, up to a hundred records in all.
func (e *examination) joining() inject.Fakes {
	f := inject.Fakes{Step: e.Stanza.Step}
	for _, s := range e.sinks {
		switch {
		case s.inUse != "":
		case s.kind == lowest:
			f.Lowest = append(f.Lowest, s.name)
		default:
			f.Highest = append(f.Highest, s.name)
		}
	}
	if len(e.before)+len(f.Lowest) > maxRecords {
		e.sinks = nil
		return inject.Fakes{Step: f.Step}
	}
	f.Highest = f.Highest[:min(len(f.Highest), maxRecords-len(e.before)-len(f.Lowest))]
	e.sinks = slices.DeleteFunc(e.sinks, func(s *sink) bool {
		return s.inUse != "" || !slices.Contains(f.Lowest, s.name) && !slices.Contains(f.Highest, s.name)
	})
	return f
}

func records(set []*dns.MX) []dns.RR {
	rrs := make([]dns.RR, len(set))
	for i, mx := range set {
		rrs[i] = mx
	}
	return rrs
}

// has reports whether a fake of the kind joins.
func (e *examination) has(k kind) bool {
	return slices.ContainsFunc(e.sinks, func(s *sink) bool { return s.kind == k })
}

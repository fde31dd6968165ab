package check

import (
	"context"
	"fmt"
	"net/netip"
	"sync"

	"github.com/fakemx/fakemx/internal/dnsname"
	"github.com/miekg/dns"
)

// examination is the look at one domain.
type examination struct {
	*Checker
	Target

	mu     sync.Mutex // guards the report while looks are side by side
	report *Report

	// apex is that of the zone in DNS, and servers its name servers.
	apex    string
	servers []nameServer
	// served is the set as it is answered now, before it without fakes and after it
	// with those that join.
	served, before, after []*dns.MX
	// exists is not set for a name that DNS denies, and signed is set for a set that
	// comes with signatures.
	exists, signed bool
	sinks          []*sink
	reals          []*realHost
}

// realHost is a real host of the set.
type realHost struct {
	host

	name   string
	visits map[netip.Addr]visit
	tlsa   tlsa
	// foreign hosts are not called.
	foreign bool
}

func newExamination(c *Checker, t Target) *examination {
	return &examination{
		Checker: c, Target: t,
		report: &Report{
			Domain: display(t.Owner), Before: []Record{}, Findings: []Finding{}, Unseen: []Unseen{}, Skipped: []Unseen{},
		},
	}
}

func (e *examination) add(f Finding) {
	f.Subject, f.Evidence = printable(f.Subject), printable(f.Evidence)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.report.Findings = append(e.report.Findings, f)
}

// unseen notes what could not be looked at.
func (e *examination) unseen(subject, format string, args ...any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.report.Unseen = append(e.report.Unseen, Unseen{printable(subject), printable(fmt.Sprintf(format, args...))})
}

// skipped notes what was left out on purpose.
func (e *examination) skipped(subject, why string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.report.Skipped = append(e.report.Skipped, Unseen{subject, why})
}

// run takes the looks one after the other; those that don't need each other go
// side by side.
func (e *examination) run(ctx context.Context) {
	e.lookAtConfig()
	if !e.find(ctx) || !e.hasSet() {
		return
	}
	e.lookAtNameServers(ctx)
	e.lookAtSigning(ctx)
	e.plan(ctx)
	e.lookUpReals(ctx)
	sideBySide(
		func() { e.callPort25(ctx) },
		func() { e.lookAtDelegation(ctx) },
		func() { e.lookAtSPF(ctx) },
		func() { e.lookAtMTASTS(ctx) },
		func() { e.lookAtWildcards(ctx) },
		func() { e.lookAtServices(ctx) },
		func() { e.lookAtAnswerSize(ctx) },
		func() { e.lookUpTLSA(ctx) },
	)
	e.guess()
	e.judgeDANE()
	e.judgeSinks()
	e.judgeReals()
	e.judgeSet()
	e.judgeReceivers()
	e.judgeSenders()
}

func sideBySide(looks ...func()) {
	var group sync.WaitGroup
	for _, look := range looks {
		group.Go(look)
	}
	group.Wait()
}

// find learns the zone, its name servers and the set as it is served.
func (e *examination) find(ctx context.Context) bool {
	if err := e.findServers(ctx); err != nil {
		e.unseen(display(e.Owner), "its name servers: %v", err)
		return false
	}
	e.askServers(ctx)
	m := e.authority()
	if m == nil {
		var err error
		if m, err = e.dns.resolve(ctx, e.Owner, dns.TypeMX); err != nil {
			e.unseen(display(e.Owner), "its MX set: %v", err)
			return false
		}
	}
	e.exists = m.Rcode != dns.RcodeNameError
	e.served = recordsOf[*dns.MX](m, e.Owner)
	for _, sig := range recordsOf[*dns.RRSIG](m, e.Owner) {
		e.signed = e.signed || sig.TypeCovered == dns.TypeMX
	}
	return true
}

// hasSet finds the sets that get no fakes whatever is configured.
func (e *examination) hasSet() bool {
	switch {
	case !e.exists:
		e.add(Finding{Info, CodeNoMX, display(e.Owner), "does not exist in DNS: it takes no mail, and no fake joins", "NXDOMAIN", ""})
		return false
	case len(e.served) == 0:
		e.add(Finding{Info, CodeNoMX, display(e.Owner), "has no MX set: no fake joins, and mail goes to the address of the name (RFC 5321 section 5.1)", "", "nothing: an added MX would switch that off"})
		return false
	case isNull(e.served):
		e.add(Finding{Info, CodeNullMX, display(e.Owner), "has a null MX: it takes no mail, and no fake joins (RFC 7505)", "", ""})
		return false
	default:
		return true
	}
}

func isNull(set []*dns.MX) bool {
	for _, mx := range set {
		if mx.Mx == "." {
			return true
		}
	}
	return false
}

// lookUpReals finds the addresses of the real hosts.
func (e *examination) lookUpReals(ctx context.Context) {
	var group sync.WaitGroup
	known := make(map[string]bool)
	for _, mx := range e.before {
		name := dnsname.Canonical(mx.Mx)
		if known[name] {
			continue
		}
		known[name] = true
		r := &realHost{name: name, visits: make(map[netip.Addr]visit)}
		r.foreign = !e.options.ProbeForeign && !e.ours(name)
		e.reals = append(e.reals, r)
		group.Go(func() { r.host = e.dns.hostOf(ctx, name) })
	}
	group.Wait()
}

// ours reports whether a host is in the domain or in another zone of the
// Corefile.
func (e *examination) ours(host string) bool {
	zone := e.apex
	if e.Stanza != nil {
		zone = e.Zone
	}
	return dnsname.Inside(host, zone) || e.corefile.has(host)
}

// callPort25 calls the addresses of all hosts side by side.
func (e *examination) callPort25(ctx context.Context) {
	if e.options.NoProbe {
		e.skipped("port 25", "not called, as wanted")
		return
	}
	var group sync.WaitGroup
	group.Go(func() { e.prober.callControl(ctx) })
	call := func(addr netip.Addr, visits map[netip.Addr]visit) {
		group.Go(func() {
			v := e.prober.visit(ctx, addr, e.postmaster())
			e.mu.Lock()
			defer e.mu.Unlock()
			visits[addr] = v
		})
	}
	for _, r := range e.reals {
		if r.foreign {
			e.skipped("port 25 of "+display(r.name), "a host of others: -probe-foreign calls it")
			continue
		}
		for _, addr := range callable(r.addresses) {
			call(addr, r.visits)
		}
	}
	for _, s := range e.sinks {
		if s.isReal = e.sharedWithReal(s); s.isReal.IsValid() {
			continue
		}
		for _, addr := range callable(s.addresses) {
			call(addr, s.visits)
		}
	}
	group.Wait()
}

// callable leaves out the addresses that lead nowhere, or to this machine.
func callable(addresses []netip.Addr) []netip.Addr {
	var some []netip.Addr
	for _, a := range addresses {
		if !a.IsLoopback() && !a.IsUnspecified() && !a.IsMulticast() && !a.IsLinkLocalUnicast() {
			some = append(some, a)
		}
	}
	return some
}

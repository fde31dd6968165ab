package check

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/fakemx/fakemx/internal/dnsname"
	"github.com/fakemx/fakemx/internal/senders"
	"github.com/miekg/dns"
)

// lookUpSinks finds whether each sink is free, or else its addresses.
func (e *examination) lookUpSinks(ctx context.Context) {
	var group sync.WaitGroup
	for _, s := range e.sinks {
		group.Go(func() {
			if s.served {
				s.inUse = e.usedFor(ctx, s)
				return
			}
			s.host = e.dns.hostOf(ctx, s.name)
		})
	}
	group.Wait()
	for _, s := range e.sinks {
		if s.inUse != "" {
			e.add(Finding{Warning, CodeSinkInUse, display(s.name), "is in use: the zone wins there, and this fake does not join", s.inUse, "name another sink"})
		}
	}
}

// usedFor returns what the zone has of its own at the name of a sink that fakemx
// would serve, or what cuts it off; "" if it is free. The configured addresses
// themselves don't count, and neither does what a wildcard makes up.
func (e *examination) usedFor(ctx context.Context, s *sink) string {
	for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeMX, dns.TypeNS} {
		m, err := e.askZone(ctx, s.name, qtype)
		if err != nil {
			e.unseen(display(s.name), "whether it is free: %v", err)
			return ""
		}
		if cut := e.cutOff(m, s.name); cut != "" {
			return cut
		}
		own := ownRecords(m, s.name)
		if own == "" || e.configured(m, s) {
			continue
		}
		if made, err := e.wildcard(ctx, dnsname.Parent(s.name), qtype); err == nil && made == own {
			continue
		}
		return own
	}
	return ""
}

// configured reports whether an answer has the sink's own addresses of a family.
func (e *examination) configured(m *dns.Msg, s *sink) bool {
	found, alias := addressesIn(m, s.name)
	var expected []netip.Addr
	for _, addr := range s.addresses {
		if addr.Is4() == (m.Question[0].Qtype == dns.TypeA) {
			expected = append(expected, addr)
		}
	}
	return alias == "" && len(found) == len(expected) &&
		!slices.ContainsFunc(found, func(a netip.Addr) bool { return !slices.Contains(expected, a) })
}

// cutOff says what separates a name from the apex of its zone: a delegation or a
// DNAME.
func (e *examination) cutOff(m *dns.Msg, name string) string {
	for _, rr := range slices.Concat(m.Answer, m.Ns) {
		switch at := dnsname.Canonical(rr.Header().Name); rr.(type) {
		case *dns.NS:
			if dnsname.Below(at, e.apex) && dnsname.Inside(name, at) {
				return display(at) + " is delegated"
			}
		case *dns.DNAME:
			if dnsname.Below(name, at) {
				return display(at) + " has a DNAME"
			}
		}
	}
	return ""
}

// ownRecords is what an answer has at name, without TTLs and signatures, in one
// line.
func ownRecords(m *dns.Msg, name string) string {
	var lines []string
	for _, rr := range m.Answer {
		if rr.Header().Rrtype == dns.TypeRRSIG || !dnsname.Same(rr.Header().Name, name) {
			continue
		}
		lines = append(lines, dns.TypeToString[rr.Header().Rrtype]+" "+strings.TrimPrefix(rr.String(), rr.Header().String()))
	}
	slices.Sort(lines)
	return shortList(lines)
}

// nobody is a label that no zone has: what is answered below it is made up by a
// wildcard.
const nobody = "fakemx-check-nobody-here"

// wildcard returns what a wildcard makes up right below a name, as ownRecords
// writes it.
func (e *examination) wildcard(ctx context.Context, parent string, qtype uint16) (string, error) {
	name := dnsname.Join(nobody, parent)
	if !dnsname.Fits(name) {
		return "", nil
	}
	m, err := e.askZone(ctx, name, qtype)
	if err != nil {
		return "", err
	}
	return ownRecords(m, name), nil
}

// lookAtWildcards looks at the names that sinks of several labels bring into
// being: a wildcard does not answer there any more (RFC 4592 section 2.2.1).
func (e *examination) lookAtWildcards(ctx context.Context) {
	if e.Stanza == nil {
		return
	}
	looked := make(map[string]bool)
	for _, s := range e.sinks {
		for name := dnsname.Parent(s.name); s.served && dnsname.Below(name, e.apex); name = dnsname.Parent(name) {
			if looked[name] {
				break
			}
			looked[name] = true
			e.lookAtWildcard(ctx, name, s)
		}
	}
}

func (e *examination) lookAtWildcard(ctx context.Context, name string, s *sink) {
	made, err := e.wildcard(ctx, dnsname.Parent(name), dns.TypeMX)
	if err != nil {
		e.unseen(display(name), "whether a wildcard answers there: %v", err)
		return
	}
	m, err := e.askZone(ctx, name, dns.TypeMX)
	if err != nil || made == "" {
		return
	}
	if own := ownRecords(m, name); own == made || own == "" && e.report.Switched {
		e.add(Finding{Error, CodeWildcardCut, display(name), "exists because of the sink " + display(s.name) + ": the zone's wildcard no longer answers there, and mail to it stops (RFC 4592)",
			"*." + display(dnsname.Parent(name)) + " has " + made, "name the sink with one label, like fake0"})
	}
}

// sharedWithReal returns an address that a sink has in common with a real host.
func (e *examination) sharedWithReal(s *sink) netip.Addr {
	for _, r := range e.reals {
		for _, addr := range r.addresses {
			if slices.Contains(s.addresses, addr) {
				return addr
			}
		}
	}
	return netip.Addr{}
}

// judgeSinks says what is wrong with the sinks that join.
func (e *examination) judgeSinks() {
	silentOnes, listening := newGroup(), newGroup()
	for _, s := range e.sinks {
		e.judgeSinkName(s)
		if s.isReal.IsValid() {
			e.add(Finding{Error, CodeSinkIsReal, display(s.name), "has the address of a real host: the fake is no fake, mail and bots arrive there", s.isReal.String(), "give the sink an address of its own with port 25 closed"})
			continue
		}
		for _, addr := range callable(s.addresses) {
			v, called := s.visits[addr]
			switch {
			case !called:
			case v.state == notSeen:
				e.unseen(sinkText(s, addr), "port 25: %s", v.why)
			case !e.prober.sees(addr):
				e.unseen(sinkText(s, addr), "port 25: %s", e.prober.blind(addr))
			case v.state == silent:
				silentOnes.add(s, addr)
			case v.state == accepts:
				e.judgeListener(s, addr, v, listening)
			}
		}
	}
	e.judgeSilent(silentOnes)
	for _, k := range []kind{lowest, highest} {
		if who := listening[k]; len(who) > 0 {
			level, text := Error, "takes connections on port 25: mail is lost or held up there"
			if k == highest {
				level, text = Warning, "takes connections on port 25: what it answers after DATA can't be seen without sending mail; a 5xx or a 2xx there loses it"
			}
			e.add(Finding{level, CodeSinkListens, shortList(who), text, "", "close port 25 there, with a TCP reset; a highest sink may answer 4xx and nothing else (fakemx sink serve)"})
		}
	}
	e.judgeFamilies()
}

// group collects sinks with the same fault.
type group map[kind][]string

func newGroup() group { return make(group) }

func (g group) add(s *sink, addr netip.Addr) { g[s.kind] = append(g[s.kind], sinkText(s, addr)) }

func sinkText(s *sink, addr netip.Addr) string {
	return fmt.Sprintf("%s (%s)", display(s.name), addr)
}

// judgeListener tells a sink that answers from one that takes connections only.
func (e *examination) judgeListener(s *sink, addr netip.Addr, v visit, listening group) {
	last := v.greeting
	if v.recipient.code != 0 {
		last = v.recipient
	}
	switch {
	case last.class() == 5:
		e.add(Finding{Error, CodeSinkRejects, sinkText(s, addr), "answers 5xx: senders that come there bounce the mail at once", last.oneLine(), "close port 25 there, with a TCP reset"})
	case last.class() == 4 && s.kind == highest:
		e.add(Finding{Info, CodeSinkDefers, sinkText(s, addr), "answers 4xx: good for a highest sink, senders keep the mail", last.oneLine(), ""})
	default:
		listening.add(s, addr)
	}
}

// judgeSilent says who waits for how long at sinks that drop packets.
func (e *examination) judgeSilent(silentOnes group) {
	if who := silentOnes[lowest]; len(who) > 0 {
		e.add(Finding{Error, CodeSinkSilent, shortList(who), "drops packets on port 25: every message waits there, with every sender", waits(), "refuse with a TCP reset: reject, not drop"})
	}
	if who := silentOnes[highest]; len(who) > 0 {
		e.add(Finding{Warning, CodeSinkSilent, shortList(who), "drops packets on port 25: a sender that comes there, after a 4xx or while the real hosts are down, waits", waits(), "refuse with a TCP reset: reject, not drop"})
	}
}

// waits names what each sender that was measured waits for one silent address.
func waits() string {
	var each []string
	for i := range senders.Known {
		if s := &senders.Known[i]; s.Silent >= 0 {
			each = append(each, fmt.Sprintf("%s %.0f s", s.Name, s.Silent+s.Wait))
		}
	}
	return strings.Join(each, ", ")
}

// judgeSinkName looks at what a sink is in DNS.
func (e *examination) judgeSinkName(s *sink) {
	if s.kind != "" && e.Stanza != nil && e.Shared && !dnsname.Inside(s.name, e.Zone) {
		e.add(Finding{Info, CodeSinkShared, display(s.name), "is the sink of several domains: whoever blocks one by its MX host blocks all, and anyone can list them", "", "a NAME without a final dot gives each domain its own"})
	}
	if s.served {
		return
	}
	switch {
	case len(s.addresses) == 0 && s.failed != nil:
		e.unseen(display(s.name), "its addresses: %v", s.failed)
	case len(s.addresses) == 0:
		e.add(Finding{Error, CodeSinkNoAddress, display(s.name), "has no address: dma bounces mail to a domain with such a host", "", "give it an address with port 25 closed"})
	}
	if s.alias != "" {
		e.add(Finding{Warning, CodeSinkAlias, display(s.name), "is an alias: an MX must not point to one (RFC 2181 section 10.3)", "CNAME " + display(s.alias), "name a host with addresses"})
	}
	for _, addr := range s.addresses {
		switch {
		case addr.IsLoopback() || addr.IsUnspecified():
			e.add(Finding{Error, CodeSinkSelf, sinkText(s, addr), "senders take the address for themselves and bounce mail", "", "give it an address of yours with port 25 closed"})
		case addr.IsPrivate() || addr.IsLinkLocalUnicast():
			e.add(Finding{Warning, CodeSinkPrivate, sinkText(s, addr), "is not reachable from the Internet: receivers that check for bogus MX may reject mail from the domain", "", "give it an address of yours with port 25 closed"})
		}
	}
}

// judgeFamilies finds sinks that only a family has which no real host has.
func (e *examination) judgeFamilies() {
	var known [2]bool
	for _, r := range e.reals {
		for _, addr := range r.addresses {
			known[familyIndex(addr)] = true
		}
	}
	if known[0] == known[1] {
		return // both, or nothing is known
	}
	for _, s := range e.sinks {
		strange := len(s.addresses) > 0 && !slices.ContainsFunc(s.addresses, func(a netip.Addr) bool { return known[familyIndex(a)] })
		if strange {
			e.add(Finding{Info, CodeSinkFamily, display(s.name), "has addresses of a family only that no real host has: who speaks the other one never meets this fake", fmt.Sprint(s.addresses), "give it an address of both families, or of the real hosts'"})
		}
	}
}

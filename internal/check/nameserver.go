package check

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/fakemx/fakemx/internal/dnsname"
	"github.com/miekg/dns"
)

// nameServer is one address of a name server, and what it says by itself.
type nameServer struct {
	name    string
	address netip.Addr
	// mx and soa are its answers, nil where it gave none.
	mx, soa *dns.Msg
	err     error
}

func (s *nameServer) String() string { return fmt.Sprintf("%s (%s)", display(s.name), s.address) }

// at is where it is asked.
func (s *nameServer) at() string { return netip.AddrPortFrom(s.address, 53).String() }

// maxServerAddresses are asked of one zone.
const maxServerAddresses = 16

// findServers finds the apex of the zone that the owner lies in, and the
// addresses of its name servers.
func (e *examination) findServers(ctx context.Context) error {
	apex, names, err := e.zoneOf(ctx, e.Owner)
	if err != nil {
		return err
	}
	e.apex = apex
	found := make([]host, len(names))
	var group sync.WaitGroup
	for i, name := range names {
		group.Go(func() { found[i] = e.dns.hostOf(ctx, name) })
	}
	group.Wait()
	for i, name := range names {
		h := found[i]
		if h.failed != nil {
			e.unseen(display(name), "its addresses: %v", h.failed)
		}
		for _, addr := range h.addresses {
			if len(e.servers) < maxServerAddresses {
				e.servers = append(e.servers, nameServer{name: name, address: addr})
			}
		}
	}
	return nil
}

// zoneOf returns the apex of the zone that name lies in and the names of its
// name servers.
func (e *examination) zoneOf(ctx context.Context, name string) (string, []string, error) {
	for apex := name; ; apex = dnsname.Parent(apex) {
		m, err := e.dns.resolve(ctx, apex, dns.TypeNS)
		if err != nil {
			return "", nil, err
		}
		if names := namesOf(recordsOf[*dns.NS](m, apex)); len(names) > 0 {
			return apex, names, nil
		}
		if apex == "." {
			return "", nil, errors.New("no zone has it")
		}
	}
}

func namesOf(records []*dns.NS) []string {
	names := make([]string, 0, len(records))
	for _, ns := range records {
		names = append(names, dnsname.Canonical(ns.Ns))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// askServers asks each name server by itself for the set and the SOA record.
func (e *examination) askServers(ctx context.Context) {
	var group sync.WaitGroup
	for i := range e.servers {
		s := &e.servers[i]
		group.Go(func() {
			if s.mx, s.err = e.dns.ask(ctx, s.at(), e.Owner, dns.TypeMX, false); s.err == nil {
				s.soa, s.err = e.dns.ask(ctx, s.at(), e.apex, dns.TypeSOA, false)
			}
		})
	}
	group.Wait()
}

// authority returns the answer of the first name server that has the zone.
func (e *examination) authority() *dns.Msg {
	if s := e.goodServer(); s != nil {
		return s.mx
	}
	return nil
}

func (e *examination) goodServer() *nameServer {
	for i := range e.servers {
		if s := &e.servers[i]; s.err == nil && answersFor(s.mx) {
			return s
		}
	}
	return nil
}

func answersFor(m *dns.Msg) bool {
	return m.Authoritative && (m.Rcode == dns.RcodeSuccess || m.Rcode == dns.RcodeNameError)
}

// askZone asks the zone's own server, or the resolver where none is to be had.
func (e *examination) askZone(ctx context.Context, name string, qtype uint16) (*dns.Msg, error) {
	if s := e.goodServer(); s != nil {
		return e.dns.ask(ctx, s.at(), name, qtype, false)
	}
	return e.dns.resolve(ctx, name, qtype)
}

// lookAtNameServers compares what they say.
func (e *examination) lookAtNameServers(_ context.Context) {
	sets, serials := make(map[string][]string), make(map[uint32][]string)
	noRoute := 0
	for i := range e.servers {
		s := &e.servers[i]
		switch {
		case s.err != nil && noWay(s.err):
			noRoute++
		case errors.Is(s.err, errNoTCP):
			e.addNoTCP(s, s.err)
		case s.err != nil:
			e.add(Finding{Warning, CodeNameServerDown, s.String(), "does not answer: resolvers that ask it first are late", s.err.Error(), "see why, or take it out of the NS set"})
		case !answersFor(s.mx):
			e.add(Finding{Warning, CodeNameServerLame, s.String(), "does not answer for the zone " + display(e.apex), dns.RcodeToString[s.mx.Rcode], "load the zone there, or take it out of the NS set"})
		default:
			text := setText(recordsOf[*dns.MX](s.mx, e.Owner))
			sets[text] = append(sets[text], s.String())
			for _, soa := range recordsOf[*dns.SOA](s.soa, e.apex) {
				serials[soa.Serial] = append(serials[soa.Serial], s.String())
			}
		}
	}
	if noRoute > 0 && noRoute == len(e.servers) {
		e.unseen(display(e.apex), "its name servers: no route from here")
	}
	if len(sets) < 2 {
		return
	}
	var evidence []string
	for text, who := range sets {
		evidence = append(evidence, fmt.Sprintf("%s: %s", shortList(who), text))
	}
	slices.Sort(evidence)
	e.add(Finding{Warning, CodeNameServerDiffs, display(e.Owner), "its name servers give different MX sets: which fakes a sender meets is a matter of luck",
		strings.Join(evidence, "; ") + serialText(serials), "transfer the zone anew; a change of the fakes needs a new serial (docs/transfers.md)"})
}

func noWay(err error) bool {
	return unconnected(context.Background(), err).why == "no route from here"
}

func serialText(serials map[uint32][]string) string {
	if len(serials) != 1 {
		return ""
	}
	for serial := range serials {
		return fmt.Sprintf("; all with serial %d", serial)
	}
	return ""
}

// setText is a set in one line, the best first.
func setText(set []*dns.MX) string {
	if len(set) == 0 {
		return "no MX"
	}
	sorted := slices.SortedStableFunc(slices.Values(set), byPreference)
	records := make([]string, len(sorted))
	for i, mx := range sorted {
		records[i] = fmt.Sprintf("%d %s", mx.Preference, display(dnsname.Canonical(mx.Mx)))
	}
	const shown = 8
	if len(records) > shown {
		return fmt.Sprintf("%s and %d more", strings.Join(records[:shown], ", "), len(records)-shown)
	}
	return strings.Join(records, ", ")
}

// lookAtDelegation compares the NS set of the zone with that of the zone above.
func (e *examination) lookAtDelegation(ctx context.Context) {
	good := e.goodServer()
	if good == nil || e.apex == "." {
		return
	}
	own, err := e.dns.ask(ctx, good.at(), e.apex, dns.TypeNS, false)
	if err != nil {
		return // it has answered before; what it does now says nothing about the set
	}
	above, err := e.referral(ctx)
	if err != nil {
		e.unseen(display(e.apex), "its delegation: %v", err)
		return
	}
	mine := namesOf(recordsOf[*dns.NS](own, e.apex))
	if len(above) == 0 || slices.Equal(mine, above) {
		return
	}
	e.add(Finding{Warning, CodeDelegation, display(e.apex), "the zone and its parent name different name servers: one that is left over may serve another MX set",
		fmt.Sprintf("the zone has %s; the parent has %s", shortList(mine), shortList(above)), "make both the same"})
}

// referral returns the name servers that the parent zone names; none where the
// same server has both zones.
func (e *examination) referral(ctx context.Context) ([]string, error) {
	_, parents, err := e.zoneOf(ctx, dnsname.Parent(e.apex))
	if err != nil {
		return nil, err
	}
	failed := errors.New("no address of the parent's name servers")
	for _, name := range parents {
		for _, addr := range e.dns.hostOf(ctx, name).addresses {
			m, err := e.dns.ask(ctx, netip.AddrPortFrom(addr, 53).String(), e.apex, dns.TypeNS, false)
			if err != nil {
				failed = err
				continue
			}
			var names []*dns.NS
			for _, rr := range m.Ns {
				if ns, ok := rr.(*dns.NS); ok && dnsname.Same(ns.Hdr.Name, e.apex) {
					names = append(names, ns)
				}
			}
			return namesOf(names), nil
		}
	}
	return nil, failed
}

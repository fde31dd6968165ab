package main

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/miekg/dns"
)

// harvested waits until the verdicts are there, and the list is served.
func (h *harvestLab) harvested(ctx context.Context, r *harvestResult) error {
	expected := map[netip.Addr]bool{h.wronged.addr: true}
	for _, b := range h.crowd {
		expected[b.addr] = b.listed
	}
	all, err := h.await(ctx, expected)
	if err != nil {
		return err
	}
	for addr, listed := range expected {
		if listed != all[addr] {
			found, err := h.sink.show(ctx, addr)
			h.say("%v: listed %v, expected %v: %+v %v", addr, all[addr], listed, found, err)
		}
	}
	for _, b := range h.crowd {
		r.count(b, all[b.addr])
	}
	r.wronged.listed = all[h.wronged.addr]
	r.senders = len(h.honest)
	for _, st := range h.honest {
		if all[st.addr] {
			r.honestListed++
		}
	}
	return h.forgets(ctx) // the day has passed there, too
}

// await returns who is listed, and served, as soon as those that are expected
// are, or after some time.
func (h *harvestLab) await(ctx context.Context, expected map[netip.Addr]bool) (map[netip.Addr]bool, error) {
	for deadline := time.Now().Add(arriveWithin); ; time.Sleep(500 * time.Millisecond) {
		all, err := h.sink.listed(ctx)
		if err != nil {
			return nil, err
		}
		missing := false
		for addr, wanted := range expected {
			if !wanted && !all[addr] {
				continue
			}
			served, err := h.served(addr)
			if err != nil {
				return nil, err
			}
			all[addr] = all[addr] && served
			missing = missing || wanted && !all[addr]
		}
		if !missing || time.Now().After(deadline) {
			return all, nil
		}
	}
}

// forgets has the real host forget what it has heard of the list, as it does in
// minutes: the resolver after 5, and each process of smtpd when it ends, after 100 s
// without work or 100 clients.
func (h *harvestLab) forgets(ctx context.Context) error {
	if err := h.host.resolver.chill(ctx); err != nil {
		return err
	}
	// After a reload an smtpd that is there may take one client more.
	return h.host.each(ctx, [][]string{{"postfix", "stop"}, {"postfix", "start"}})
}

// served reports whether the name server has an address on the list.
func (h *harvestLab) served(addr netip.Addr) (bool, error) {
	o := addr.As4()
	name := fmt.Sprintf("%d.%d.%d.%d.%s.", o[3], o[2], o[1], o[0], listZone)
	var answer *dns.Msg
	err := h.bots.node.do(func() error {
		var err error
		answer, err = exchange(new(dns.Msg).SetQuestion(name, dns.TypeA), netip.AddrPortFrom(nameServer, 53).String())
		return err
	})
	if err != nil {
		return false, err
	}
	switch answer.Rcode {
	case dns.RcodeSuccess:
		return len(answer.Answer) > 0, nil
	case dns.RcodeNameError:
		return false, nil
	default:
		return false, fmt.Errorf("%s A: %s", name, dns.RcodeToString[answer.Rcode])
	}
}

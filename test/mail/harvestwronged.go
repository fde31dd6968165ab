package main

import (
	"context"
	"fmt"
	"net/netip"
	"time"
)

// keepAway has the wronged sender call while the real host refuses it alone, so
// that it comes to the sink only, and then sleep for the day.
func (h *harvestLab) keepAway(ctx context.Context) (*followed, error) {
	if err := h.host.node.nft("add table ip outage\nadd chain ip outage in { type filter hook input priority 0; }\n" +
		"add rule ip outage in ip saddr " + h.wronged.addr.String() + " tcp dport 25 reject with tcp reset\n"); err != nil {
		return nil, err
	}
	f, err := h.send(ctx, h.wronged, shapeOf(h.shapes, defersLabel), 0)
	if err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(arriveWithin); ; time.Sleep(100 * time.Millisecond) {
		if len(h.wronged.log.about("status=deferred")) > 0 {
			break
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("the mail of %s was not put off: %v", h.wronged.name, h.wronged.log.about(""))
		}
	}
	_, err = h.wronged.container.run(ctx, nil, "postfix", "stop")
	return f, err
}

// acquitWithin is how soon after a sight at a real host an address must be acquitted.
const acquitWithin = 10 * time.Second

// comesBack has the wronged sender go on: its first try is put off for the list,
// and ends that; its next one arrives.
func (h *harvestLab) comesBack(ctx context.Context, r *harvestResult, f *followed) error {
	w := &r.wronged
	if err := h.host.node.nft("delete table ip outage\n"); err != nil {
		return err
	}
	began := time.Now()
	if err := h.wronged.each(ctx, [][]string{{"postfix", "start"}, {"postqueue", "-f"}}); err != nil {
		return err
	}
	for deadline := began.Add(arriveWithin); !w.deferred && time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		w.deferred = len(h.host.log.about(": 450 4.7.1 Service unavailable; Client host ["+h.wronged.addr.String()+"] blocked using "+listZone)) > 0
	}
	seen := time.Now()
	for deadline := seen.Add(acquitWithin); !w.acquitted && time.Now().Before(deadline); {
		found, err := h.sink.show(ctx, h.wronged.addr)
		if err != nil {
			return err
		}
		w.acquitted = !found.Listed && found.Acquitted != nil && found.Acquitted.Why == "seen"
	}
	var err error
	if w.served, err = h.staysServed(h.wronged.addr); err != nil {
		return err
	}
	h.say("%s: put off %v, acquitted %v, off the list after %.1f s", h.wronged.name, w.deferred, w.acquitted, time.Since(seen).Seconds())
	// A queue runs after 5 minutes or more.
	if err := h.forgets(ctx); err != nil {
		return err
	}
	if _, w.early, _ = h.boxes.find(f.id); w.early {
		return nil
	}
	if err := h.wronged.each(ctx, h.wronged.flush); err != nil {
		return err
	}
	found, ok, err := h.boxes.wait(f.id, arriveWithin)
	w.arrived = ok && !found.junk
	if !w.arrived {
		h.say("%s: %v %+v; its log: %v", h.wronged.name, ok, found, h.wronged.log.about(""))
	}
	return err
}

// staysServed reports whether the name server still has an address on the list
// after all the time that this may take.
func (h *harvestLab) staysServed(addr netip.Addr) (bool, error) {
	for deadline := time.Now().Add(arriveWithin); ; time.Sleep(100 * time.Millisecond) {
		found, err := h.served(addr)
		if !found || err != nil || time.Now().After(deadline) {
			return found, err
		}
	}
}

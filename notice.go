package fakemx

import (
	"sync"
	"sync/atomic"

	clog "github.com/coredns/coredns/plugin/pkg/log"
)

var log = clog.NewWithPlugin(name)

// maxNotices bounds what notices remembers, and so the lines it writes.
const maxNotices = 10000

// notices writes one line for each zone and cause that an operator has to know.
type notices struct {
	seen  sync.Map
	count atomic.Int32
}

type notice struct{ cause, about string }

func (n *notices) first(cause, about string) bool {
	key := notice{cause, about}
	if _, ok := n.seen.Load(key); ok {
		return false
	}
	if n.count.Load() >= maxNotices {
		return false
	}
	if _, loaded := n.seen.LoadOrStore(key, struct{}{}); loaded {
		return false
	}
	if n.count.Add(1) == maxNotices {
		log.Warningf("%d notices written, no more until the next reload", maxNotices)
	}
	return true
}

func (n *notices) signed(zone string) {
	if n.first("signed", zone) {
		log.Warningf("zone %q is signed below fakemx: its signed MX sets and its sinks stay as they are, a fake would make them bogus; sign with dnssec above fakemx instead", zone)
	}
}

func (n *notices) manyMX(zone string, count int) {
	if n.first("many", zone) {
		log.Warningf("zone %q: an MX set grows to %d records: the mx mechanism of SPF fails with more than %d, see the real property", zone, count, maxSPF)
	}
}

func (n *notices) ownData(at *spot) {
	if n.first("own", at.name) {
		log.Warningf("zone %q has records of its own at the sink %q: the sink answers", at.apex, at.name)
	}
}

func (n *notices) occluded(at *spot) {
	if n.first("occluded", at.name) {
		log.Warningf("zone %q: the sink at %q is under a delegation or a DNAME and cannot be served", at.apex, at.name)
	}
}

func (n *notices) unservable(zone, sink string) {
	if n.first("unservable", sink) {
		log.Warningf("zone %q gets no fake that points to %q: the zone of that sink is signed below fakemx, or does not answer", zone, sink)
	}
}

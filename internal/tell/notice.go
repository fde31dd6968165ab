package tell

import (
	"fmt"
	"sync"
	"sync/atomic"

	clog "github.com/coredns/coredns/plugin/pkg/log"
)

const subsystem = "fakemx"

var log = clog.NewWithPlugin(subsystem)

// maxNotices bounds what Notices remembers, and so the lines it writes.
const maxNotices = 10000

// maxSPF is the number of MX records beyond which the mx mechanism of SPF fails
// (RFC 7208 section 4.6.4).
const maxSPF = 10

// Notices writes one line for each cause and what it is about: a zone or a sink.
type Notices struct {
	seen  sync.Map
	count atomic.Int32
}

type notice struct{ cause, about string }

func (n *Notices) first(cause, about string) bool {
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

// Signed says that a set was signed behind fakemx.
func (n *Notices) Signed(zone string) {
	if n.first("signed", zone) {
		log.Warningf("zone %q is signed behind fakemx: its signed MX sets and its sinks stay as they are, a fake would make them bogus; sign with dnssec in front of fakemx instead", zone)
	}
}

// Unknown says that a set could not be had whole.
func (n *Notices) Unknown(zone string) {
	if n.first("unknown", zone) {
		log.Warningf("zone %q: whether its MX sets are signed cannot be learned, so they stay as they are: the server behind does not answer questions with the DO bit, or a large answer over TCP", zone)
	}
}

// ManyMX says that SPF's mx mechanism fails with a set, if it has so many records.
func (n *Notices) ManyMX(zone string, count int) {
	if count > maxSPF && n.first("many", zone) {
		log.Warningf("zone %q: an MX set grows to %d records: the mx mechanism of SPF fails with more than %d, see the real property", zone, count, maxSPF)
	}
}

// NoRoom says that fakes stay out of a set that would become too large.
func (n *Notices) NoRoom(zone string, count, most int) {
	if n.first("room", zone) {
		log.Warningf("zone %q: an MX set would grow to %d records: fakes stay out of it, as some senders read only the first %d", zone, count, most)
	}
}

// NotFree says why no fake points to a sink. reason begins with a verb in the
// third person, about the zone.
func (n *Notices) NotFree(sink, reason string) {
	if n.first("free", sink) {
		log.Warningf("no fake points to the sink %q: %s", sink, reason)
	}
}

// Wildcard says that a wildcard no longer answers at a name above a sink.
func (n *Notices) Wildcard(name, sink string) {
	if n.first("wildcard", name) {
		log.Warningf("the sink %q brings %q into being: the wildcard that answered there stops, and mail to it with it (RFC 4592 section 2.2.2); a sink of one label does not do that", sink, name)
	}
}

// NoSOA says that a sink answers SERVFAIL.
func (n *Notices) NoSOA(sink string) {
	if n.first("soa", sink) {
		log.Warningf("the plugins behind fakemx do not give the SOA record of the zone of the sink %q: it answers SERVFAIL", sink)
	}
}

// Panic says that a plugin behind failed while it was asked by fakemx itself.
func (n *Notices) Panic(about string, cause any) {
	if n.first("panic", about) {
		log.Errorf("a plugin behind fakemx failed when it was asked about %q: %s", about, fmt.Sprint(cause))
	}
}

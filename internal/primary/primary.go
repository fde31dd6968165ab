package primary

import (
	"context"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fakemx/fakemx/internal/answer"
	"github.com/fakemx/fakemx/internal/serial"
	"github.com/miekg/dns"
)

const (
	// every is how often a zone is looked at. One of which something was not known
	// then is looked at again after soon, after twice that, and so on.
	every = time.Minute
	soon  = 3 * time.Second
	// patience is for how long a client that asks for a SOA record waits for the
	// number of a new version.
	patience = time.Second
	// maxZones is how many zones are followed, more than a server has: the names come
	// from what backends answer.
	maxZones = 1 << 20
	// lookers is how many zones are looked at at a time, and together how many share
	// a commit, or are looked at again.
	lookers  = 4
	together = 1000
)

// Primary keeps the serial numbers of a server block.
type Primary struct {
	// Answers has the backend's versions, and what shapes a zone. Has reports
	// whether a plugin behind can transfer the zone in that version, and Notify tells
	// the secondaries of it that it has changed. Changes returns a channel that is
	// closed when what is watched changes. Log takes lines for the operator.
	Answers *answer.Editor
	Has     func(apex string, soa *dns.SOA) bool
	Notify  func(apex string) error
	Changes func() <-chan struct{}
	Log     serial.Logger

	file *serial.File

	// zones are those that are followed.
	zones sync.Map // of *zone by apex
	count atomic.Int64
	// asked are zones that somebody asked for.
	asked chan *zone

	notices notices
	cancel  context.CancelFunc
	running sync.WaitGroup
}

// zone is a zone that is followed.
type zone struct {
	apex string
	// mu is held while the zone is looked at.
	mu sync.Mutex
	// waiting is set while the zone waits for a look.
	waiting atomic.Bool
	// foreign says that no plugin behind can transfer it, looked up at looked.
	foreign atomic.Bool
	looked  atomic.Int64
	// asking guards over, which is closed when the look that clients wait for is over.
	asking sync.Mutex
	over   chan struct{}
}

// New returns the primary that keeps its numbers in file.
func New(file *serial.File) *Primary {
	return &Primary{file: file, asked: make(chan *zone, together), notices: newNotices()}
}

// Start makes the primary the owner of its file, and begins to follow zones. What
// the owner before had not told the secondaries yet, at a reload, it tells.
func (p *Primary) Start() {
	p.file.Start()
	for _, apex := range p.file.Left() {
		if p.Answers.Numbered(apex) {
			p.notices.add(apex)
		}
	}
	var ctx context.Context
	ctx, p.cancel = context.WithCancel(context.Background())
	p.running.Go(func() { p.rounds(ctx) })
	p.running.Go(func() { p.onDemand(ctx) })
	go p.tell(ctx) // a secondary that is down must not hold up the end
}

// Close ends what Start began, and gives up the file.
func (p *Primary) Close() error {
	if p.cancel != nil {
		p.cancel()
		p.running.Wait()
		p.file.Leave(p.notices.end())
	}
	return p.file.Close()
}

// rounds looks at all zones every minute, and when what is watched changes. Those
// of which something is not known it looks at soon again: behind the plugin
// secondary a zone comes some time after a reload.
func (p *Primary) rounds(ctx context.Context) {
	for _, apex := range p.Answers.NumberedZones() {
		p.follow(apex)
	}
	for ctx.Err() == nil {
		changes := p.Changes()
		p.followKnown()
		p.rest(ctx, p.round(ctx, p.followed), changes)
	}
}

// rest lasts until the next round is due, or what is watched changes.
func (p *Primary) rest(ctx context.Context, unknown []*zone, changes <-chan struct{}) {
	due := time.NewTimer(every)
	defer due.Stop()
	for wait := soon; ; wait *= 2 {
		var retry <-chan time.Time
		if len(unknown) > 0 {
			retry = time.After(wait)
		}
		select {
		case <-retry:
			unknown = p.round(ctx, slices.Values(unknown[:min(len(unknown), together)]))
		case <-due.C:
			return
		case <-changes:
			return
		case <-ctx.Done():
			return
		}
	}
}

// followKnown follows the zones that the file has, as far as they are configured.
// Those of lists that somebody asked for before a reload, or a restart, have
// secondaries, who ask no more until they are told of a change.
func (p *Primary) followKnown() {
	for apex := range p.file.Zones() {
		if p.Answers.Numbered(apex) {
			p.follow(apex)
		}
	}
}

// round looks at zones, and returns those of which something is not known.
func (p *Primary) round(ctx context.Context, zones iter.Seq[*zone]) (unknown []*zone) {
	work := make(chan *zone)
	var workers sync.WaitGroup
	var mu sync.Mutex
	for range lookers {
		workers.Go(func() {
			var seen []serial.Seen
			for z := range work {
				now, ok := p.look(z)
				switch {
				case ok:
					seen = append(seen, now)
				case !z.foreign.Load():
					mu.Lock()
					unknown = append(unknown, z)
					mu.Unlock()
				}
				if len(seen) >= together/lookers {
					_ = p.put(seen...)
					seen = nil
				}
			}
			_ = p.put(seen...)
		})
	}
feed:
	for z := range zones {
		select {
		case work <- z:
		case <-ctx.Done():
			break feed
		}
	}
	close(work)
	workers.Wait()
	return unknown
}

// followed are the zones that are followed. Those that are not configured any more
// it leaves out from now on.
func (p *Primary) followed(yield func(*zone) bool) {
	p.zones.Range(func(apex, z any) bool {
		if !p.Answers.Numbered(apex.(string)) {
			p.zones.Delete(apex)
			p.count.Add(-1)
			return true
		}
		return yield(z.(*zone))
	})
}

// onDemand looks at zones that somebody asked for.
func (p *Primary) onDemand(ctx context.Context) {
	for {
		select {
		case z := <-p.asked:
			z.waiting.Store(false)
			if now, ok := p.look(z); ok {
				_ = p.put(now)
			}
		case <-ctx.Done():
			return
		}
	}
}

// follow returns the zone, from now on followed. It is nil if there are too many.
func (p *Primary) follow(apex string) *zone {
	if z, ok := p.zones.Load(apex); ok {
		return z.(*zone)
	}
	if p.count.Load() >= maxZones {
		return nil
	}
	z, known := p.zones.LoadOrStore(apex, &zone{apex: apex})
	if !known {
		p.count.Add(1)
	}
	return z.(*zone)
}

// ask has a zone looked at soon.
func (p *Primary) ask(apex string) {
	z := p.follow(apex)
	if z == nil || z.waiting.Swap(true) {
		return
	}
	select {
	case p.asked <- z:
	default:
		z.waiting.Store(false) // the next round will
	}
}

// look returns how a zone is now. It fails for one that cannot be transferred,
// and where something about it is not known: then the last number stays.
func (p *Primary) look(z *zone) (now serial.Seen, ok bool) {
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.foreign.Load() && time.Since(time.Unix(0, z.looked.Load())) < every/2 {
		return now, false
	}
	soa, signed := p.Answers.Version(z.apex)
	if soa == nil {
		return now, false
	}
	z.foreign.Store(!p.Has(z.apex, soa))
	z.looked.Store(time.Now().UnixNano())
	if z.foreign.Load() {
		return now, false
	}
	now, err := p.seen(p.Answers.Whole(z.apex, soa), z.apex, soa, signed)
	return now, err == nil
}

// seen is how a zone is in the version of its SOA record.
func (p *Primary) seen(w *answer.Whole, apex string, soa *dns.SOA, signed bool) (serial.Seen, error) {
	now := serial.Seen{Zone: apex, Backend: soa.Serial, Signed: signed}
	if signed {
		return now, nil
	}
	var err error
	now.Digest, now.Injects, err = w.Shape()
	return now, err
}

// put makes the numbers of zones those of how they are now, and has the
// secondaries told of those that have moved.
func (p *Primary) put(seen ...serial.Seen) error {
	if len(seen) == 0 {
		return nil
	}
	before := make([]serial.State, len(seen))
	for i, now := range seen {
		before[i], _ = p.file.State(now.Zone)
	}
	if err := p.file.Put(seen...); err != nil {
		return err
	}
	for i, now := range seen {
		if s, _ := p.file.State(now.Zone); s.Served != before[i].Served {
			p.notices.add(now.Zone)
		}
	}
	return nil
}

// Number returns the number of a zone in the version of its SOA record, as w
// edits it. kept says that the zone has that of the backend: it is signed, or
// nothing is known of it and cannot be kept. Without an error, what is served with
// the number is on disk, or the last number stays because it cannot be.
func (p *Primary) Number(w *answer.Whole, apex string, soa *dns.SOA, signed bool) (number uint32, kept bool, err error) {
	now, err := p.seen(w, apex, soa, signed)
	if err != nil {
		return 0, false, err
	}
	p.follow(apex)
	_ = p.put(now)
	s, known := p.file.State(apex)
	if !known || s.Signed || signed {
		return soa.Serial, true, nil
	}
	return s.Served, false, nil
}

// settle waits for a look at the zone, for as long as a client has patience. All
// clients of a zone wait for the same one.
func (p *Primary) settle(apex string) {
	z := p.follow(apex)
	if z == nil {
		return
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-p.underway(z):
	case <-timer.C:
	}
}

// underway returns a channel that is closed when a look is over: the one that is
// under way for clients, or one that it starts.
func (p *Primary) underway(z *zone) <-chan struct{} {
	z.asking.Lock()
	defer z.asking.Unlock()
	if z.over != nil {
		return z.over
	}
	over := make(chan struct{})
	z.over = over
	go func() {
		if now, ok := p.look(z); ok {
			_ = p.put(now)
		}
		z.asking.Lock()
		z.over = nil
		z.asking.Unlock()
		close(over)
	}()
	return over
}

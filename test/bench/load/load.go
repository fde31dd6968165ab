// Package load asks a DNS server many questions a second and checks every answer.
//
// Each connection is driven by one goroutine, which sends what is due, waits
// for replies, and gives up on those that are overdue. In a closed loop
// (Config.Rate 0) a query is due as soon as a place in the window is free, which
// finds the highest rate that the server can answer. In an open loop queries
// are due at random times of the given mean rate whether or not the server
// keeps up, as they come from many independent clients, so that the latency
// of a slow moment is seen by all queries that fall into it.
package load

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// Config says whom to ask, how, and for how long.
type Config struct {
	Server   string        // address and port
	Network  string        // udp or tcp
	Conns    int           // sockets
	Window   int           // queries under way on one socket, at most; a power of two
	Rate     float64       // queries a second over all sockets; 0 is a closed loop
	Warmup   time.Duration // not in the figures, but checked
	Duration time.Duration // after the warm-up
	Timeout  time.Duration // after which a query without an answer is lost
	Retries  int           // how often a TCP connection that the server closed is opened again
}

// Report is what came of a run.
type Report struct {
	Sent     uint64 // queries, warm-up included
	Answered uint64 // right answers, warm-up included
	Lost     uint64 // no answer within the timeout
	Wrong    uint64 // answers with another content than wanted
	Stray    uint64 // replies that no query waits for
	Retried  uint64 // queries sent again because the server closed the TCP connection

	QPS                 float64 // right answers a second, without warm-up
	P50, P90, P99, P999 time.Duration
	Max                 time.Duration

	FirstWrong string `json:",omitempty"` // what the first wrong answer was
	// FirstNew is when the first answer came in that is right only after the
	// change of Plan.Ordered; zero if there was none.
	FirstNew time.Time
}

// Failed returns an error if any query went without its right answer.
func (r *Report) Failed() error {
	switch {
	case r.Wrong > 0:
		return fmt.Errorf("%d of %d answers wrong, the first: %s", r.Wrong, r.Sent, r.FirstWrong)
	case r.Lost > 0:
		return fmt.Errorf("%d of %d queries lost", r.Lost, r.Sent)
	case r.Stray > 0:
		return fmt.Errorf("%d replies to no query", r.Stray)
	case r.Answered == 0:
		return errors.New("no query answered")
	}
	return nil
}

// Run puts the load on the server and returns when every query is answered or lost.
func Run(c Config, p *Plan) (*Report, error) {
	if len(p.Queries) == 0 {
		return nil, errors.New("no queries: expected at least one")
	}
	if c.Window < 1 || c.Window > 1<<15 || c.Window&(c.Window-1) != 0 {
		return nil, fmt.Errorf("window %d: expected a power of two up to 32768", c.Window)
	}
	j, err := newJudge(p)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	lanes := make([]*lane, c.Conns)
	for i := range lanes {
		if lanes[i], err = newLane(c, j, i, start); err != nil {
			return nil, err
		}
	}
	errs := make([]error, c.Conns)
	var wg sync.WaitGroup
	for i, l := range lanes {
		wg.Go(func() { errs[i] = l.run() })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return sum(lanes, j, c.Duration), nil
}

func sum(lanes []*lane, j *judge, measured time.Duration) *Report {
	total := new(Report)
	var latency Histogram
	for _, l := range lanes {
		total.Sent += l.report.Sent
		total.Answered += l.report.Answered
		total.Lost += l.report.Lost
		total.Wrong += l.report.Wrong
		total.Stray += l.report.Stray
		total.Retried += l.report.Retried
		if total.FirstWrong == "" {
			total.FirstWrong = l.report.FirstWrong
		}
		latency.Merge(&l.latency)
	}
	total.QPS = float64(latency.Count()) / measured.Seconds()
	total.P50 = latency.Quantile(0.50)
	total.P90 = latency.Quantile(0.90)
	total.P99 = latency.Quantile(0.99)
	total.P999 = latency.Quantile(0.999)
	total.Max = latency.Max()
	if first := time.Unix(0, j.firstNew.Load()); first.Before(time.Now()) {
		total.FirstNew = first
	}
	return total
}

// slot is a place in the window. The low bits of a query's ID are the index
// of its slot, the high bits count its uses, so that a late reply to an earlier
// query is not taken for one to the present.
type slot struct {
	wire    []byte
	query   int
	id      uint16
	sent    time.Time
	waiting bool
}

// lane is one connection with its queries under way.
type lane struct {
	config  Config
	judge   *judge
	conn    transport
	random  *rand.Rand
	slots   []slot
	free    []int     // indexes of slots that wait for nothing
	query   int       // the next one to ask
	nextDue time.Time // in an open loop
	late    bool      // the window was full when a query was due
	begin   time.Time // of the measurement, after the warm-up
	end     time.Time
	swept   time.Time
	out     [][]byte
	latency Histogram
	report  Report
}

func newLane(c Config, j *judge, index int, start time.Time) (*lane, error) {
	conn, err := dial(c.Network, c.Server)
	if err != nil {
		return nil, err
	}
	l := &lane{
		config:  c,
		judge:   j,
		conn:    conn,
		random:  rand.New(rand.NewPCG(1, uint64(index))),
		slots:   make([]slot, c.Window),
		query:   index * len(j.wires) / c.Conns,
		nextDue: start,
		begin:   start.Add(c.Warmup),
		end:     start.Add(c.Warmup + c.Duration),
		swept:   start,
	}
	for i := range l.slots {
		l.slots[i].id = uint16(i)
		l.free = append(l.free, i)
	}
	return l, nil
}

func (l *lane) run() error {
	defer func() { l.conn.close() }()
	for {
		now := time.Now()
		// However late it gets to run, it asks once: no run ends without a question.
		asking := now.Before(l.end) || l.report.Sent == 0
		if !asking && len(l.free) == len(l.slots) {
			return nil
		}
		if asking {
			if err := l.sendDue(now); err != nil {
				if err := l.reconnect(err); err != nil {
					return err
				}
				continue
			}
		}
		replies, err := l.conn.receive(l.wakeup(now))
		if err != nil {
			if err := l.reconnect(err); err != nil {
				return err
			}
			continue
		}
		now = time.Now()
		for _, reply := range replies {
			l.handle(reply, now)
		}
		l.sweep(now)
	}
}

// sendDue sends the queries whose time has come, as far as the window allows.
func (l *lane) sendDue(now time.Time) error {
	l.out = l.out[:0]
	for len(l.free) > 0 && len(l.out) < maxBatch && !(l.config.Rate > 0 && l.nextDue.After(now)) {
		l.out = append(l.out, l.take(l.sendTime(now)))
	}
	l.late = len(l.free) == 0
	if len(l.out) == 0 {
		return nil
	}
	return l.conn.send(l.out)
}

// sendTime returns when the query that is sent now counts as sent, and in an
// open loop sets when the next one is due. What the generator's own timers lose
// is not the server's fault. Waiting for a place in the window is: then the
// query counts from when it was due, as if it had been sent.
func (l *lane) sendTime(now time.Time) time.Time {
	if l.config.Rate == 0 {
		return now
	}
	due := l.nextDue
	mean := float64(l.config.Conns) / l.config.Rate
	l.nextDue = due.Add(time.Duration(l.random.ExpFloat64() * mean * float64(time.Second)))
	if l.late {
		return due
	}
	return now
}

// take fills a free slot with the next query and returns its octets.
func (l *lane) take(sent time.Time) []byte {
	last := len(l.free) - 1
	i := l.free[last]
	l.free = l.free[:last]
	s := &l.slots[i]
	s.id += uint16(len(l.slots))
	s.query = l.query
	s.sent = sent
	s.waiting = true
	s.wire = append(s.wire[:0], l.judge.wires[l.query]...)
	binary.BigEndian.PutUint16(s.wire, s.id)
	l.query = (l.query + 1) % len(l.judge.wires)
	l.report.Sent++
	return s.wire
}

// wakeup returns until when to wait for replies.
func (l *lane) wakeup(now time.Time) time.Time {
	next := now.Add(l.config.Timeout / 10)
	if l.config.Rate > 0 && now.Before(l.end) && len(l.free) > 0 && l.nextDue.Before(next) {
		next = l.nextDue
	}
	return next
}

func (l *lane) handle(reply []byte, now time.Time) {
	if len(reply) < headerSize {
		l.report.Stray++
		return
	}
	id := replyID(reply)
	i := int(id) & (len(l.slots) - 1)
	s := &l.slots[i]
	if !s.waiting || s.id != id {
		l.report.Stray++
		return
	}
	s.waiting = false
	l.free = append(l.free, i)
	if err := l.judge.wrong(s.query, reply, s.sent, now); err != nil {
		if l.report.Wrong == 0 {
			q := l.judge.plan.Queries[s.query]
			l.report.FirstWrong = fmt.Sprintf("%s type %d: %v", q.Name, q.Type, err)
		}
		l.report.Wrong++
		return
	}
	l.report.Answered++
	if now.After(l.begin) && now.Before(l.end) {
		l.latency.Record(now.Sub(s.sent))
	}
}

// sweep gives up on the queries that are overdue.
func (l *lane) sweep(now time.Time) {
	if now.Sub(l.swept) < l.config.Timeout/10 {
		return
	}
	l.swept = now
	for i := range l.slots {
		if s := &l.slots[i]; s.waiting && now.Sub(s.sent) > l.config.Timeout {
			s.waiting = false
			l.free = append(l.free, i)
			l.report.Lost++
		}
	}
}

// reconnect opens a TCP connection anew and asks again what the server left
// unanswered when it closed the old one, as RFC 7766 section 6.2.4 expects of clients.
// Over UDP, where nothing is ever closed, the cause is returned.
func (l *lane) reconnect(cause error) error {
	if l.config.Network != "tcp" || l.config.Retries == 0 {
		return cause
	}
	l.config.Retries--
	l.conn.close()
	conn, err := dial(l.config.Network, l.config.Server)
	if err != nil {
		return errors.Join(cause, err)
	}
	l.conn = conn
	var again [][]byte
	for i := range l.slots {
		if l.slots[i].waiting {
			again = append(again, l.slots[i].wire)
		}
	}
	l.report.Retried += uint64(len(again))
	return l.conn.send(again)
}

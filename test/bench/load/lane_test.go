package load

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// kept is a transport that keeps what was sent, for lanes whose time the test tells.
type kept struct{ sent [][]byte }

func (k *kept) send(messages [][]byte) error {
	for _, m := range messages {
		k.sent = append(k.sent, append([]byte(nil), m...))
	}
	return nil
}

func (k *kept) receive(time.Time) ([][]byte, error) { return nil, nil }
func (k *kept) close() error                        { return nil }

// laneAt is a lane that begins at a time and asks into nowhere.
func laneAt(t *testing.T, c Config, p *Plan, start time.Time) (*lane, *kept) {
	t.Helper()
	j, err := newJudge(p)
	if err != nil {
		t.Fatal(err)
	}
	k := new(kept)
	l := &lane{config: c, judge: j, conn: k, random: rand.New(rand.NewPCG(1, 1)), slots: make([]slot, c.Window),
		nextDue: start, begin: start.Add(c.Warmup), end: start.Add(c.Warmup + c.Duration), swept: start}
	for i := range l.slots {
		l.slots[i].id = uint16(i)
		l.free = append(l.free, i)
	}
	return l, k
}

// answer is the right answer to a query of planFor(first, second).
func answer(t *testing.T, query []byte, records ...string) []byte {
	t.Helper()
	m := new(dns.Msg)
	if err := m.Unpack(query); err != nil {
		t.Fatal(err)
	}
	m.Response = true
	for _, text := range records {
		rr, err := dns.NewRR(text)
		if err != nil {
			t.Fatal(err)
		}
		m.Answer = append(m.Answer, rr)
	}
	wire, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return wire
}

func TestLane(t *testing.T) {
	start := time.Unix(1_000_000, 0)
	closed := Config{Conns: 1, Window: 8, Duration: time.Second, Timeout: time.Second}

	t.Run("keeps the rate of an open loop", func(t *testing.T) {
		c := closed
		c.Rate, c.Window = 2000, 1<<15
		l, k := laneAt(t, c, planFor([]string{first, second}), start)
		for now := start; now.Before(start.Add(10 * time.Second)); now = now.Add(time.Millisecond) {
			if err := l.sendDue(now); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(k.sent); n < 19_000 || n > 21_000 {
			t.Errorf("%d queries in 10 s, want about 20,000", n)
		}
	})

	t.Run("counts a query that waited for a place from when it was due", func(t *testing.T) {
		c := closed
		c.Rate, c.Window = 1000, 1
		l, k := laneAt(t, c, planFor([]string{first, second}), start)
		l.sendDue(start)
		due := l.nextDue
		l.sendDue(start.Add(time.Second)) // no place is free
		l.handle(answer(t, k.sent[0], first, second), start.Add(time.Second))
		l.sendDue(start.Add(2 * time.Second))
		if len(k.sent) != 2 || !l.slots[0].sent.Equal(due) {
			t.Errorf("%d queries, the last counts from %v; want 2, and %v", len(k.sent), l.slots[0].sent, due)
		}
	})

	t.Run("gives up on what is overdue, and on nothing else", func(t *testing.T) {
		l, k := laneAt(t, closed, planFor([]string{first, second}), start)
		l.sendDue(start)
		for _, query := range k.sent[1:] {
			l.handle(answer(t, query, first, second), start.Add(10*time.Millisecond))
		}
		l.sweep(start.Add(closed.Timeout))
		if l.report.Lost != 0 {
			t.Errorf("lost %d when the timeout is just reached, want 0", l.report.Lost)
		}
		l.sweep(start.Add(2 * closed.Timeout))
		if l.report.Lost != 1 || l.report.Answered != 7 || len(l.free) != closed.Window {
			t.Errorf("lost %d, answered %d, %d places free; want 1, 7 and 8", l.report.Lost, l.report.Answered, len(l.free))
		}
	})

	t.Run("counts a reply with another ID as stray", func(t *testing.T) {
		l, k := laneAt(t, closed, planFor([]string{first, second}), start)
		l.sendDue(start)
		reply := answer(t, k.sent[0], first, second)
		binary.BigEndian.PutUint16(reply, replyID(reply)+1<<8)
		l.handle(reply, start)
		l.handle(reply[:headerSize-1], start)
		if l.report.Stray != 2 || l.report.Answered != 0 {
			t.Errorf("stray %d, answered %d, want 2 and 0", l.report.Stray, l.report.Answered)
		}
	})

	t.Run("sums up rate and latencies of the time after the warm-up", func(t *testing.T) {
		c := closed
		c.Warmup = time.Second
		l, k := laneAt(t, c, planFor([]string{first, second}), start)
		l.sendDue(start)
		l.handle(answer(t, k.sent[0], first, second), start.Add(time.Millisecond)) // warm-up
		for _, query := range k.sent[1:5] {
			l.handle(answer(t, query, first, second), start.Add(1500*time.Millisecond))
		}
		l.handle(answer(t, k.sent[5], first, second), start.Add(2500*time.Millisecond)) // too late for the figures
		report := sum([]*lane{l}, l.judge, c.Duration)
		if report.Answered != 6 || report.QPS != 4 {
			t.Errorf("answered %d, %.1f a second, want 6 and 4", report.Answered, report.QPS)
		}
		for _, latency := range []time.Duration{report.P50, report.P99, report.Max} {
			if latency < 1400*time.Millisecond || latency > 1600*time.Millisecond {
				t.Errorf("p50 %v, p99 %v, max %v, want about 1.5 s each", report.P50, report.P99, report.Max)
				break
			}
		}
	})
}

func TestJudgeAcrossAChange(t *testing.T) {
	plan := planFor([]string{first}, []string{fake, first})
	plan.Ordered = true
	j, err := newJudge(plan)
	if err != nil {
		t.Fatal(err)
	}
	at := func(second int64) time.Time { return time.Unix(second, 0) }
	old, new := answer(t, j.wires[0], first), answer(t, j.wires[0], fake, first)
	for _, step := range []struct {
		what           string
		reply          []byte
		sent, received int64
		right          bool
	}{
		{"the old answer before the change", old, 1, 2, true},
		{"the first new answer", new, 3, 5, true},
		{"the old answer to a query sent before that came in", old, 4, 6, true},
		{"the old answer to a query sent afterwards", old, 6, 7, false},
		{"a new answer afterwards", new, 6, 7, true},
	} {
		if err := j.wrong(0, step.reply, at(step.sent), at(step.received)); (err == nil) != step.right {
			t.Errorf("%s: error %v, want right %v", step.what, err, step.right)
		}
	}
}

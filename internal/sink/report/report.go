// Package report counts what fake MX records did: how many clients came to a
// highest sink and never to a real host.
package report

import (
	"net/netip"
	"slices"
	"time"

	"github.com/fakemx/fakemx/internal/sink/store"
)

// Settle is how long after a visit a client may still come to a real host before
// it counts as turned away for sure.
const Settle = 24 * time.Hour

// Schema names the form of a Report as JSON.
const Schema = "fakemx-sink-report/1"

// A Day counts the clients of one day (UTC), each once. What it counts lies in
// hours for which the feeds of all real hosts are proven; a client that came in
// other hours only is LeftOut.
type Day struct {
	Day     string `json:"day"` // 2006-01-02, or "all" for the sum
	Clients int    `json:"clients"`
	Before  int    `json:"seen_before"`   // at a real host, before they came to the sink
	Later   int    `json:"seen_later"`    // at a real host, after they came to the sink only
	AtLeast int    `json:"away_at_least"` // neither they nor anybody near them, and a day has passed
	AtMost  int    `json:"away_at_most"`  // they themselves not, so far
	LeftOut int    `json:"left_out"`
}

// A Report is about the days in a row.
type Report struct {
	Schema string    `json:"schema"`
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	Hosts  []Host    `json:"hosts"`
	Hours  int       `json:"hours"`         // that have passed
	Proven int       `json:"hours_counted"` // for which all feeds are proven
	Days   []Day     `json:"days"`
	All    Day       `json:"all"` // the sum of the days: a client counts once a day
}

// Host is how the feed of a real host was.
type Host struct {
	Name  string `json:"name"`
	Alive int    `json:"proofs"`   // probes that came back
	Dead  int    `json:"failures"` // probes that didn't
}

// Source is where the facts are: a store.Store.
type Source interface {
	Visits(f func(store.ClientHour)) error
	Proofs(f func(store.Proofs)) error
}

// Make counts the days from the one of from to the one before to, by what is
// known now. Hosts are the real hosts whose feeds must be proven; without one,
// nothing is.
func Make(source Source, hosts []string, from, to, now time.Time) (*Report, error) {
	r := &Report{Schema: Schema, From: day(from), To: day(to.Add(24*time.Hour - 1)), Hosts: []Host{}, Days: []Day{}}
	for name := range slices.Values(hosts) {
		r.Hosts = append(r.Hosts, Host{Name: name})
	}
	proven, err := r.proven(source)
	if err != nil {
		return nil, err
	}
	for hour := r.From; hour.Before(r.To) && hour.Before(now); hour = hour.Add(time.Hour) {
		r.Hours++
		if proven[hour] {
			r.Proven++
		}
	}
	c := &counter{report: r, proven: proven, now: now}
	for d := r.From; d.Before(r.To) && !d.After(now); d = d.Add(24 * time.Hour) {
		r.Days = append(r.Days, Day{Day: d.Format(time.DateOnly)})
	}
	c.today = make([]standing, len(r.Days))
	if err := source.Visits(c.take); err != nil {
		return nil, err
	}
	c.finish()
	r.All = Day{Day: "all"}
	for _, d := range r.Days {
		r.All.Clients += d.Clients
		r.All.Before += d.Before
		r.All.Later += d.Later
		r.All.AtLeast += d.AtLeast
		r.All.AtMost += d.AtMost
		r.All.LeftOut += d.LeftOut
	}
	return r, nil
}

func day(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

// proven tells the hours for which every host's feed is proven: in the hour, the
// one before and the one after, at least one probe came back and none failed.
// (The two around it, because a host may be seen shortly before or after.)
func (r *Report) proven(source Source) (map[time.Time]bool, error) {
	alive := map[time.Time]map[string]bool{}
	err := source.Proofs(func(p store.Proofs) {
		i := slices.IndexFunc(r.Hosts, func(h Host) bool { return h.Name == p.Host })
		if i < 0 {
			return
		}
		if !p.Hour.Before(r.From) && p.Hour.Before(r.To) {
			r.Hosts[i].Alive += p.Alive
			r.Hosts[i].Dead += p.Dead
		}
		if p.Alive > 0 && p.Dead == 0 {
			if alive[p.Hour] == nil {
				alive[p.Hour] = map[string]bool{}
			}
			alive[p.Hour][p.Host] = true
		}
	})
	proven := map[time.Time]bool{}
	all := func(hour time.Time) bool { return len(r.Hosts) > 0 && len(alive[hour]) == len(r.Hosts) }
	for hour := range alive {
		proven[hour] = all(hour) && all(hour.Add(-time.Hour)) && all(hour.Add(time.Hour))
	}
	return proven, err
}

// standing is where a client stands on one day.
type standing struct {
	came, counts             bool
	before, later, neighbour bool
	fresh                    bool // its time to come to a real host is not over
}

// counter goes through the visits, all of a client in a row, so that it needs no
// more memory for many clients than for one.
type counter struct {
	report *Report
	proven map[time.Time]bool
	now    time.Time
	client netip.Addr
	today  []standing // by day of the report
}

func (c *counter) take(h store.ClientHour) {
	if h.Client != c.client {
		c.finish()
		c.client = h.Client
	}
	i := int(h.Hour.Sub(c.report.From) / (24 * time.Hour))
	if h.Hour.Before(c.report.From) || i >= len(c.today) {
		return
	}
	s := &c.today[i]
	s.came = true
	if !c.proven[h.Hour] {
		return
	}
	s.counts = true
	s.before = s.before || h.Before
	s.later = s.later || h.Later
	s.neighbour = s.neighbour || h.Neighbour
	s.fresh = s.fresh || c.now.Sub(h.Last) < Settle
}

// finish counts the client whose visits have all been taken.
func (c *counter) finish() {
	for i := range c.today {
		s, d := c.today[i], &c.report.Days[i]
		c.today[i] = standing{}
		switch {
		case !s.came:
			continue
		case !s.counts:
			d.LeftOut++
			continue
		}
		d.Clients++
		switch {
		case s.before:
			d.Before++
		case s.later:
			d.Later++
		default:
			d.AtMost++
			if !s.neighbour && !s.fresh {
				d.AtLeast++
			}
		}
	}
}

package report

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/fakemx/fakemx/internal/sink/store"
)

var (
	firstDay = time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	now      = firstDay.Add(5 * 24 * time.Hour)
)

// facts are a Source.
type facts struct {
	visits []store.ClientHour
	proofs []store.Proofs
}

func (f *facts) Visits(give func(store.ClientHour)) error {
	for _, v := range f.visits {
		give(v)
	}
	return nil
}

func (f *facts) Proofs(give func(store.Proofs)) error {
	for _, p := range f.proofs {
		give(p)
	}
	return nil
}

// visit is one by a client, so many hours after the first day began.
func visit(client string, hour int, flags string) store.ClientHour {
	at := firstDay.Add(time.Duration(hour) * time.Hour)
	return store.ClientHour{
		Client: netip.MustParseAddr(client), Hour: at, First: at.Add(time.Minute), Last: at.Add(2 * time.Minute), Visits: 1,
		Before: strings.Contains(flags, "before"), Later: strings.Contains(flags, "later"), Neighbour: strings.Contains(flags, "neighbour"),
	}
}

// proven are good proofs for all hours of five days, except some.
func proven(host string, except ...int) []store.Proofs {
	var all []store.Proofs
	for hour := -1; hour < 5*24; hour++ {
		p := store.Proofs{Hour: firstDay.Add(time.Duration(hour) * time.Hour), Host: host, Alive: 12}
		for _, e := range except {
			if e == hour {
				p.Dead = 1
			}
		}
		all = append(all, p)
	}
	return all
}

func TestMake(t *testing.T) {
	hosts := []string{"mx1", "mx2"}
	good := append(proven("mx1"), proven("mx2")...)
	for _, c := range []struct {
		what   string
		visits []store.ClientHour
		proofs []store.Proofs
		hosts  []string
		want   Day // of the first day
	}{
		{"never seen", []store.ClientHour{visit("192.0.2.1", 9, "")}, good, hosts, Day{Clients: 1, AtLeast: 1, AtMost: 1}},
		{"seen before", []store.ClientHour{visit("192.0.2.1", 9, "before neighbour")}, good, hosts, Day{Clients: 1, Before: 1}},
		{"seen later", []store.ClientHour{visit("192.0.2.1", 9, "later neighbour")}, good, hosts, Day{Clients: 1, Later: 1}},
		{"a neighbour was seen", []store.ClientHour{visit("192.0.2.1", 9, "neighbour")}, good, hosts, Day{Clients: 1, AtMost: 1}},
		{"one client in three hours is one", []store.ClientHour{visit("192.0.2.1", 9, ""), visit("192.0.2.1", 10, ""), visit("192.0.2.1", 11, "later")}, good, hosts, Day{Clients: 1, Later: 1}},
		{"two clients are two", []store.ClientHour{visit("192.0.2.1", 9, ""), visit("192.0.2.2", 9, "")}, good, hosts, Day{Clients: 2, AtLeast: 2, AtMost: 2}},
		{"an hour in which a feed was dead", []store.ClientHour{visit("192.0.2.1", 9, "")}, append(proven("mx1"), proven("mx2", 9)...), hosts, Day{LeftOut: 1}},
		{"the hour after was dead", []store.ClientHour{visit("192.0.2.1", 9, "")}, append(proven("mx1"), proven("mx2", 10)...), hosts, Day{LeftOut: 1}},
		{"the hour before was dead", []store.ClientHour{visit("192.0.2.1", 9, "")}, append(proven("mx1"), proven("mx2", 8)...), hosts, Day{LeftOut: 1}},
		{"another hour of the client counts", []store.ClientHour{visit("192.0.2.1", 9, "later"), visit("192.0.2.1", 20, "")}, append(proven("mx1", 9), proven("mx2")...), hosts, Day{Clients: 1, AtLeast: 1, AtMost: 1}},
		{"one host of two has no feed", []store.ClientHour{visit("192.0.2.1", 9, "")}, proven("mx1"), hosts, Day{LeftOut: 1}},
		{"a host that is no longer configured doesn't matter", []store.ClientHour{visit("192.0.2.1", 9, "")}, append(proven("mx1"), proven("old", 9)...), hosts[:1], Day{Clients: 1, AtLeast: 1, AtMost: 1}},
		{"no host is configured", []store.ClientHour{visit("192.0.2.1", 9, "")}, good, nil, Day{LeftOut: 1}},
		{"days outside", []store.ClientHour{visit("192.0.2.1", -5, ""), visit("192.0.2.1", 200, "")}, good, hosts, Day{}},
	} {
		t.Run(c.what, func(t *testing.T) {
			r, err := Make(&facts{c.visits, c.proofs}, c.hosts, firstDay, now, now)
			if err != nil {
				t.Fatal(err)
			}
			c.want.Day = "2026-11-20"
			if len(r.Days) != 6 && len(r.Days) != 5 || r.Days[0] != c.want {
				t.Errorf("got %+v, want %+v", r.Days, c.want)
			}
		})
	}
	t.Run("who came within the last day may still come to a real host", func(t *testing.T) {
		at := firstDay.Add(10 * time.Hour)
		r, err := Make(&facts{[]store.ClientHour{visit("192.0.2.1", 9, "")}, good}, hosts, firstDay, at, at)
		if err != nil || r.Days[0].AtLeast != 0 || r.Days[0].AtMost != 1 {
			t.Errorf("got %+v, %v", r, err)
		}
	})
}

func TestText(t *testing.T) {
	r, err := Make(&facts{
		[]store.ClientHour{visit("192.0.2.1", 9, ""), visit("192.0.2.2", 9, "neighbour"), visit("192.0.2.3", 9, "before"), visit("192.0.2.3", 33, "later")},
		proven("mx1"),
	}, []string{"mx1"}, firstDay, firstDay.Add(48*time.Hour), now)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := r.Text(&out); err != nil {
		t.Fatal(err)
	}
	want := `Clients of the sinks from 2026-11-20 to 2026-11-21 (UTC)

         day  clients  seen before  seen later  away at least  away at most  left out
  2026-11-20        3            1           0              1             2         0
  2026-11-21        1            0           1              0             0         0
         all        4            1           1              1             2         0

Counted: 48 of 48 hours, those for which the feeds of all real hosts are proven.
  mx1: 576 probes came back through its feed, 0 did not

Of 2 clients a day, between 0.5 and 1 were turned away.

at least: neither the client nor anybody of its /24 (IPv4) or /48 (IPv6) was seen at a real host, and a day has passed.
at most:  the client itself was not seen at a real host so far.
Not every one of them is the fakes' merit: without fakes, some would have come to nothing either.
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
	text, err := json.Marshal(r)
	if err != nil || !strings.HasPrefix(string(text), `{"schema":"fakemx-sink-report/1","from":"2026-11-20T00:00:00Z","to":"2026-11-22T00:00:00Z","hosts":[{"name":"mx1","proofs":576,"failures":0}],"hours":48,"hours_counted":48,"days":[{"day":"2026-11-20","clients":3,"seen_before":1,"seen_later":0,"away_at_least":1,"away_at_most":2,"left_out":0}`) {
		t.Errorf("got %s, %v", text, err)
	}
}

func TestSummarySaysWhenNothingCanBeSaid(t *testing.T) {
	for _, hosts := range [][]string{nil, {"mx1"}} {
		r, err := Make(&facts{[]store.ClientHour{visit("192.0.2.1", 9, "")}, nil}, hosts, firstDay, now, now)
		if err != nil || !strings.HasPrefix(r.Summary(), "Nothing can be said") {
			t.Errorf("got %q, %v", r.Summary(), err)
		}
	}
}

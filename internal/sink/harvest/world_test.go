package harvest

import (
	"container/heap"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fakemx/fakemx/internal/senders"
	"github.com/fakemx/fakemx/internal/sink/dnsl"
	"github.com/fakemx/fakemx/internal/sink/seen"
	"github.com/fakemx/fakemx/internal/sink/smtp"
	"github.com/fakemx/fakemx/internal/sink/store"
	"github.com/fakemx/fakemx/internal/sink/visit"
)

// world is an Internet of a few hosts whose time runs fast: real hosts with their
// feeds, an answering sink, and who calls them. Everything happens in one
// goroutine, in the order of time.
type world struct {
	*testing.T
	now    time.Time
	agenda agenda
	hosts  []*realHost
	dns    *names
	fakes  []string
	lists  string // directory
	store  *store.Store
	engine *Engine

	said     []string
	verdicts map[Reason]int
	arrived  []netip.Addr  // at the sink, each once, without bots
	last     time.Time     // when somebody arrived
	skew     time.Duration // by how much the sink's clock is wrong
}

// realHost is a real mail host. Its zero value is up and puts nobody off.
type realHost struct {
	name         string
	ip4, ip6     netip.Addr
	down         bool
	hidden       bool // from all senders, not from the probe
	greylists    bool // puts off the first try of each envelope
	postscreen   bool // puts off each new address, before an envelope is told
	deaf         bool // its feed brings nothing
	bare         bool // its feed brings no envelopes
	unlogged     bool // its feed brings nothing else
	late         time.Duration
	clock        time.Duration // by how much it is wrong
	taken, known map[string]bool
}

const (
	probeEvery = 5 * time.Minute
	ourDomain  = "example.org"
)

var (
	birth = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	// first and second are the addresses of the two real hosts. The addresses of
	// documentation are not used: none of them is ever listed.
	first, first6   = netip.MustParseAddr("11.0.1.25"), netip.MustParseAddr("2600:1::25")
	second, second6 = netip.MustParseAddr("11.0.2.25"), netip.MustParseAddr("2600:2::25")
	sinkAddress     = netip.MustParseAddr("11.0.9.25")
)

// newWorld returns a world of which the feeds are proven for a week and a bit.
func newWorld(t *testing.T, change ...func(*world, *Config)) *world {
	t.Helper()
	w := youngWorld(t, change...)
	w.pass(Before + 2*time.Hour)
	w.every(time.Hour, w.round)
	w.every(6*time.Hour, w.forget)
	return w
}

// youngWorld returns one of which nothing is proven yet, and where no round is made.
func youngWorld(t *testing.T, change ...func(*world, *Config)) *world {
	t.Helper()
	w := &world{
		T: t, now: birth, dns: newNames(), lists: t.TempDir(), verdicts: make(map[Reason]int),
		fakes: []string{"low.example.org.", "high.example.org."},
		hosts: []*realHost{{name: "mx1.example.org", ip4: first, ip6: first6}, {name: "mx2.example.org", ip4: second, ip6: second6}},
	}
	w.dns.mx[ourDomain] = []string{"low.example.org", "mx1.example.org", "mx2.example.org", "high.example.org"}
	w.dns.addresses["mx1.example.org"] = []netip.Addr{first, first6}
	w.dns.addresses["mx2.example.org"] = []netip.Addr{second, second6}
	var err error
	if w.store, err = store.Open(filepath.Join(t.TempDir(), "sink.db")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.must(w.store.Close()) })
	writer, err := dnsl.New(dnsl.Config{Dir: w.lists, Zone: "bl.example.org"})
	w.must(err)
	c := Config{
		Store: w.store, Key: w.store.Key(), Resolver: w.dns, Lists: writer,
		Ours:  func(domain string) ([]string, bool) { return w.fakes, domain == ourDomain },
		After: After, Gap: probeEvery + 2*time.Minute,
		Now:      func() time.Time { return w.now },
		Say:      func(text string) { w.said = append(w.said, text) },
		Complain: func(err error) { w.said = append(w.said, err.Error()) },
		Count:    func(r Reason) { w.verdicts[r]++ },
		Hosts:    []Host{{"mx1.example.org", first}, {"mx2.example.org", second}},
	}
	for _, f := range change {
		f(w, &c)
	}
	w.engine = New(c)
	w.every(probeEvery, w.probe)
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// event is something that happens at a time.
type event struct {
	at time.Time
	do func()
}

type agenda []event

func (a agenda) Len() int           { return len(a) }
func (a agenda) Less(i, j int) bool { return a[i].at.Before(a[j].at) }
func (a agenda) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(e any)        { *a = append(*a, e.(event)) }
func (a *agenda) Pop() any {
	last := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return last
}

// in has something happen after a while.
func (w *world) in(d time.Duration, do func()) { heap.Push(&w.agenda, event{w.now.Add(d), do}) }

func (w *world) every(d time.Duration, do func()) {
	w.in(d, func() {
		do()
		w.every(d, do)
	})
}

// pass lets time pass.
func (w *world) pass(d time.Duration) {
	end := w.now.Add(d)
	for len(w.agenda) > 0 && !w.agenda[0].at.After(end) {
		next := heap.Pop(&w.agenda).(event)
		w.now = next.at
		next.do()
	}
	w.now = end
}

// round is what the engine does every second.
func (w *world) round() {
	w.engine.Decide(w.Context())
	w.engine.Publish()
}

func (w *world) forget() { w.must(w.store.Forget(w.now)) }

// probe proves the feeds as sink.prove does: a line that takes longer than a
// minute is none.
func (w *world) probe() {
	for _, h := range w.hosts {
		alive := !h.down && !h.deaf && h.late <= time.Minute
		w.engine.Proof(h.name, w.now, seen.Proof{Connections: alive && !h.unlogged, Envelopes: alive && !h.bare})
	}
}

// tell brings lines of a real host about a client, as sink.sighted does.
func (w *world) tell(h *realHost, client netip.Addr, envelope bool, from, to string) {
	s := seen.Sighting{Time: w.now.Add(h.clock), Host: h.name, Client: client}
	w.in(h.late, func() {
		if h.deaf {
			return
		}
		w.store.Seen(s.Client, s.Time)
		if envelope && !h.bare {
			s.Envelope, s.From, s.To = true, from, to
			w.engine.Sighted(s)
		}
	})
}

// call calls a real host up to RCPT, and reports whether it answered and whether
// it put the message off.
func (w *world) call(h *realHost, client netip.Addr, from, to string) (answered, putOff bool) {
	if h.down || h.hidden {
		return false, false
	}
	if h.taken == nil {
		h.taken, h.known = make(map[string]bool), make(map[string]bool)
	}
	new := !h.known[client.String()]
	h.known[client.String()] = true
	if h.postscreen && new {
		w.tell(h, client, false, "", "")
		return true, true
	}
	w.tell(h, client, true, from, to)
	new = !h.taken[from+" "+to]
	h.taken[from+" "+to] = true
	return true, h.greylists && new
}

// visit calls the sink, which tells of it as sink.visited does.
func (w *world) visit(client netip.Addr, helo string, mails ...smtp.Mail) {
	v := &visit.Visit{Time: w.now.Add(w.skew), Client: client, Sink: sinkAddress, End: visit.Quit}
	heard := &smtp.Heard{Helo: helo, Mails: mails}
	for _, m := range mails {
		heard.Recipients += len(m.To)
	}
	v.Hear(heard, w.store.Key())
	w.hear(v)
	w.in(time.Second, func() { w.check() })
}

// check asks DNS about the visits that wait.
func (w *world) check() {
	for len(w.engine.checks) > 0 {
		w.engine.checkOne(w.Context(), <-w.engine.checks)
	}
}

// hear takes a visit.
func (w *world) hear(v *visit.Visit) {
	if !isBot(v.Client) && !slices.Contains(w.arrived, v.Client) {
		w.arrived = append(w.arrived, v.Client)
	}
	w.last = w.now
	w.store.Visit(v.Client, v.Time)
	w.engine.Visit(v, true)
}

func mailFrom(from string, to ...string) smtp.Mail {
	mail := smtp.Mail{From: smtp.ParsePath(from)}
	for _, t := range to {
		mail.To = append(mail.To, smtp.ParsePath(t))
	}
	return mail
}

// A server is a mail server that sends to us as its kind does.
type server struct {
	kind    senders.Sender
	from    []netip.Addr // it, or its pool, each try from the next one
	from6   netip.Addr   // used where the other side has IPv6, if valid
	helo    string
	path    string
	retries []time.Duration // from one try to the next
}

var usualRetries = []time.Duration{5 * time.Minute, 10 * time.Minute, 20 * time.Minute, time.Hour, 4 * time.Hour, 8 * time.Hour}

// send has a server deliver a message to us, now and as often as it takes.
func (w *world) send(s server, to string) { w.try(s, to, 0) }

func (w *world) try(s server, to string, tries int) {
	client := s.from[tries%len(s.from)]
	for _, h := range w.hosts {
		from := client
		if s.from6.IsValid() && h.ip6.IsValid() {
			from = s.from6
		}
		answered, putOff := w.call(h, from, s.path, to)
		if answered && !putOff {
			return
		}
		if putOff && s.kind.Recipient4xx != senders.Next {
			w.retry(s, to, tries)
			return
		}
	}
	w.visit(client, s.helo, mailFrom(s.path, to))
	w.retry(s, to, tries)
}

func (w *world) retry(s server, to string, tries int) {
	if tries < len(s.retries) {
		w.in(s.retries[tries], func() { w.try(s, to, tries+1) })
	}
}

// stock returns one server of each known kind, none of which has SPF.
func stock() []server {
	all := make([]server, 0, len(senders.Known))
	for i, kind := range senders.Known {
		all = append(all, server{
			kind: kind, from: []netip.Addr{netip.AddrFrom4([4]byte{12, 1, byte(i), 25})},
			helo: fmt.Sprintf("out%d.example.net", i), path: fmt.Sprintf("ann@from%d.example.net", i), retries: usualRetries,
		})
	}
	return all
}

// bots sends one visit of each of n bots, each of another network, in the course
// of an hour.
func (w *world) bots(n int) {
	for i := range n {
		w.in(time.Duration(i)*time.Hour/time.Duration(n), func() {
			w.visit(bot(i), "bot.example", mailFrom(fmt.Sprintf("bot%d@forged.example", i), "bob@example.org"))
		})
	}
}

func bot(i int) netip.Addr { return netip.AddrFrom4([4]byte{13, byte(i >> 8), byte(i), 66}) }

func isBot(a netip.Addr) bool { return netip.MustParsePrefix("13.0.0.0/8").Contains(a) }

// judge lets time pass until every visit is judged and the lists are written.
func (w *world) judge() {
	w.pass(time.Hour)
	for w.now.Before(w.last.Add(After + patience + 2*time.Hour)) {
		w.pass(time.Hour)
	}
}

// listed returns who stands in the list that rspamd reads.
func (w *world) listed() []netip.Addr {
	w.Helper()
	text, err := os.ReadFile(filepath.Join(w.lists, dnsl.Rspamd))
	w.must(err)
	var all []netip.Addr
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") {
			a, err := netip.ParseAddr(strings.TrimSpace(line))
			w.must(err)
			all = append(all, a)
		}
	}
	return all
}

// reasons returns what was found of the visits of a client, in the order of time.
func (w *world) reasons(client netip.Addr) []Reason {
	w.Helper()
	shown, err := w.engine.Show(w.Context(), client)
	w.must(err)
	all := make([]Reason, 0, len(shown.Visits))
	for _, v := range shown.Visits {
		if v.Verdict == "" {
			w.Errorf("the visit of %v at %v is not judged: %s", client, v.Visit.Time, v.Reason)
		}
		all = append(all, v.Reason)
	}
	return all
}

// wantNone expects that somebody came to the sink, that nobody of them is listed,
// and that the reason is among some, in each case.
func (w *world) wantNone(among ...Reason) {
	w.Helper()
	for _, a := range w.listed() {
		if !isBot(a) {
			w.Errorf("%v is listed", a)
		}
	}
	w.wantReasons(w.arrived, among...)
}

// wantReasons expects visits, and the reason of each among some, all of which
// occur. Once a client is found to be a mail server its other visits are forgiven.
func (w *world) wantReasons(clients []netip.Addr, among ...Reason) {
	w.Helper()
	found := map[Reason]int{}
	for _, client := range clients {
		cleared := false
		for _, reason := range w.reasons(client) {
			found[reason]++
			cleared = cleared || reason.clears()
			if !slices.Contains(among, reason) && (!cleared || reason != Acquitted) {
				w.Errorf("%v: found %s", client, reason)
			}
		}
	}
	for _, reason := range among {
		if found[reason] == 0 {
			w.Errorf("no visit was found to be %s, only %v", reason, found)
		}
	}
}

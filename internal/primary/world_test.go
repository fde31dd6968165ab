package primary

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/plugin/file"
	"github.com/fakemx/fakemx/internal/answer"
	"github.com/fakemx/fakemx/internal/config"
	"github.com/fakemx/fakemx/internal/serial"
	"github.com/fakemx/fakemx/internal/zones"
	"github.com/miekg/dns"
)

const apex = "example.org."

// world is a primary with the plugin file behind it, and what it says to its
// secondaries and to the operator. Its clock is that of the bubble it is in.
type world struct {
	*Primary
	t *testing.T

	configured *zones.Zones
	stanza     *config.Stanza

	mu       sync.Mutex
	zones    map[string]*file.Zone
	silent   bool
	has      map[string]int
	asked    int // questions to the plugins behind
	foreign  bool
	notified []notice
	refused  error
	slow     func(zone string) time.Duration
	telling  int
	most     int
	changed  chan struct{}
	lines    []string
}

// notice is a NOTIFY that was sent, so long after the start of the world.
type notice struct {
	zone string
	at   time.Duration
}

// bubble runs a test with a clock of its own.
func bubble(t *testing.T, what string, f func(t *testing.T)) {
	t.Helper()
	t.Run(what, func(t *testing.T) { synctest.Test(t, f) })
}

// newWorld makes a primary for the zones, whose numbers begin at 100, with one
// highest fake in each. It is not started.
func newWorld(t *testing.T, files *serial.Files, path string, apexes ...string) *world {
	t.Helper()
	w := &world{
		t: t, zones: make(map[string]*file.Zone), has: make(map[string]int),
		slow: func(string) time.Duration { return 0 }, changed: make(chan struct{}),
	}
	for _, apex := range apexes {
		w.load(apex, 100)
	}
	stanzas, err := config.Parse(caddy.NewTestController("dns",
		"fakemx "+strings.Join(apexes, " ")+" {\nhighest fake9 203.0.113.9\nserial "+path+"\n}\n"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := files.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	w.Primary = New(f)
	w.configured, w.stanza = zones.New(stanzas), stanzas[0]
	w.Answers = answer.New(w.configured)
	w.Answers.SetFront(nil, false)
	w.Answers.Next = w
	w.Has, w.Notify, w.Changes, w.Log = w.transferable, w.tellSecondaries, w.watched, w
	return w
}

// running is a world that has started and looked at its zones.
func running(t *testing.T, apexes ...string) *world {
	t.Helper()
	w := newWorld(t, serial.NewFiles(quiet{}), filepath.Join(t.TempDir(), "serials"), apexes...)
	w.Start()
	synctest.Wait()
	return w
}

// list puts a list of zones in force, whose numbers begin at 100.
func (w *world) list(apexes ...string) {
	w.t.Helper()
	for _, apex := range apexes {
		w.load(apex, 100)
	}
	w.configured.SetLists([]*config.List{config.NewList(w.stanza, apexes)})
}

// load puts a zone in force behind the primary, with more records if there are
// any.
func (w *world) load(apex string, number uint32, more ...string) {
	w.t.Helper()
	text := fmt.Sprintf("$TTL 300\n@ IN SOA ns hostmaster %d 1 1 1 300\n@ IN NS ns\n@ IN MX 10 mail\nns IN A 192.0.2.53\nmail IN A 192.0.2.25\n", number) + strings.Join(more, "")
	z, err := file.Parse(strings.NewReader(text), apex, "db."+apex, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.zones[apex] = z
}

// unload takes a zone away from behind the primary.
func (w *world) unload(apex string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.zones, apex)
}

func (w *world) Name() string { return "behind" }

// ServeDNS answers as file does with the zones in force, or after five seconds
// with a failure.
func (w *world) ServeDNS(ctx context.Context, rw dns.ResponseWriter, r *dns.Msg) (int, error) {
	f := file.File{Zones: file.Zones{Z: make(map[string]*file.Zone)}}
	w.mu.Lock()
	for apex, z := range w.zones {
		f.Z[apex] = z
		f.Names = append(f.Names, apex)
	}
	silent := w.silent
	w.asked++
	w.mu.Unlock()
	if silent {
		time.Sleep(5 * time.Second)
		return dns.RcodeServerFailure, nil
	}
	return f.ServeDNS(ctx, rw, r)
}

func (w *world) silence(silent bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.silent = silent
}

func (w *world) transferable(apex string, _ *dns.SOA) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.has[apex]++
	return !w.foreign
}

// lookups is how often it was asked whether a zone can be transferred.
func (w *world) lookups(apex string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.has[apex]
}

// questions is how many were put to the plugins behind.
func (w *world) questions() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.asked
}

// tellSecondaries stands for the Notify of transfer.
func (w *world) tellSecondaries(zone string) error {
	w.mu.Lock()
	w.notified = append(w.notified, notice{zone, time.Since(began)})
	w.telling++
	w.most = max(w.most, w.telling)
	pause, err := w.slow(zone), w.refused
	w.mu.Unlock()
	time.Sleep(pause)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.telling--
	if err != nil {
		return fmt.Errorf("notify for zone %q: %w", zone, err)
	}
	return nil
}

// refuse has NOTIFY fail with err from now on, or not for nil.
func (w *world) refuse(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refused = err
}

// began is when each bubble begins.
var began = time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)

func (w *world) watched() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.changed
}

// change says that something that is watched has changed.
func (w *world) change() {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.changed)
	w.changed = make(chan struct{})
}

// told returns what was told to secondaries since the last call.
func (w *world) told() []notice {
	w.mu.Lock()
	defer w.mu.Unlock()
	told := w.notified
	w.notified = nil
	return told
}

func (w *world) Infof(format string, args ...any)    { w.log(format, args) }
func (w *world) Warningf(format string, args ...any) { w.log(format, args) }
func (w *world) Errorf(format string, args ...any)   { w.log(format, args) }

func (w *world) log(format string, args []any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lines = append(w.lines, fmt.Sprintf(format, args...))
}

func (w *world) logged() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.lines)
}

// serves expects the number of a zone.
func (w *world) serves(apex string, number uint32) {
	w.t.Helper()
	if s, known := w.file.State(apex); !known || s.Served != number {
		w.t.Errorf("%s is served with %d, known: %t; want %d", apex, s.Served, known, number)
	}
}

// soa is an answer to a question for the SOA record of a zone with the backend's
// number.
func soa(apex string, number uint32, qtype uint16) *dns.Msg {
	m := new(dns.Msg).SetQuestion(apex, qtype)
	m.Answer = []dns.RR{&dns.SOA{Hdr: dns.RR_Header{Name: apex, Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: 300}, Serial: number}}
	return m
}

// number is that of the SOA record in an answer.
func number(m *dns.Msg) uint32 { return m.Answer[0].(*dns.SOA).Serial }

// quiet takes lines and forgets them.
type quiet struct{}

func (quiet) Infof(string, ...any)    {}
func (quiet) Warningf(string, ...any) {}
func (quiet) Errorf(string, ...any)   {}

var errRefused = errors.New("refused")

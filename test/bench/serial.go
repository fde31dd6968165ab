package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/miekg/dns"

	"github.com/fakemx/fakemx/test/proc"
)

// The zones are all alike: z0.test, z1.test and so on, with one real MX.
const (
	numberedSOA    = "3600 IN SOA ns.example. hostmaster.example. 2026112501 7200 3600 1209600 3600"
	numberedNS     = "3600 IN NS ns.example."
	numberedMX     = "3600 IN MX 10 mail.example."
	backendNumber  = 2026112501
	numbersFile    = "serials"
	numberedFakes  = "lowest fake0.mx 203.0.113.10"
	anotherFake    = "highest fake1.mx 203.0.113.11"
	numberedAsMany = 2 // MX records of a zone before the other fake joins

	// followPause is how often it is looked what the secondary has, and frontZones
	// how many zones are then asked for: the first that it didn't have the last time.
	followPause = 200 * time.Millisecond
	frontZones  = 200
)

// numberedTemplates answer for all zones. The plugins of CoreDNS that hold zones
// look for the zone of a question in all that they have, one by one, and a
// hundred thousand take them milliseconds; auto finds the zone to transfer at once.
// They stand in front of transfer, and leave transfers to it.
const numberedTemplates = `template IN SOA test {
    match "^z[0-9]+[.]test[.]$"
    answer "{{ .Name }} ` + numberedSOA + `"
    fallthrough
}
template IN NS test {
    match "^z[0-9]+[.]test[.]$"
    answer "{{ .Name }} ` + numberedNS + `"
    fallthrough
}
template IN MX test {
    match "^z[0-9]+[.]test[.]$"
    answer "{{ .Name }} ` + numberedMX + `"
    fallthrough
}
template IN ANY test {
    expr "type() not in ['AXFR', 'IXFR']"
    match "^z[0-9]+[.]test[.]$"
    authority "{{ .Name }} ` + numberedSOA + `"
    fallthrough
}
template IN ANY test {
    match "[.](?P<zone>z[0-9]+[.]test[.])$"
    rcode NXDOMAIN
    authority "{{ .Group.zone }} ` + numberedSOA + `"
    fallthrough
}`

// secondaryConf is NSD with all zones of the primary, but for the zones.
const secondaryConf = `server:
    ip-address: 127.0.0.1@%d
    username: ""
    chroot: ""
    zonesdir: "%[2]s"
    database: ""
    pidfile: ""
    zonelistfile: "%[2]s/nsd.list"
    xfrdfile: "%[2]s/nsd.xfr"
    xfrdir: "%[2]s"
    server-count: 1
    rrl-ratelimit: 0
remote-control:
    control-enable: no
pattern:
    name: numbered
    request-xfr: AXFR 127.0.0.1@%[3]d NOKEY
    allow-notify: 127.0.0.1 NOKEY
`

// numbering is a hidden primary of many zones out of a list, with serial, and a
// secondary that has all of them.
type numbering struct {
	env                *environment
	zones              int
	primary, secondary *process
	secondaryPort      int
	metrics            string    // URL
	configs            [2]string // with a fake less, and with it
}

// serial measures how the numbers of many zones move when a fake is added, and
// when a secondary has the new zones.
func serial(args []string) error {
	flags := flag.NewFlagSet("serial", flag.ExitOnError)
	binary := flags.String("coredns", "", "CoreDNS with fakemx; built if empty")
	zones := flags.Int("zones", 100_000, "zones of the list")
	flags.Parse(args)
	if *zones < 1 {
		return fmt.Errorf("zones %d: expected a number from 1", *zones)
	}
	if _, err := exec.LookPath(nsd.program); err != nil {
		return fmt.Errorf("%w: expected NSD, which is the secondary", err)
	}
	env, err := newEnvironment(*binary)
	if err != nil {
		return err
	}
	defer env.remove()
	if err := env.describe(os.Stdout); err != nil {
		return err
	}
	fmt.Printf("%s %s\n\n", nsd.name, nsd.versionOf())
	return measureSerial(os.Stdout, env, *zones)
}

func measureSerial(w io.Writer, env *environment, zones int) (err error) {
	n := &numbering{env: env, zones: zones}
	defer func() { err = errors.Join(err, n.stop()) }()
	if err := n.write(); err != nil {
		return err
	}
	if err := n.startPrimary(); err != nil {
		return err
	}
	f, err := n.begin()
	if err != nil {
		return err
	}
	if err := n.startSecondary(); err != nil {
		return err
	}
	first, err := n.follow(f, backendNumber+1, numberedAsMany)
	if err != nil {
		return fmt.Errorf("the first transfers: %w", err)
	}
	before, err := n.used()
	if err != nil {
		return err
	}
	if f, err = n.begin(); err != nil {
		return err
	}
	if err := n.addFake(); err != nil {
		return err
	}
	then, err := n.follow(f, backendNumber+2, numberedAsMany+1)
	if err != nil {
		return fmt.Errorf("with another fake: %w", err)
	}
	after, err := n.used()
	if err != nil {
		return err
	}
	if err := n.check(backendNumber+2, numberedAsMany+1); err != nil {
		return err
	}
	n.print(w, first, then, before, after)
	return nil
}

func numberedZone(i int) string { return fmt.Sprintf("z%d.test.", i) }

// write writes the zones, the list of them, and the configurations.
func (n *numbering) write() error {
	if err := os.Mkdir(n.env.path("zones"), 0o700); err != nil {
		return err
	}
	text := []byte("@ " + numberedSOA + "\n@ " + numberedNS + "\n@ " + numberedMX + "\n")
	var list strings.Builder
	for i := range n.zones {
		zone := strings.TrimSuffix(numberedZone(i), ".")
		if err := writeInPlace(n.env.path("zones/db."+zone), text); err != nil {
			return err
		}
		list.WriteString(zone + "\n")
	}
	return n.env.write(listFile, list.String())
}

func (n *numbering) startPrimary() error {
	var ports [3]int
	for i := range ports {
		var err error
		if ports[i], err = freePort(); err != nil {
			return err
		}
	}
	n.secondaryPort = ports[1]
	n.metrics = fmt.Sprintf("http://127.0.0.1:%d/metrics", ports[2])
	for i, fakes := range []string{numberedFakes, numberedFakes + "\n    " + anotherFake} {
		// In a block with prometheus, auto would tell it of each zone by the whole list
		// of them.
		n.configs[i] = corefile("metrics.invalid", ports[0], fmt.Sprintf("prometheus 127.0.0.1:%d", ports[2]), "whoami") +
			corefile("test", ports[0],
				"fakemx none.test {\n    "+fakes+"\n    zones_from "+listFile+"\n    serial "+numbersFile+"\n}",
				fmt.Sprintf("transfer {\n    to 127.0.0.1:%d\n}", n.secondaryPort),
				numberedTemplates,
				"auto {\n    directory zones\n    reload 0s\n}")
	}
	if err := n.env.write(corefileName("serial"), n.configs[0]); err != nil {
		return err
	}
	var err error
	n.primary, err = n.start(ports[0], n.env.binary, "-conf", n.env.path(corefileName("serial")), "-quiet")
	return err
}

func (n *numbering) startSecondary() error {
	var conf strings.Builder
	fmt.Fprintf(&conf, secondaryConf, n.secondaryPort, n.env.dir, n.primary.port)
	for i := range n.zones {
		fmt.Fprintf(&conf, "zone:\n    name: %s\n    include-pattern: numbered\n", numberedZone(i))
	}
	if err := n.env.write("nsd.conf", conf.String()); err != nil {
		return err
	}
	var err error
	n.secondary, err = n.start(n.secondaryPort, nsd.program, "-d", "-c", n.env.path("nsd.conf"))
	return err
}

func (n *numbering) start(port int, argv ...string) (*process, error) {
	return startWithin(n.limit(), n.env.dir, placement{2, anyCore}, port, dns.Question{Name: numberedZone(0), Qtype: dns.TypeMX}, argv...)
}

// limit is how long a start, or all that follows a change, may take. It is less
// than the refresh interval of the zones, with which a secondary has everything in
// the end.
func (n *numbering) limit() time.Duration {
	return min(startLimit+time.Duration(n.zones)*20*time.Millisecond, time.Hour)
}

func (n *numbering) stop() error {
	var running []*process
	for _, p := range []*process{n.secondary, n.primary} {
		if p != nil {
			running = append(running, p)
		}
	}
	return stopAll(running)
}

// addFake reloads the primary with another fake.
func (n *numbering) addFake() error {
	if err := n.env.write(corefileName("serial"), n.configs[1]); err != nil {
		return err
	}
	return n.primary.cmd.Process.Signal(syscall.SIGUSR1)
}

// following is how long after a change what was so.
type following struct {
	began                       time.Time
	before                      counts
	reloaded, firstNumber, told time.Duration
	first, median, last, all    time.Duration
}

// begin returns what is so right before a change.
func (n *numbering) begin() (f following, err error) {
	f.before, err = n.counted()
	f.began = time.Now()
	return f, err
}

// note notes a time if what it stands for is so for the first time.
func (f *following) note(at *time.Duration, is bool) {
	if *at == 0 && is {
		*at = time.Since(f.began)
	}
}

// follow waits until the secondary has every zone with the number and so many MX
// records. It asks the secondary only: a question to the primary would have it look at
// the zone.
func (n *numbering) follow(f following, number uint32, records int) (following, error) {
	missing := n.all()
	for {
		err := n.progress(&f, records)
		if err == nil {
			missing, err = n.front(missing, number)
		}
		if err != nil {
			return f, err
		}
		f.note(&f.all, len(missing) == 0 && f.first > 0 && f.median > 0 && f.last > 0)
		if f.all > 0 && f.told > 0 {
			return f, nil
		}
		if elapsed := time.Since(f.began); elapsed > n.limit() {
			now, err := n.counted()
			return f, errors.Join(err, fmt.Errorf("after %v the secondary has not got the number %d, or the MX records, of all %d zones: of %s for one; NOTIFY was accepted of %d, and failed of %d",
				elapsed.Round(time.Second), number, n.zones, exampleOf(missing), now.accepted-f.before.accepted, now.failed-f.before.failed))
		}
		time.Sleep(followPause)
	}
}

func exampleOf(zones []int) string {
	if len(zones) == 0 {
		return "the first, the median or the last"
	}
	return numberedZone(zones[0])
}

func (n *numbering) all() []int {
	zones := make([]int, n.zones)
	for i := range zones {
		zones[i] = i
	}
	return zones
}

// front asks the secondary for the first of the zones, and for more as long as it
// has all of them with the number. It returns the others.
func (n *numbering) front(zones []int, number uint32) ([]int, error) {
	for len(zones) > 0 {
		ask := zones[:min(frontZones, len(zones))]
		lacking, err := lack(n.secondary.addr(), ask, dns.TypeSOA, hasNumber(number))
		if err != nil {
			return nil, err
		}
		zones = append(lacking, zones[len(ask):]...)
		if len(lacking) > 0 {
			break
		}
	}
	return zones, nil
}

// progress notes what is so.
func (n *numbering) progress(f *following, records int) error {
	f.note(&f.reloaded, n.primary.log.has("Reloading complete"))
	if now, err := n.counted(); err == nil { // a reload moves the metrics to a new listener
		f.note(&f.firstNumber, now.commits > f.before.commits)
		f.note(&f.told, now.accepted-f.before.accepted >= uint64(n.zones))
	}
	for _, zone := range []struct {
		number int
		at     *time.Duration
	}{{0, &f.first}, {n.zones / 2, &f.median}, {n.zones - 1, &f.last}} {
		if *zone.at > 0 {
			continue
		}
		lacking, err := lack(n.secondary.addr(), []int{zone.number}, dns.TypeMX, hasRecords(records))
		if err != nil {
			return err
		}
		f.note(zone.at, len(lacking) == 0)
	}
	return nil
}

// check asks primary and secondary for every zone.
func (n *numbering) check(number uint32, records int) error {
	for _, server := range []struct {
		name string
		*process
	}{{"secondary", n.secondary}, {"primary", n.primary}} {
		for _, want := range []struct {
			what  string
			qtype uint16
			is    func(*dns.Msg) bool
		}{
			{fmt.Sprintf("the number %d", number), dns.TypeSOA, hasNumber(number)},
			{fmt.Sprintf("%d MX records", records), dns.TypeMX, hasRecords(records)},
		} {
			lacking, err := lack(server.addr(), n.all(), want.qtype, want.is)
			if err != nil {
				return err
			}
			if len(lacking) > 0 {
				return fmt.Errorf("at the %s %d zones do not have %s, %s for one", server.name, len(lacking), want.what, numberedZone(lacking[0]))
			}
		}
	}
	return nil
}

// counts are counters of the primary.
type counts struct{ commits, accepted, failed uint64 }

func (n *numbering) counted() (c counts, err error) {
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	text, err := scrape(client, n.metrics)
	if err != nil {
		return c, err
	}
	for name, to := range map[string]*uint64{
		"coredns_fakemx_serial_commits_total":                      &c.commits,
		`coredns_fakemx_serial_notifies_total{outcome="accepted"}`: &c.accepted,
		`coredns_fakemx_serial_notifies_total{outcome="failed"}`:   &c.failed,
	} {
		if *to, err = counter(string(text), name); err != nil {
			return c, fmt.Errorf("%s: %w", n.metrics, err)
		}
	}
	return c, nil
}

// counter returns the value of a counter in the text of metrics; 0 if it is not
// there.
func counter(text, name string) (uint64, error) {
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			f, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			return uint64(f), err
		}
	}
	return 0, nil
}

// taken is what the primary has and uses at one moment.
type taken struct {
	counts
	file, rss, peak int64
}

func (n *numbering) used() (u taken, err error) {
	if u.counts, err = n.counted(); err != nil {
		return u, err
	}
	file, err := os.Stat(n.env.path(numbersFile))
	if err != nil {
		return u, err
	}
	u.file = file.Size()
	u.rss, u.peak, err = proc.Memory(n.primary.cmd.Process.Pid)
	return u, err
}

func (n *numbering) print(w io.Writer, first, then following, before, after taken) {
	seconds := func(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
	usage := func(u taken) (file, memory string) {
		return fmt.Sprintf("%.1f MiB", float64(u.file)/(1<<20)), fmt.Sprintf("%d MiB (%d)", u.rss>>20, u.peak>>20)
	}
	fileBefore, memoryBefore := usage(before)
	fileAfter, memoryAfter := usage(after)
	t := table{head: []string{fmt.Sprintf("%d zones", n.zones), "first transfers", "a fake is added"}}
	t.add("the new configuration is in force after", "", seconds(then.reloaded))
	t.add("the first number is served after", seconds(first.firstNumber), seconds(then.firstNumber))
	t.add("all are, and NOTIFY of them was accepted, after", seconds(first.told), seconds(then.told))
	t.add("the secondary has the first zone of the list after", seconds(first.first), seconds(then.first))
	t.add("the one in the middle", seconds(first.median), seconds(then.median))
	t.add("the last one", seconds(first.last), seconds(then.last))
	t.add("all", seconds(first.all), seconds(then.all))
	t.add("commits of FILE", strconv.FormatUint(before.commits, 10), strconv.FormatUint(after.commits-before.commits, 10))
	t.add("NOTIFY that failed, and was sent again", strconv.FormatUint(before.failed, 10), strconv.FormatUint(after.failed-before.failed, 10))
	t.add("FILE afterwards", fileBefore, fileAfter)
	t.add("resident memory of the primary afterwards (most so far)", memoryBefore, memoryAfter)
	t.print(w)
}

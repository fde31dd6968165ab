package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/fakemx/fakemx/test/bench/load"
	"github.com/fakemx/fakemx/test/proc"
)

const (
	listFile = "zones.list"
	rootFile = "root.zone"
	rootZone = `$ORIGIN .
$TTL 3600
@	IN SOA ns.test. hostmaster.test. 1 7200 3600 1209600 3600
@	IN NS ns.test.
ns.test.	IN A 192.0.2.53
mail.test.	IN A 192.0.2.25
base.example.	IN A 192.0.2.80
`
	// listedMX answers for every zone of the lists, so that a million of them need
	// no million zone files.
	listedMX = `template IN MX example {
    match "^zone[0-9]+[.]example[.]$"
    answer "{{ .Name }} 3600 IN MX 10 mail.test."
    fallthrough
}`
	listStanza = "fakemx base.example {\n    lowest fake0.mx 203.0.113.10\n    zones_from " + listFile + "\n}"
	// pickedUp is within what time a change of the list must be in force.
	pickedUp = 10 * time.Second
)

// scale looks at what grows with the number of zones.
func scale(args []string) error {
	flags := flag.NewFlagSet("scale", flag.ExitOnError)
	binary := flags.String("coredns", "", "CoreDNS with fakemx; built if empty")
	most := flags.Int("zones", 1_000_000, "zones of the largest list")
	flags.Parse(args)
	env, err := newEnvironment(*binary)
	if err != nil {
		return err
	}
	defer env.remove()
	if err := env.describe(os.Stdout); err != nil {
		return err
	}
	if err := env.write(rootFile, rootZone); err != nil {
		return err
	}
	if err := listSizes(os.Stdout, env, *most); err != nil {
		return fmt.Errorf("lists: %w", err)
	}
	if err := swaps(os.Stdout, env, *most, writings); err != nil {
		return fmt.Errorf("swaps: %w", err)
	}
	if err := askedZones(os.Stdout, env, effort{rounds: 7, seconds: time.Second}, max(*most/1000, 1), max(*most/50, 2)); err != nil {
		return fmt.Errorf("zones asked for: %w", err)
	}
	return corefileSizes(os.Stdout, env, *most/10)
}

// listText returns a list of n zones, the first of which is zone number from.
func listText(from, n int) []byte {
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, "%s\n", listedZone(from+i))
	}
	return b.Bytes()
}

func listedZone(i int) string { return fmt.Sprintf("zone%d.example", i) }

// startListed starts CoreDNS over the listed zones with the given lines above them.
func startListed(env *environment, lines ...string) (*process, error) {
	return startListedAt(env, placement{2, anyCore}, lines...)
}

func startListedAt(env *environment, place placement, lines ...string) (*process, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	text := corefile(".", port, append(lines, listedMX, "file "+rootFile+" .")...)
	return env.corednsWith("scale", place, port, dns.Question{Name: "base.example.", Qtype: dns.TypeA}, text)
}

// tenfold returns the sizes to look at: a thousandth of most, and up to it.
func tenfold(most int) []int {
	return []int{max(most/1000, 1), max(most/100, 1), max(most/10, 1), most}
}

// listSizes shows that the time and the memory to load a list grow with its length and no faster.
func listSizes(w io.Writer, env *environment, most int) error {
	fmt.Fprintf(w, "### zones_from at start\n\n")
	t := table{head: []string{"zones", "start ms", "more than with 1 zone, ms", "µs a zone", "resident MiB", "more than with 1 zone, MiB"}}
	var bare, bareMemory float64
	for _, n := range append([]int{1}, tenfold(most)...) {
		if err := writeInPlace(env.path(listFile), listText(0, n)); err != nil {
			return err
		}
		var starts, memory []float64
		for range 5 {
			p, err := startListed(env, listStanza)
			if err != nil {
				return err
			}
			// What was read is garbage until the collector has run once more.
			time.Sleep(500 * time.Millisecond)
			rss, _, err := proc.Memory(p.cmd.Process.Pid)
			if err := errors.Join(err, p.stop()); err != nil {
				return err
			}
			starts = append(starts, float64(p.started.Microseconds())/1000)
			memory = append(memory, float64(rss)/(1<<20))
		}
		start, resident := spreadOf(starts).median, spreadOf(memory).median
		if n == 1 {
			bare, bareMemory = start, resident
		}
		t.add(strconv.Itoa(n), spreadOf(starts).format("%.0f"), fmt.Sprintf("%.0f", start-bare),
			fmt.Sprintf("%.2f", (start-bare)*1000/float64(n)), spreadOf(memory).format("%.0f"), fmt.Sprintf("%.0f", resident-bareMemory))
	}
	t.print(w)
	return nil
}

// corefileSizes shows the same for zones and stanzas of a Corefile, next to the
// time that acl needs for as many: reading a Corefile of this size is not free.
func corefileSizes(w io.Writer, env *environment, most int) error {
	fmt.Fprintf(w, "### zones and stanzas of a Corefile\n\n")
	t := table{head: []string{"", "start ms", "with *acl* instead, ms"}}
	row := func(what string, text func(plugin, body string) string) error {
		var medians []string
		for _, with := range [][2]string{{"fakemx", "highest fake.mx 203.0.113.10"}, {"acl", "allow net *"}} {
			var starts []float64
			for range 3 {
				p, err := startListed(env, text(with[0], with[1]))
				if err != nil {
					return fmt.Errorf("%s: %w", what, err)
				}
				starts = append(starts, float64(p.started.Microseconds())/1000)
				if err := p.stop(); err != nil {
					return err
				}
			}
			medians = append(medians, spreadOf(starts).format("%.0f"))
		}
		t.add(append([]string{what}, medians...)...)
		return nil
	}
	for _, n := range tenfold(most)[1:] {
		err := row(fmt.Sprintf("%d zones in 1 stanza", n), func(plugin, body string) string {
			return plugin + " " + strings.Join(strings.Fields(string(listText(0, n))), " ") + " {\n    " + body + "\n}"
		})
		if err != nil {
			return err
		}
	}
	for _, n := range tenfold(most / 10)[1:] {
		err := row(fmt.Sprintf("%d stanzas of 1 zone", n), func(plugin, body string) string {
			var b strings.Builder
			for i := range n {
				fmt.Fprintf(&b, "%s %s {\n    %s\n}\n", plugin, listedZone(i), body)
			}
			return strings.TrimSpace(b.String())
		})
		if err != nil {
			return err
		}
	}
	t.print(w)
	return nil
}

// swaps replaces the list in each way that operators do it, under load. The old
// and the new list overlap by half. Every answer must be that of one list, and
// after the first of the new one no query may be answered by the old one.
func swaps(w io.Writer, env *environment, most int, ways []writing) (err error) {
	old, new := listText(0, most), listText(most/2, most)
	path := env.path(listFile)
	if err := writeInPlace(path, old); err != nil {
		return err
	}
	p, err := startListed(env, listStanza)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()

	fmt.Fprintf(w, "### the list of %d zones is replaced under load\n\n", most)
	t := table{head: []string{"how", "in force after s", "queries", "lost", "old after new, or wrong", "resident MiB (most so far)"}}
	for _, way := range ways {
		report, after, err := swapUnderLoad(p, most, func() error { return way.write(path, new) })
		if err != nil {
			return fmt.Errorf("%s: %w", way.how, err)
		}
		rss, peak, err := proc.Memory(p.cmd.Process.Pid)
		if err != nil {
			return err
		}
		t.add(way.how, fmt.Sprintf("%.1f", after.Seconds()), strconv.FormatUint(report.Sent, 10), strconv.FormatUint(report.Lost, 10), strconv.FormatUint(report.Wrong, 10),
			fmt.Sprintf("%d (%d)", rss>>20, peak>>20))
		if err := restore(p, path, old, most); err != nil {
			return err
		}
	}
	t.print(w)
	return nil
}

// writing is one way to replace a file.
type writing struct {
	how   string
	write func(path string, text []byte) error
}

var writings = []writing{
	{"written in place", writeInPlace},
	{"renamed over", writeBeside},
	{"written in two halves, 3 s apart", writeHalves},
}

func writeInPlace(path string, text []byte) error { return os.WriteFile(path, text, 0o600) }

func writeBeside(path string, text []byte) error {
	return errors.Join(writeInPlace(path+".new", text), os.Rename(path+".new", path))
}

// writeHalves writes slowly: what is there for a while is no list, only a part.
func writeHalves(path string, text []byte) error {
	half := len(text)/2 + 1
	for text[half-1] == '\n' || text[half] == '\n' {
		half++ // the cut is within a name
	}
	if err := writeInPlace(path, text[:half]); err != nil {
		return err
	}
	time.Sleep(3 * time.Second)
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.Write(text[half:])
	return errors.Join(err, file.Close())
}

// swapUnderLoad writes the new list while queries run, and returns how long
// after the writing its first answer came.
func swapUnderLoad(p *process, most int, write func() error) (*load.Report, time.Duration, error) {
	plan, err := swapPlan(most)
	if err != nil {
		return nil, 0, err
	}
	written := make(chan error, 1)
	var done time.Time
	go func() {
		time.Sleep(time.Second)
		err := write()
		done = time.Now()
		written <- err
	}()
	report, err := generate(placement{1, anyCore}, load.Config{
		Server: p.addr(), Network: "udp", Conns: sockets, Window: window,
		Duration: pickedUp + 8*time.Second, Timeout: 5 * time.Second,
	}, plan)
	if err := errors.Join(err, <-written); err != nil {
		return nil, 0, err
	}
	if err := report.Failed(); err != nil {
		return nil, 0, err
	}
	after := report.FirstNew.Sub(done)
	if report.FirstNew.IsZero() || after > pickedUp {
		return nil, 0, fmt.Errorf("not in force within %v of the change (first answer of the new list: %v)", pickedUp, report.FirstNew)
	}
	return report, after, nil
}

// swapPlan asks for zones that are in the old list only, in both, in the new
// one only, and in none.
func swapPlan(most int) (*load.Plan, error) {
	plan := &load.Plan{Ordered: true}
	const asked = 4000
	for i := range asked {
		n := i * (2 * most / asked)
		query := load.Query{Name: listedZone(n) + ".", Type: dns.TypeMX}
		bare, fakes, err := listedAnswers(plan, query)
		if err != nil {
			return nil, err
		}
		switch {
		case n < most/2:
			query.Want = []load.Answer{fakes, bare}
		case n < most:
			query.Want = []load.Answer{fakes}
		case n < most+most/2:
			query.Want = []load.Answer{bare, fakes}
		default:
			query.Want = []load.Answer{bare}
		}
		plan.Queries = append(plan.Queries, query)
	}
	return plan, nil
}

// listedAnswers returns what the server answers for a zone outside and inside the list.
func listedAnswers(plan *load.Plan, query load.Query) (bare, fakes load.Answer, err error) {
	m := plan.Message(query)
	m.Response, m.Authoritative = true, true
	add := func(to *[]dns.RR, text string) {
		rr, parseErr := dns.NewRR(text)
		err = errors.Join(err, parseErr)
		*to = append(*to, rr)
	}
	add(&m.Answer, query.Name+" 3600 IN MX 10 mail.test.")
	if err != nil {
		return bare, fakes, err
	}
	bare = plan.AnswerOf(m)
	add(&m.Answer, query.Name+" 3600 IN MX 0 fake0.mx."+query.Name)
	add(&m.Extra, "fake0.mx."+query.Name+" 3600 IN A 203.0.113.10")
	if err != nil {
		return bare, fakes, err
	}
	return bare, plan.AnswerOf(m), nil
}

// restore brings the old list back and waits until it is in force.
func restore(p *process, path string, old []byte, most int) error {
	if err := writeInPlace(path, old); err != nil {
		return err
	}
	first := new(dns.Msg).SetQuestion(listedZone(0)+".", dns.TypeMX)
	for range 300 {
		r, err := dns.Exchange(first, p.addr())
		if err == nil && len(r.Answer) == 2 {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return fmt.Errorf("the old list of %d zones is not in force again after 30 s", most)
}

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/fakemx/fakemx/test/bench/load"
)

var (
	askMX    = []load.Query{{Name: zoneName, Type: dns.TypeMX}}
	askSink  = []load.Query{{Name: "fake0.mx." + zoneName, Type: dns.TypeA}}
	askOther = []load.Query{
		{Name: zoneName, Type: dns.TypeA},
		{Name: zoneName, Type: dns.TypeAAAA},
		{Name: zoneName, Type: dns.TypeTXT},
		{Name: zoneName, Type: dns.TypeNS},
		{Name: "www." + zoneName, Type: dns.TypeA},
		{Name: "mail1." + zoneName, Type: dns.TypeAAAA},
		{Name: "www." + zoneName, Type: dns.TypeAAAA},
		{Name: "none." + zoneName, Type: dns.TypeA},
	}
)

// The subjects, as docs/performance-notes.md calls them.
const (
	editedMX    = "a: *file*, hand-edited zone, MX"
	fakemxMX    = "b: *fakemx*, plain zone, MX"
	plainMX     = "c: *file*, plain zone, MX"
	plainOther  = "c: *file*, plain zone, other types"
	fakemxOther = "d: *fakemx*, plain zone, other types"
	editedSink  = "a: *file*, hand-edited zone, A of a sink"
	fakemxSink  = "e: *fakemx*, plain zone, A of a sink"
	floor       = "f: *whoami*"
)

// mode is one way to ask, with the plugins that it needs.
type mode struct {
	name    string
	network string
	size    uint16
	do      bool
	plugins []string
}

var modes = []mode{
	{name: "udp", network: "udp"},
	{name: "tcp", network: "tcp"},
	{name: "do", network: "udp", size: 1232, do: true},
	{name: "dnssec", network: "udp", size: 4096, do: true, plugins: []string{"dnssec {\n    key file " + keyBase + "\n}"}},
	{name: "cache", network: "udp", plugins: []string{"cache"}},
}

// servers measures CoreDNS with and without fakemx over real sockets.
func servers(args []string) error {
	flags := flag.NewFlagSet("servers", flag.ExitOnError)
	binary := flags.String("coredns", "", "CoreDNS with fakemx; built if empty")
	names := flags.String("modes", "udp,tcp,do,dnssec,cache", "which of these ways to ask")
	cores := flags.String("cores", "1,2", "cores of the server: 1 has a core of its own, 2 shares both with the generator")
	e := effortFlags(flags)
	flags.Parse(args)

	env, err := newEnvironment(*binary)
	if err != nil {
		return err
	}
	defer env.remove()
	if err := env.describe(os.Stdout); err != nil {
		return err
	}
	for name := range strings.SplitSeq(*names, ",") {
		i := slices.IndexFunc(modes, func(m mode) bool { return m.name == name })
		if i < 0 {
			return fmt.Errorf("mode %q: expected one of udp, tcp, do, dnssec, cache", name)
		}
		for text := range strings.SplitSeq(*cores, ",") {
			n, err := strconv.Atoi(text)
			if err != nil || n < 1 {
				return fmt.Errorf("cores %q: expected numbers from 1", text)
			}
			if err := measureMode(os.Stdout, env, modes[i], n, *e); err != nil {
				return fmt.Errorf("%s, %d cores: %w", name, n, err)
			}
		}
	}
	return nil
}

func effortFlags(flags *flag.FlagSet) *effort {
	e := new(effort)
	flags.IntVar(&e.rounds, "rounds", 7, "samples of each subject")
	flags.DurationVar(&e.seconds, "sample", 3*time.Second, "length of a sample")
	flags.BoolVar(&e.dnsperf, "dnsperf", false, "sample with dnsperf as well")
	return e
}

// places returns where server and generator run: on a core each if the server
// shall use one, otherwise both wherever the scheduler puts them.
func places(cores int) (server, generator placement) {
	if cores == 1 && canPin() {
		return placement{1, 0}, placement{1, 1}
	}
	return placement{cores, anyCore}, placement{1, anyCore}
}

func measureMode(w io.Writer, env *environment, m mode, cores int, e effort) (err error) {
	serverPlace, generatorPlace := places(cores)
	subjects, running, err := startSubjects(env, m, serverPlace)
	defer func() { err = errors.Join(err, stopAll(running)) }()
	if err != nil {
		return err
	}
	result, err := bench{effort: e, network: m.network, generator: generatorPlace}.measure(subjects)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "### %s, %d core(s) for the server\n\n", m.name, cores)
	printSeries(w, subjects, result)
	printGoals(w, result)
	return nil
}

// startSubjects starts a server for each way to configure CoreDNS. What it
// returns is running even if it also returns an error.
func startSubjects(env *environment, m mode, place placement) (subjects []*subject, running []*process, err error) {
	launch := func(name string, lines ...string) *process {
		if err != nil {
			return nil
		}
		var p *process
		p, err = env.coredns(name, place, dns.Question{Name: zoneName, Qtype: dns.TypeA}, append(slices.Clone(m.plugins), lines...)...)
		if err == nil {
			running = append(running, p)
		}
		return p
	}
	edited := launch("edited", "file "+editFile)
	plain := launch("plain", "file "+plainFile)
	fake := launch("fakemx", stanza, "file "+plainFile)
	m.plugins = nil
	who := launch("whoami", "whoami")
	if err != nil {
		return nil, running, err
	}

	// Every subject must answer as its oracle does.
	add := func(name, group string, server, asked *process, queries []load.Query) {
		if err != nil {
			return
		}
		plan := load.Plan{Queries: queries, UDPSize: m.size, DO: m.do, IgnoreTTL: m.name == "cache", AnswerOnly: server == who}
		var checked *load.Plan
		checked, err = oracle(m.network, asked.addr(), plan)
		subjects = append(subjects, &subject{name: name, group: group, server: server, plan: checked})
	}
	add(editedMX, "MX", edited, edited, askMX)
	add(fakemxMX, "MX", fake, edited, askMX)
	add(plainMX, "MX", plain, plain, askMX)
	add(plainOther, "other", plain, plain, askOther)
	add(fakemxOther, "other", fake, plain, askOther)
	add(editedSink, "sink", edited, edited, askSink)
	add(fakemxSink, "sink", fake, edited, askSink)
	add(floor, "floor", who, who, askSink)
	return subjects, running, err
}

func printSeries(w io.Writer, subjects []*subject, result map[string]*series) {
	t := table{head: []string{"subject", "queries/s", "server CPU µs/query", "rate for latency", "p50 µs", "p99 µs"}}
	withDnsperf := len(result[subjects[0].name].dnsperf) > 0
	if withDnsperf {
		t.head = append(t.head, "queries/s by dnsperf")
	}
	for _, s := range subjects {
		r := result[s.name]
		row := []string{s.name, spreadOf(r.qps).format("%.0f"), spreadOf(r.cpu).format("%.2f"),
			fmt.Sprintf("%.0f", r.rate), spreadOf(r.p50).format("%.0f"), spreadOf(r.p99).format("%.0f")}
		if withDnsperf {
			row = append(row, spreadOf(r.dnsperf).format("%.0f"))
		}
		t.add(row...)
	}
	t.print(w)
}

func printGoals(w io.Writer, result map[string]*series) {
	t := table{head: []string{"ratio", "queries/s", "server CPU a query", "p50", "p99", "goal for queries/s"}}
	for _, pair := range []struct{ name, top, bottom, goal string }{
		{"b/a: MX, *fakemx* to hand-edited", fakemxMX, editedMX, "≥ 1.05"},
		{"b/c: MX, *fakemx* to no fakes at all", fakemxMX, plainMX, ""},
		{"d/c: other types, with to without *fakemx*", fakemxOther, plainOther, "≥ 0.99"},
		{"e/a: A of a sink, *fakemx* to hand-edited", fakemxSink, editedSink, "≥ 1.00"},
	} {
		top, bottom := result[pair.top], result[pair.bottom]
		cell := func(of func(*series) []float64) string {
			return spreadOf(ratios(of(top), of(bottom))).format("%.3f")
		}
		t.add(pair.name,
			cell(func(s *series) []float64 { return s.qps }),
			cell(func(s *series) []float64 { return s.cpu }),
			cell(func(s *series) []float64 { return s.p50 }),
			cell(func(s *series) []float64 { return s.p99 }),
			pair.goal)
	}
	t.print(w)
}

// keyBase is the name of the signing key's files without their suffixes.
const keyBase = "Kexample.org"

// writeKey makes a key to sign the zone with.
func writeKey(dir string) error {
	key := &dns.DNSKEY{
		Hdr:       dns.RR_Header{Name: zoneName, Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: 3600},
		Flags:     dns.ZONE | dns.SEP,
		Protocol:  3,
		Algorithm: dns.ECDSAP256SHA256,
	}
	private, err := key.Generate(256)
	if err != nil {
		return err
	}
	base := filepath.Join(dir, keyBase)
	if err := os.WriteFile(base+".key", []byte(key.String()+"\n"), 0o600); err != nil {
		return err
	}
	return os.WriteFile(base+".private", []byte(key.PrivateKeyString(private)), 0o600)
}

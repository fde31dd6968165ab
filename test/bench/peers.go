package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"github.com/fakemx/fakemx/test/bench/load"
)

// peer is another name server.
type peer struct {
	name    string
	program string
	version []string // the arguments that print it
	// config writes the configuration and returns the arguments to start with.
	config func(env *environment, port int) ([]string, error)
}

// The servers that load the hand-edited zone, each with one thread for queries.
var (
	nsd = peer{
		name: "NSD", program: "nsd", version: []string{"-v"},
		config: func(env *environment, port int) ([]string, error) {
			err := env.write("nsd.conf", fmt.Sprintf(`server:
    ip-address: 127.0.0.1@%d
    username: ""
    chroot: ""
    zonesdir: "%s"
    database: ""
    pidfile: "%s"
    zonelistfile: "%s"
    xfrdfile: "%s"
    server-count: 1
    rrl-ratelimit: 0
remote-control:
    control-enable: no
zone:
    name: example.org
    zonefile: %s
`, port, env.dir, env.path("nsd.pid"), env.path("nsd.list"), env.path("nsd.xfr"), editFile))
			return []string{"-d", "-c", env.path("nsd.conf")}, err
		},
	}
	knot = peer{
		name: "Knot DNS", program: "knotd", version: []string{"--version"},
		config: func(env *environment, port int) ([]string, error) {
			err := env.write("knot.conf", fmt.Sprintf(`server:
    listen: 127.0.0.1@%d
    rundir: "%s"
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: "%s"
log:
  - target: stderr
    any: warning
zone:
  - domain: example.org
    storage: "%s"
    file: %s
    zonefile-sync: -1
    journal-content: none
`, port, env.dir, env.dir, env.dir, editFile))
			return []string{"-c", env.path("knot.conf")}, err
		},
	}
	bind = peer{
		name: "BIND", program: "named", version: []string{"-v"},
		config: func(env *environment, port int) ([]string, error) {
			err := env.write("named.conf", fmt.Sprintf(`options {
    directory "%s";
    listen-on port %d { 127.0.0.1; };
    listen-on-v6 { none; };
    pid-file none;
    session-keyfile "%s";
    recursion no;
    rrset-order { order none; };
};
controls { };
zone "example.org" { type primary; file "%s"; };
`, env.dir, port, env.path("session.key"), editFile))
			return []string{"-g", "-n", "1", "-c", env.path("named.conf")}, err
		},
	}
	powerDNS = peer{
		name: "PowerDNS", program: "pdns_server", version: []string{"--version"},
		config: func(env *environment, port int) ([]string, error) {
			err := errors.Join(
				env.write("named.zones", fmt.Sprintf("zone \"example.org\" { type master; file \"%s\"; };\n", env.path(editFile))),
				env.write("pdns.conf", fmt.Sprintf(`launch=bind
bind-config=%s
local-address=127.0.0.1
local-port=%d
socket-dir=%s
receiver-threads=1
distributor-threads=1
`, env.path("named.zones"), port, env.dir)))
			return []string{"--config-dir=" + env.dir, "--daemon=no", "--guardian=no"}, err
		},
	}
)

// recursor is PowerDNS Recursor with the plain zone, and a Lua hook that adds
// the fakes to the answer or none. The packet cache is off: with it the hook
// runs once for many queries.
func recursor(hook bool) peer {
	name, file := "PowerDNS Recursor", "recursor"
	if hook {
		name, file = "PowerDNS Recursor with a Lua hook", "recursor-hook"
	}
	return peer{
		name: name, program: "pdns_recursor", version: []string{"--version"},
		config: func(env *environment, port int) ([]string, error) {
			dir := env.path(file)
			settings := fmt.Sprintf(`auth-zones=example.org=%s
local-address=127.0.0.1
local-port=%d
socket-dir=%s
threads=1
disable-packetcache=yes
security-poll-suffix=
`, env.path(plainFile), port, dir)
			if hook {
				settings += "lua-dns-script=" + env.path("fakes.lua") + "\n"
			}
			err := errors.Join(
				os.MkdirAll(dir, 0o700),
				env.write(file+"/recursor.conf", settings),
				env.write("fakes.lua", recursorHook))
			return []string{"--config-dir=" + dir, "--daemon=no"}, err
		},
	}
}

const recursorHook = `function postresolve(dq)
  if dq.qtype ~= pdns.MX or dq.rcode ~= pdns.NOERROR then
    return false
  end
  for _, record in pairs(dq:getRecords()) do
    if record.type == pdns.MX then
      dq:addAnswer(pdns.MX, "0 fake0.mx.example.org.", record.ttl)
      dq:addAnswer(pdns.MX, "30 fake1.mx.example.org.", record.ttl)
      dq:addAnswer(pdns.MX, "40 fake2.mx.example.org.", record.ttl)
      return true
    end
  end
  return false
end
`

// start starts the peer, or returns nil if the machine does not have it.
func (p peer) start(env *environment, place placement) (*process, error) {
	program, err := exec.LookPath(p.program)
	if err != nil {
		return nil, nil
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	args, err := p.config(env, port)
	if err != nil {
		return nil, err
	}
	return start(env.dir, place, port, dns.Question{Name: zoneName, Qtype: dns.TypeMX}, append([]string{program}, args...)...)
}

var versionNumber = regexp.MustCompile(`\d+\.\d+[\w.+~-]*`)

// versionOf returns the version that the program prints.
func (p peer) versionOf() string {
	out, _ := exec.Command(p.program, p.version...).CombinedOutput() // some exit with an error after they have printed it
	for line := range strings.Lines(string(out)) {
		if version := versionNumber.FindString(line); version != "" {
			return version
		}
	}
	return "of an unknown version"
}

// peers measures what else a user could pick, on one core.
func peers(args []string) error {
	flags := flag.NewFlagSet("peers", flag.ExitOnError)
	binary := flags.String("coredns", "", "CoreDNS with fakemx; built if empty")
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
	return measurePeers(os.Stdout, env, *e)
}

func measurePeers(w io.Writer, env *environment, e effort) (err error) {
	serverPlace, generatorPlace := places(1)
	subjects, running, err := startSubjects(env, modes[0], serverPlace)
	defer func() { err = errors.Join(err, stopAll(running)) }()
	if err != nil {
		return err
	}
	subjects = slices.DeleteFunc(subjects, func(s *subject) bool { return s.group != "MX" })
	// What servers put into the other sections differs.
	edited, err := oracle("udp", subjects[0].server.addr(), load.Plan{Queries: askMX, AnswerOnly: true})
	if err != nil {
		return err
	}
	plain, err := oracle("udp", subjects[2].server.addr(), load.Plan{Queries: askMX, AnswerOnly: true})
	if err != nil {
		return err
	}
	for _, contender := range []struct {
		peer
		plan *load.Plan
	}{
		{nsd, edited}, {knot, edited}, {bind, edited}, {powerDNS, edited},
		{recursor(false), unauthoritative(plain)}, {recursor(true), unauthoritative(edited)},
	} {
		server, err := contender.start(env, serverPlace)
		if err != nil {
			return fmt.Errorf("%s: %w", contender.name, err)
		}
		if server == nil {
			fmt.Fprintf(w, "%s is not here: no %s\n", contender.name, contender.program)
			continue
		}
		running = append(running, server)
		fmt.Fprintf(w, "%s %s\n", contender.name, contender.versionOf())
		subjects = append(subjects, &subject{name: contender.name, group: contender.name, server: server, plan: contender.plan})
	}
	fmt.Fprintln(w)
	result, err := bench{effort: e, network: "udp", generator: generatorPlace}.measure(subjects)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "### other servers, udp, MX, 1 core for the server\n\n")
	printSeries(w, subjects, result)
	printOverheads(w, result)
	return nil
}

// unauthoritative returns the plan for a recursor, which answers without AA.
func unauthoritative(p *load.Plan) *load.Plan {
	recursive := *p
	recursive.Queries = slices.Clone(p.Queries)
	for i := range recursive.Queries {
		want := recursive.Queries[i].Want[0]
		want.Authoritative = false
		recursive.Queries[i].Want = []load.Answer{want}
	}
	return &recursive
}

// printOverheads compares each server that adds records with itself without.
func printOverheads(w io.Writer, result map[string]*series) {
	t := table{head: []string{"the records are added by", "queries/s to the same server without", "server CPU a query"}}
	for _, pair := range [][2]string{
		{fakemxMX, plainMX},
		{recursor(true).name, recursor(false).name},
	} {
		with, without := result[pair[0]], result[pair[1]]
		if with == nil || without == nil {
			continue
		}
		t.add(pair[0], spreadOf(ratios(with.qps, without.qps)).format("%.3f"), spreadOf(ratios(with.cpu, without.cpu)).format("%.3f"))
	}
	t.print(w)
}

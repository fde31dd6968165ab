package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/miekg/dns"

	"github.com/fakemx/fakemx/test/bench/load"
)

const (
	watchedMX = "g: *fakemx* with `watch`, plain zone, MX"

	// The sink of the stanza refuses, and the second mail host of the zone accepts,
	// in a network that has nothing else.
	sinkAddress    = "203.0.113.10"
	controlAddress = "198.51.100.25"
)

// watchedStanza is the stanza with its lowest sink watched as often as can be.
var watchedStanza = strings.TrimSuffix(stanza, "}") + "    watch 10s\n    control " + controlAddress + "\n}"

// watched measures what watch costs an MX query. It runs once more in a network
// namespace, where port 25 of the sink refuses and that of a control host doesn't.
func watched(args []string) error {
	flags := flag.NewFlagSet("watch", flag.ExitOnError)
	binary := flags.String("coredns", "", "CoreDNS with fakemx; built if empty")
	cores := flags.Int("cores", 1, "cores of the server: 1 has a core of its own, 2 shares both with the generator")
	inside := flags.Bool("inside", false, "the network is made already; the command itself sets this")
	e := effortFlags(flags)
	flags.Parse(args)
	if *cores < 1 {
		return fmt.Errorf("cores %d: expected a number from 1", *cores)
	}
	env, err := newEnvironment(*binary)
	if err != nil {
		return err
	}
	defer env.remove()
	if !*inside {
		return inNetwork(append(args, "-inside", "-coredns", env.binary))
	}
	if err := env.describe(os.Stdout); err != nil {
		return err
	}
	if err := furnish(); err != nil {
		return err
	}
	return measureWatch(os.Stdout, env, *cores, *e)
}

// inNetwork runs the command again in a network namespace of its own, for which
// somebody who isn't root needs a user namespace, too.
func inNetwork(args []string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := &exec.Cmd{
		Path: self, Args: append([]string{self, "watch"}, args...), Stdout: os.Stdout, Stderr: os.Stderr,
		SysProcAttr: &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL},
	}
	if uid := os.Geteuid(); uid != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	return cmd.Run()
}

// furnish brings the network up and starts the control host.
func furnish() error {
	for _, line := range []string{"link set lo up", "address add " + sinkAddress + "/32 dev lo", "address add " + controlAddress + "/32 dev lo"} {
		if out, err := exec.Command("ip", strings.Fields(line)...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %s: %w: %s", line, err, out)
		}
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(controlAddress, "25"))
	if err != nil {
		return err
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go greet(conn)
		}
	}()
	return nil
}

// greet is a mail host up to QUIT.
func greet(conn net.Conn) {
	defer conn.Close()
	if _, err := io.WriteString(conn, "220 mail2.example.org ESMTP\r\n"); err == nil {
		bufio.NewScanner(conn).Scan()
		_, _ = io.WriteString(conn, "221 bye\r\n") // who has gone needs no answer
	}
}

func measureWatch(w io.Writer, env *environment, cores int, e effort) (err error) {
	serverPlace, generatorPlace := places(cores)
	var running []*process
	defer func() { err = errors.Join(err, stopAll(running)) }()
	servers := map[string]*process{}
	for name, lines := range map[string][]string{
		editedMX: {"file " + editFile}, fakemxMX: {stanza, "file " + plainFile}, watchedMX: {watchedStanza, "file " + plainFile},
	} {
		p, err := env.coredns(name[:1], serverPlace, dns.Question{Name: zoneName, Qtype: dns.TypeA}, lines...)
		if err != nil {
			return err
		}
		servers[name] = p
		running = append(running, p)
	}
	plan, err := oracle("udp", servers[editedMX].addr(), load.Plan{Queries: askMX})
	if err != nil {
		return err
	}
	if err := sinkSeen(servers[watchedMX]); err != nil {
		return err
	}
	var subjects []*subject
	for _, name := range []string{fakemxMX, watchedMX} {
		subjects = append(subjects, &subject{name: name, group: "MX", server: servers[name], plan: plan})
	}
	result, err := bench{effort: e, network: "udp", generator: generatorPlace}.measure(subjects)
	if err != nil {
		return err
	}
	printSeries(w, subjects, result)
	ratio := func(of func(*series) []float64) string {
		return spreadOf(ratios(of(result[watchedMX]), of(result[fakemxMX]))).format("%.3f")
	}
	t := table{head: []string{"ratio", "queries/s", "server CPU a query", "p50", "goal for queries/s"}}
	t.add("g/b: MX, with to without `watch`",
		ratio(func(s *series) []float64 { return s.qps }),
		ratio(func(s *series) []float64 { return s.cpu }),
		ratio(func(s *series) []float64 { return s.p50 }), "≥ 0.99")
	t.print(w)
	return nil
}

// sinkSeen waits until the server has seen its sink refuse.
func sinkSeen(p *process) error {
	ask := new(dns.Msg).SetQuestion(zoneName, dns.TypeMX)
	for deadline := time.Now().Add(startLimit); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		answer, err := dns.Exchange(ask, p.addr())
		if err != nil {
			continue // busy
		}
		for _, rr := range answer.Answer {
			if m, ok := rr.(*dns.MX); ok && m.Mx == askSink[0].Name {
				return nil
			}
		}
	}
	return fmt.Errorf("the watched fake is not in the answers within %v:\n%s", startLimit, p.log)
}

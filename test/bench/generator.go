package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/fakemx/fakemx/test/bench/load"
)

// task is what the load command gets on its standard input.
type task struct {
	Config load.Config
	Plan   *load.Plan
}

// generate runs the load generator in a process of its own, so that it can be
// kept off the server's core and its garbage off the harness.
func generate(place placement, c load.Config, p *load.Plan) (*load.Report, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	input, err := json.Marshal(task{c, p})
	if err != nil {
		return nil, err
	}
	argv := place.pinned([]string{self, "load", "-task"})
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS="+strconv.Itoa(place.cores))
	cmd.Stdin = bytes.NewReader(input)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("load generator: %w", err)
	}
	report := new(load.Report)
	return report, json.Unmarshal(out, report)
}

// runTask is the other end of generate.
func runTask() error {
	var t task
	if err := json.NewDecoder(os.Stdin).Decode(&t); err != nil {
		return fmt.Errorf("task: %w", err)
	}
	report, err := load.Run(t.Config, t.Plan)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(report)
}

var (
	dnsperfRate = regexp.MustCompile(`Queries per second:\s+([0-9.]+)`)
	dnsperfLost = regexp.MustCompile(`Queries lost:\s+([0-9]+)`)
)

// dnsperf returns the queries a second that dnsperf counts with as many sockets
// and queries under way as c has.
func dnsperf(place placement, c load.Config, p *load.Plan) (float64, error) {
	queries, err := os.CreateTemp("", "fakemx-bench-queries-") // dnsperf reads its input again and again
	if err != nil {
		return 0, err
	}
	defer os.Remove(queries.Name())
	for _, q := range p.Queries {
		fmt.Fprintf(queries, "%s %s\n", q.Name, dns.TypeToString[q.Type])
	}
	if err := queries.Close(); err != nil {
		return 0, err
	}
	host, port, _ := strings.Cut(c.Server, ":")
	argv := []string{"dnsperf", "-d", queries.Name(), "-s", host, "-p", port, "-m", c.Network, "-T", "1",
		"-c", strconv.Itoa(c.Conns), "-q", strconv.Itoa(c.Conns * c.Window),
		"-l", strconv.FormatFloat(c.Duration.Seconds(), 'f', 2, 64), "-t", "2"}
	if p.UDPSize > 0 {
		argv = append(argv, "-e")
	}
	if p.DO {
		argv = append(argv, "-D")
	}
	argv = place.pinned(argv)
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("dnsperf: %w\n%s", err, out)
	}
	rate, lost := dnsperfRate.FindSubmatch(out), dnsperfLost.FindSubmatch(out)
	if rate == nil || lost == nil {
		return 0, fmt.Errorf("dnsperf printed no rate:\n%s", out)
	}
	if string(lost[1]) != "0" {
		return 0, fmt.Errorf("dnsperf: %s queries lost", lost[1])
	}
	return strconv.ParseFloat(string(rate[1]), 64)
}

// oracle asks the server every query of the plan over the network and returns
// the plan with the server's answers as the right ones. A cache may answer
// otherwise the second time (without AA): both ways are right.
func oracle(network, server string, p load.Plan) (*load.Plan, error) {
	queries := p.Queries
	p.Queries = nil
	client := &dns.Client{Net: network, Timeout: 5 * time.Second}
	for _, q := range queries {
		q.Want = nil
		for range 3 {
			r, _, err := client.Exchange(p.Message(q), server)
			if err != nil {
				return nil, fmt.Errorf("%s %s: %w", q.Name, dns.TypeToString[q.Type], err)
			}
			if r.Rcode != dns.RcodeSuccess && r.Rcode != dns.RcodeNameError {
				return nil, fmt.Errorf("%s %s: rcode %s", q.Name, dns.TypeToString[q.Type], dns.RcodeToString[r.Rcode])
			}
			answer := p.AnswerOf(r)
			if len(q.Want) == 0 || !answer.Equal(q.Want[len(q.Want)-1]) {
				q.Want = append(q.Want, answer)
			}
		}
		p.Queries = append(p.Queries, q)
	}
	if len(p.Queries) == 0 {
		return nil, errors.New("no queries")
	}
	return &p, nil
}

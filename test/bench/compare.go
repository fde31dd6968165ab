package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/fakemx/fakemx/test/bench/load"
	"github.com/fakemx/fakemx/test/proc"
)

// Sockets and queries under way on each: enough to keep two cores busy, and few
// enough to fit into a receive buffer of Linux's default size (212,992 octets, of
// which a small datagram takes up to 1,280), so that none is lost for want of room.
const (
	sockets = 8
	window  = 16
)

// subject is one thing that is measured: a server with what it is asked.
type subject struct {
	name   string
	group  string // subjects of a group have their latency measured at one rate
	server *process
	plan   *load.Plan
}

// series are the samples of one subject, one a round.
type series struct {
	qps     []float64
	cpu     []float64 // µs of the server's CPU time a query
	dnsperf []float64
	rate    float64 // of the open loop that the latencies come from
	p50     []float64
	p99     []float64
}

// effort says how hard to measure.
type effort struct {
	rounds  int
	seconds time.Duration // of one sample
	dnsperf bool
}

// bench runs samples on one kind of network and one placement of the two sides.
type bench struct {
	effort
	network   string
	generator placement
}

// measure samples all subjects in turn, and the turn is reversed from round to
// round, so that neither drift nor neighbours favour one. It fails if a single
// query is lost or answered wrong.
func (b bench) measure(subjects []*subject) (map[string]*series, error) {
	all := make(map[string]*series)
	for _, s := range subjects {
		all[s.name] = new(series)
	}
	err := b.eachRound(subjects, func(s *subject) error { return b.sampleRate(s, all[s.name]) })
	if err != nil {
		return nil, err
	}
	for _, s := range subjects {
		slowest := 0.0
		for _, other := range subjects {
			rate := spreadOf(all[other.name].qps).median
			if other.group == s.group && (slowest == 0 || rate < slowest) {
				slowest = rate
			}
		}
		all[s.name].rate = slowest / 2
	}
	err = b.eachRound(subjects, func(s *subject) error { return b.sampleLatency(s, all[s.name]) })
	return all, err
}

func (b bench) eachRound(subjects []*subject, sample func(*subject) error) error {
	for round := range b.rounds {
		for i := range subjects {
			if round%2 == 1 {
				i = len(subjects) - 1 - i
			}
			if err := sample(subjects[i]); err != nil {
				return fmt.Errorf("%s: %w", subjects[i].name, err)
			}
		}
	}
	return nil
}

func (b bench) config(s *subject) load.Config {
	return load.Config{
		Server:   s.server.addr(),
		Network:  b.network,
		Conns:    sockets,
		Window:   window,
		Warmup:   b.seconds / 8,
		Duration: b.seconds,
		Timeout:  2 * time.Second,
	}
}

func (b bench) sampleRate(s *subject, to *series) error {
	before, err := proc.CPU(s.server.cmd.Process.Pid)
	if err != nil {
		return err
	}
	report, err := b.run(b.config(s), s)
	if err != nil {
		return err
	}
	after, err := proc.CPU(s.server.cmd.Process.Pid)
	if err != nil {
		return err
	}
	to.qps = append(to.qps, report.QPS)
	to.cpu = append(to.cpu, micros(after-before)/float64(report.Answered))
	if b.dnsperf {
		rate, err := dnsperf(b.generator, b.config(s), s.plan)
		if err != nil {
			return err
		}
		to.dnsperf = append(to.dnsperf, rate)
	}
	return nil
}

func (b bench) sampleLatency(s *subject, to *series) error {
	c := b.config(s)
	c.Rate = to.rate
	report, err := b.run(c, s)
	if err != nil {
		return err
	}
	to.p50 = append(to.p50, micros(report.P50))
	to.p99 = append(to.p99, micros(report.P99))
	return nil
}

func (b bench) run(c load.Config, s *subject) (*load.Report, error) {
	report, err := generate(b.generator, c, s.plan)
	if err != nil {
		return nil, err
	}
	return report, report.Failed()
}

// stopAll stops every server.
func stopAll(servers []*process) error {
	errs := make([]error, 0, len(servers))
	for _, s := range servers {
		errs = append(errs, s.stop())
	}
	return errors.Join(errs...)
}

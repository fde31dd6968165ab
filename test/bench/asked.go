package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/miekg/dns"

	"github.com/fakemx/fakemx/test/bench/load"
)

// askedZones shows that a query costs the same whether few or many of the listed
// zones are asked for: what is remembered of each has room.
func askedZones(w io.Writer, env *environment, e effort, few, many int) (err error) {
	if err := writeInPlace(env.path(listFile), listText(0, many)); err != nil {
		return err
	}
	server, generator := places(1)
	p, err := startListedAt(env, server, listStanza)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()

	b := bench{effort: e, network: "udp", generator: generator}
	var subjects []*subject
	all := make(map[string]*series)
	for _, n := range []int{few, many} {
		plan, err := askedPlan(n)
		if err != nil {
			return err
		}
		s := &subject{name: strconv.Itoa(n), server: p, plan: plan}
		subjects = append(subjects, s)
		all[s.name] = new(series)
		// Each zone once: what the first query of a zone costs is another matter.
		once := b.config(s)
		once.Duration = time.Duration(n) * 200 * time.Microsecond
		if _, err := b.run(once, s); err != nil {
			return err
		}
	}
	if err := b.eachRound(subjects, func(s *subject) error { return b.sampleRate(s, all[s.name]) }); err != nil {
		return err
	}

	fmt.Fprintf(w, "### MX of a few of the %d listed zones, and of all\n\n", many)
	t := table{head: []string{"zones asked for", "queries/s", "server CPU µs/query"}}
	for _, s := range subjects {
		t.add(s.name, spreadOf(all[s.name].qps).format("%.0f"), spreadOf(all[s.name].cpu).format("%.2f"))
	}
	first, last := all[subjects[0].name], all[subjects[1].name]
	t.add("ratio, goal ≥ 0.90", spreadOf(ratios(last.qps, first.qps)).format("%.3f"), spreadOf(ratios(last.cpu, first.cpu)).format("%.3f"))
	t.print(w)
	return nil
}

// askedPlan asks for the MX set of the first n listed zones.
func askedPlan(n int) (*load.Plan, error) {
	plan := new(load.Plan)
	for i := range n {
		query := load.Query{Name: listedZone(i) + ".", Type: dns.TypeMX}
		_, fakes, err := listedAnswers(plan, query)
		if err != nil {
			return nil, err
		}
		query.Want = []load.Answer{fakes}
		plan.Queries = append(plan.Queries, query)
	}
	return plan, nil
}

package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/fakemx/fakemx/test/bench/load"
)

// loadCommand puts load on any server, so that a figure can be had for a
// configuration that is not among the ones here.
func loadCommand(args []string) error {
	flags := flag.NewFlagSet("load", flag.ExitOnError)
	fromStdin := flags.Bool("task", false, "take everything as JSON from standard input (for the other commands)")
	server := flags.String("server", "127.0.0.1:53", "address and port")
	network := flags.String("net", "udp", "udp or tcp")
	file := flags.String("queries", "", "file of `name type` lines, as for dnsperf; otherwise MX of the arguments")
	conns := flags.Int("sockets", sockets, "sockets")
	under := flags.Int("window", window, "queries under way on each socket, a power of two")
	rate := flags.Float64("rate", 0, "queries a second; 0 asks as fast as the server answers")
	duration := flags.Duration("for", 10*time.Second, "how long")
	size := flags.Uint("bufsize", 0, "buffer size to announce in an OPT record; 0 sends none")
	do := flags.Bool("do", false, "set the DO bit")
	retries := flags.Int("retries", 0, "how often a TCP socket that the server closed is opened again")
	flags.Parse(args)
	if *fromStdin {
		return runTask()
	}

	plan := &load.Plan{UDPSize: uint16(*size), DO: *do}
	for _, name := range flags.Args() {
		plan.Queries = append(plan.Queries, load.Query{Name: dns.Fqdn(name), Type: dns.TypeMX})
	}
	if *file != "" {
		text, err := os.ReadFile(*file)
		if err != nil {
			return err
		}
		queries, err := load.ReadQueries(strings.NewReader(string(text)))
		if err != nil {
			return fmt.Errorf("%s: %w", *file, err)
		}
		plan.Queries = append(plan.Queries, queries...)
	}
	r, err := load.Run(load.Config{
		Server: *server, Network: *network, Conns: *conns, Window: *under, Rate: *rate,
		Warmup: *duration / 10, Duration: *duration, Timeout: 2 * time.Second, Retries: *retries,
	}, plan)
	if err != nil {
		return err
	}
	fmt.Printf("%.0f queries/s; latency p50 %v, p90 %v, p99 %v, p99.9 %v, max %v\n", r.QPS, r.P50, r.P90, r.P99, r.P999, r.Max)
	fmt.Printf("sent %d, answered %d, lost %d, wrong %d, stray %d, sent again %d\n", r.Sent, r.Answered, r.Lost, r.Wrong, r.Stray, r.Retried)
	return r.Failed()
}

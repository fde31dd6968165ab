package tell

import (
	"github.com/coredns/coredns/plugin"
	"github.com/fakemx/fakemx/internal/watch"
	"github.com/prometheus/client_golang/prometheus"
)

// Watch makes metrics of the figures of the watcher, of which a process has one.
func Watch(snapshot func() watch.Snapshot) { prometheus.MustRegister(watchCollector{snapshot}) }

// watchCollector reads the figures when they are asked for, so that none is left
// of an address that nobody watches any more.
type watchCollector struct{ snapshot func() watch.Snapshot }

func watchDesc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(plugin.Namespace, subsystem, "watch_"+name), help, labels, nil)
}

var (
	watchAddress = watchDesc("address",
		"1 for each watched address of a sink, with its state: good, bad, or withheld until it was seen refusing. None if there are more than 1,000.", "address", "state")
	watchAddresses   = watchDesc("addresses", "Number of watched addresses of sinks, by state.", "state")
	watchProbes      = watchDesc("probes_total", "Counter of looks at port 25 of sinks, by outcome.", "outcome")
	watchWithdrawals = watchDesc("withdrawals_total", "Counter of addresses that became bad, so that fakes were withdrawn.")
	watchBlind       = watchDesc("blind", "1 while no control host accepts on port 25: fakes stay as they are.")
)

// Describe implements prometheus.Collector.
func (watchCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{watchAddress, watchAddresses, watchProbes, watchWithdrawals, watchBlind} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c watchCollector) Collect(out chan<- prometheus.Metric) {
	s := c.snapshot()
	if !s.Watching() {
		return
	}
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	counter := func(d *prometheus.Desc, value uint64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(value), labels...)
	}
	for _, a := range s.Addresses {
		gauge(watchAddress, 1, a.Address.String(), a.State.String())
	}
	for state, n := range s.States {
		gauge(watchAddresses, float64(n), watch.State(state).String())
	}
	for outcome, n := range s.Probes {
		counter(watchProbes, n, watch.Outcome(outcome).String())
	}
	counter(watchWithdrawals, s.Withdrawals)
	blind := 0.0
	if s.Blind {
		blind = 1
	}
	gauge(watchBlind, blind)
}

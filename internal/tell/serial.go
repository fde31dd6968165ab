package tell

import (
	"github.com/coredns/coredns/plugin"
	"github.com/fakemx/fakemx/internal/serial"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

var notifiesTotal = promauto.NewCounterVec(prometheus.CounterOpts{
	Namespace: plugin.Namespace,
	Subsystem: subsystem,
	Name:      "serial_notifies_total",
	Help:      "Counter of zones whose secondaries were sent NOTIFY for a new serial number, by outcome: accepted by all addresses that transfer names, or failed.",
}, []string{"outcome"})

var (
	notifiesAccepted = notifiesTotal.WithLabelValues("accepted")
	notifiesFailed   = notifiesTotal.WithLabelValues("failed")
)

// Notified counts a zone whose secondaries were told of a new number, with the
// error of the first that did not accept that.
func Notified(err error) {
	if err != nil {
		notifiesFailed.Inc()
		return
	}
	notifiesAccepted.Inc()
}

// Serial makes metrics of the figures of the open files of serial numbers.
func Serial(stats func() serial.Stats) { prometheus.MustRegister(serialCollector{stats}) }

type serialCollector struct{ stats func() serial.Stats }

func serialDesc(name, help string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(plugin.Namespace, subsystem, "serial_"+name), help, nil, nil)
}

var (
	serialZones    = serialDesc("zones", "Number of zones with a serial number of their own in the files of serial.")
	serialCommits  = serialDesc("commits_total", "Counter of writes to the files of serial.")
	serialFailures = serialDesc("write_failures_total", "Counter of writes to the files of serial that failed.")
	serialFailing  = serialDesc("failing", "Number of files of serial that cannot be written: zones keep their last number.")
)

// Describe implements prometheus.Collector.
func (serialCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{serialZones, serialCommits, serialFailures, serialFailing} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c serialCollector) Collect(out chan<- prometheus.Metric) {
	s := c.stats()
	if s.Files == 0 {
		return
	}
	out <- prometheus.MustNewConstMetric(serialZones, prometheus.GaugeValue, float64(s.Zones))
	out <- prometheus.MustNewConstMetric(serialCommits, prometheus.CounterValue, float64(s.Commits))
	out <- prometheus.MustNewConstMetric(serialFailures, prometheus.CounterValue, float64(s.Failures))
	out <- prometheus.MustNewConstMetric(serialFailing, prometheus.GaugeValue, float64(s.Failing))
}

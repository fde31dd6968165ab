package sink

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/fakemx/fakemx/internal/sink/visit"
)

// meters are the metrics. Their labels have few values, which no client chooses.
type meters struct {
	registry  *prometheus.Registry
	visits    *prometheus.CounterVec
	sentAway  *prometheus.CounterVec
	early     prometheus.Counter
	octets    prometheus.Counter
	lines     *prometheus.CounterVec
	sightings prometheus.Counter
	proofs    *prometheus.CounterVec
	proven    *prometheus.GaugeVec
	day       *prometheus.GaugeVec
	verdicts  *prometheus.CounterVec // nil if nobody is listed
}

func newMeters(s *sink) *meters {
	m := &meters{registry: prometheus.NewRegistry()}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	make := promauto.With(m.registry)
	opts := func(name, help string) prometheus.Opts {
		return prometheus.Opts{Namespace: "fakemx", Subsystem: "sink", Name: name, Help: help}
	}
	counter := func(name, help string) prometheus.CounterOpts { return prometheus.CounterOpts(opts(name, help)) }
	gauge := func(name, help string) prometheus.GaugeOpts { return prometheus.GaugeOpts(opts(name, help)) }

	m.visits = make.NewCounterVec(counter("visits_total", "Visits that have ended, by how."), []string{"end"})
	for _, end := range visit.Ends {
		m.visits.WithLabelValues(string(end))
	}
	m.sentAway = make.NewCounterVec(counter("sent_away_total", "Connections that a limit sent away at once, by limit."), []string{"limit"})
	for _, limit := range []string{"all", "address", "prefix", "proxy"} {
		m.sentAway.WithLabelValues(limit)
	}
	m.early = make.NewCounter(counter("early_talkers_total", "Visits of clients that spoke before the greeting."))
	m.octets = make.NewCounter(counter("received_octets_total", "What clients have sent."))
	m.lines = make.NewCounterVec(counter("feed_lines_total", "Lines of feeds, by what they told."), []string{"kind"})
	m.sightings = make.NewCounter(counter("sightings_total", "Connections to real hosts that became known."))
	m.proofs = make.NewCounterVec(counter("feed_proofs_total", "Probes of real hosts, by whether they came back through the feed."), []string{"host", "result"})
	m.proven = make.NewGaugeVec(gauge("feed_proven", "Whether the last probe of a real host came back through its feed."), []string{"host"})
	m.day = make.NewGaugeVec(gauge("day_clients", "Clients of the day before yesterday: all that count, and those turned away, at least and at most."), []string{"which"})

	make.NewGaugeFunc(gauge("connections", "Connections open now."), func() float64 { return float64(s.server.Connections()) })
	make.NewCounterFunc(counter("log_lines_lost_total", "Visits that could not be written."), func() float64 { return float64(s.log.Lost()) })
	make.NewCounterFunc(counter("notes_lost_total", "Visits and sightings that could not be remembered."), func() float64 {
		if s.store == nil {
			return 0
		}
		return float64(s.store.Lost())
	})
	make.NewGaugeFunc(gauge("store_failing", "Whether the last attempt to remember something failed."), func() float64 {
		if s.store != nil && s.store.Failing() {
			return 1
		}
		return 0
	})
	if s.config.Harvest != nil {
		m.harvest(s, make, opts)
	}
	return m
}

func (m *meters) visited(v *visit.Visit) {
	m.visits.WithLabelValues(string(v.End)).Inc()
	m.octets.Add(float64(v.Octets))
	if v.Early {
		m.early.Inc()
	}
}

func (m *meters) turned(limit string) { m.sentAway.WithLabelValues(limit).Inc() }

func (m *meters) line(kind string) { m.lines.WithLabelValues(kind).Inc() }

func (m *meters) proved(host string, alive bool) {
	result, value := "failure", 0.0
	if alive {
		result, value = "proof", 1
	}
	m.proofs.WithLabelValues(host, result).Inc()
	m.proven.WithLabelValues(host).Set(value)
}

// measure keeps the metrics of the last day about which all is known.
func (s *sink) measure(ctx context.Context) {
	for {
		day := s.config.Now().UTC().Truncate(24 * time.Hour).Add(-48 * time.Hour)
		if r, err := s.report(day, day.Add(24*time.Hour)); err != nil {
			s.complain(fmt.Errorf("no report for the metrics: %w", err))
		} else {
			s.meters.day.WithLabelValues("all").Set(float64(r.All.Clients))
			s.meters.day.WithLabelValues("away_at_least").Set(float64(r.All.AtLeast))
			s.meters.day.WithLabelValues("away_at_most").Set(float64(r.All.AtMost))
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Hour):
		}
	}
}

// openFiles is how many files the process may have open.
func openFiles() (uint64, error) {
	var limit syscall.Rlimit
	err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit)
	return limit.Cur, err
}

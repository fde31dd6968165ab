package config

import (
	"github.com/coredns/coredns/plugin"
	clog "github.com/coredns/coredns/plugin/pkg/log"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

const pluginName = "fakemx"

var log = clog.NewWithPlugin(pluginName)

var (
	listLoadsTotal = promauto.NewCounterVec(prometheus.CounterOpts{
		Namespace: plugin.Namespace,
		Subsystem: pluginName,
		Name:      "zones_from_loads_total",
		Help:      "Counter of attempts to load a list of zones, by result.",
	}, []string{"result"})

	listZones = promauto.NewGauge(prometheus.GaugeOpts{
		Namespace: plugin.Namespace,
		Subsystem: pluginName,
		Name:      "zones_from_zones",
		Help:      "Number of zones in the lists in force, each counted once.",
	})

	listsFailing = promauto.NewGauge(prometheus.GaugeOpts{
		Namespace: plugin.Namespace,
		Subsystem: pluginName,
		Name:      "zones_from_failing",
		Help:      "Number of lists whose file cannot be loaded: an older list is in force.",
	})
)

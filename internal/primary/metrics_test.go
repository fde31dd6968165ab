package primary

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// counted is how many zones were counted with the outcome of their NOTIFY.
func counted(t *testing.T, outcome string) float64 {
	t.Helper()
	families, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != "coredns_fakemx_serial_notifies_total" {
			continue
		}
		for _, m := range family.GetMetric() {
			if m.GetLabel()[0].GetValue() == outcome {
				return m.GetCounter().GetValue()
			}
		}
	}
	t.Fatalf("no metric for %s", outcome)
	return 0
}

package main

import "testing"

func TestCounter(t *testing.T) {
	const text = `# TYPE coredns_fakemx_serial_notifies_total counter
coredns_fakemx_serial_notifies_total{outcome="accepted"} 1.00002e+06
coredns_fakemx_serial_commits_total 17
coredns_fakemx_serial_zones many
`
	for name, want := range map[string]uint64{
		"coredns_fakemx_serial_commits_total":                      17,
		`coredns_fakemx_serial_notifies_total{outcome="accepted"}`: 1_000_020,
		`coredns_fakemx_serial_notifies_total{outcome="failed"}`:   0,
	} {
		if got, err := counter(text, name); got != want || err != nil {
			t.Errorf("%s: got %d, %v; want %d", name, got, err, want)
		}
	}
	if got, err := counter(text, "coredns_fakemx_serial_zones"); err == nil {
		t.Errorf("took a value that is no number for %d", got)
	}
}

package main

import "testing"

func TestReadTop(t *testing.T) {
	cumulative, total, err := readTop(`File: coredns
Duration: 6s, Total samples = 3060ms (50.96%)
Showing nodes accounting for 3060ms, 100% of 3060ms total
      flat  flat%   sum%        cum   cum%
         0     0%     0%     2430ms 79.41%  github.com/miekg/dns.(*Server).serveUDPPacket
      10ms  0.33%  0.33%       40ms  1.31%  github.com/coredns/coredns/plugin.Zones.Matches (inline)
         0     0%  0.33%          0     0%  runtime.main
`)
	if err != nil || total != 3060 {
		t.Fatalf("got %v ms, %v, want 3060", total, err)
	}
	for function, want := range map[string]float64{
		"github.com/miekg/dns.(*Server).serveUDPPacket":   2430,
		"github.com/coredns/coredns/plugin.Zones.Matches": 40,
		"runtime.main": 0,
	} {
		if got := cumulative[function]; got != want {
			t.Errorf("%s: got %v ms, want %v", function, got, want)
		}
	}
	for _, text := range []string{"", "Duration: 6s, Total samples = 1min (50%)\n"} {
		if _, _, err := readTop(text); err == nil {
			t.Errorf("%q: got no error", text)
		}
	}
}

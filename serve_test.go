package fakemx_test

import (
	"testing"

	"github.com/fakemx/fakemx/internal/servertest"
	"github.com/miekg/dns"
)

// TestServe is the shortest way through the plugin: a real file plugin below, a
// socket above.
func TestServe(t *testing.T) {
	zone := servertest.Zone(t, "example.org", "@ MX 10 mail\nmail A 192.0.2.10\n")
	s := servertest.Start(t, `example.org:0 {
		bind 127.0.0.1
		fakemx {
			lowest fake0.mx 192.0.2.1
		}
		file `+zone+`
	}`)
	if m := s.Ask(servertest.Query("example.org", dns.TypeMX)); len(m.Answer) != 2 {
		t.Errorf("MX over UDP: got %v, want the real record and the fake", m)
	}
	if m := s.AskTCP(servertest.Query("fake0.mx.example.org", dns.TypeA)); len(m.Answer) != 1 {
		t.Errorf("A of the sink over TCP: got %v, want its address", m)
	}
}

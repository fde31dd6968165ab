package peers

import (
	"fmt"
	"net"
	"testing"

	"github.com/fakemx/fakemx/internal/servertest"
	"github.com/miekg/dns"
)

// startWithoutEDNS runs a name server that has never heard of EDNS, and answers
// an OPT record with rcode (RFC 6891 section 7). It has one zone with one MX set.
func startWithoutEDNS(t *testing.T, rcode int) string {
	t.Helper()
	connection, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	zone := records(t, "example.org.", "@ IN MX 10 mail\nmail IN A 192.0.2.10\n")
	server := &dns.Server{PacketConn: connection, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, r *dns.Msg) {
		m := new(dns.Msg).SetReply(r)
		if r.IsEdns0() != nil {
			m.SetRcode(r, rcode)
		} else {
			m.Authoritative = true
			m.Rcode = dns.RcodeNameError
			for _, rr := range zone[:len(zone)-1] {
				if rr.Header().Name != dns.CanonicalName(r.Question[0].Name) {
					continue
				}
				m.Rcode = dns.RcodeSuccess
				if rr.Header().Rrtype == r.Question[0].Qtype {
					m.Answer = append(m.Answer, rr)
				}
			}
			if len(m.Answer) == 0 {
				m.Ns = zone[:1]
			}
		}
		if err := w.WriteMsg(m); err != nil {
			t.Error(err)
		}
	})}
	done := make(chan error, 1)
	go func() { done <- server.ActivateAndServe() }()
	t.Cleanup(func() {
		connection.Close()
		<-done
	})
	return connection.LocalAddr().String()
}

func TestBackendWithoutEDNS(t *testing.T) {
	for _, rcode := range []int{dns.RcodeFormatError, dns.RcodeNotImplemented} {
		t.Run(fmt.Sprintf("that answers %s to it", dns.RcodeToString[rcode]), func(t *testing.T) {
			old := startWithoutEDNS(t, rcode)
			front := startCoreDNS(t, twoFakes, "forward . "+old)

			t.Run("a client without EDNS gets the fakes", func(t *testing.T) {
				m := mustAsk(t, front, servertest.Query("example.org", dns.TypeMX))
				if n := count(m.Answer, dns.TypeMX, "example.org."); n != 3 || !m.Authoritative {
					t.Errorf("got %v, want the real record and 2 fakes, authoritative", m)
				}
			})
			t.Run("and the sink", func(t *testing.T) {
				m := mustAsk(t, front, servertest.Query("fake0.mx.example.org", dns.TypeA))
				if n := count(m.Answer, dns.TypeA, "fake0.mx.example.org."); n != 1 || !m.Authoritative {
					t.Errorf("got %v, want the address of the sink, authoritative", m)
				}
			})
			t.Run("a client with EDNS is told that it is not understood", func(t *testing.T) {
				without := startCoreDNS(t, "forward . "+old)
				q := servertest.EDNS(servertest.Query("example.org", dns.TypeMX), 1232, false)
				if got, want := text(mustAsk(t, front, q)), text(mustAsk(t, without, q)); got != want {
					t.Errorf("got\n%s\nwant what there is without fakemx\n%s", got, want)
				}
			})
		})
	}
}

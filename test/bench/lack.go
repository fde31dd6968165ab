package main

import (
	"net"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// askers is how many questions to a server are under way at a time.
const askers = 8

// lack returns those of the numbered zones for which the server's answer is not as
// it should be, in their order. One that isn't answered at all is among them.
func lack(server string, zones []int, qtype uint16, is func(*dns.Msg) bool) ([]int, error) {
	has := make([]bool, len(zones))
	errs := make([]error, askers)
	var wg sync.WaitGroup
	for asker := range askers {
		wg.Go(func() {
			conn, err := net.Dial("udp", server)
			if err != nil {
				errs[asker] = err
				return
			}
			defer conn.Close()
			for i := asker; i < len(zones); i += askers {
				m := exchange(conn, new(dns.Msg).SetQuestion(numberedZone(zones[i]), qtype))
				has[i] = m != nil && is(m)
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	var lacking []int
	for i, zone := range zones {
		if !has[i] {
			lacking = append(lacking, zone)
		}
	}
	return lacking, nil
}

// exchange asks up to three times, and returns nil if there is no answer.
func exchange(conn net.Conn, m *dns.Msg) *dns.Msg {
	client := &dns.Client{Timeout: 2 * time.Second}
	for range 3 {
		r, _, err := client.ExchangeWithConn(m, &dns.Conn{Conn: conn})
		if err == nil {
			return r
		}
	}
	return nil
}

// hasNumber is for answers that are one SOA record with the number.
func hasNumber(number uint32) func(*dns.Msg) bool {
	return func(m *dns.Msg) bool {
		if m.Rcode != dns.RcodeSuccess || len(m.Answer) != 1 {
			return false
		}
		soa, ok := m.Answer[0].(*dns.SOA)
		return ok && soa.Serial == number
	}
}

// hasRecords is for answers with so many records.
func hasRecords(n int) func(*dns.Msg) bool {
	return func(m *dns.Msg) bool { return m.Rcode == dns.RcodeSuccess && len(m.Answer) == n }
}

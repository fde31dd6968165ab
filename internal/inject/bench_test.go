package inject

import (
	"testing"

	"github.com/miekg/dns"
)

func BenchmarkInto(b *testing.B) {
	real := []dns.RR{
		&dns.MX{Hdr: dns.RR_Header{Name: "example.org.", Rrtype: dns.TypeMX, Class: dns.ClassINET, Ttl: 3600}, Preference: 10, Mx: "mail.example.org."},
		&dns.MX{Hdr: dns.RR_Header{Name: "example.org.", Rrtype: dns.TypeMX, Class: dns.ClassINET, Ttl: 3600}, Preference: 20, Mx: "backup.example.org."},
	}
	fakes := Fakes{Lowest: []string{"fake0.example.org."}, Highest: []string{"decoy1.example.org.", "decoy2.example.org."}, Step: 10}
	b.ReportAllocs()
	for b.Loop() {
		if len(Into(real, fakes)) != 5 {
			b.Fatal("not 5 records")
		}
	}
}

package harvest

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

func TestMailHosts(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(d *domains, dns *names)
		want   Reason
	}{
		{"hosts named as in their lines, one address of each family", func(*domains, *names) {}, ""},
		{"a host of two machines under its name", func(_ *domains, dns *names) {
			dns.addresses["mx1.example.org"] = append(dns.addresses["mx1.example.org"], ip("11.0.1.26"))
		}, Hosted},
		{"a host of another name, all of whose addresses are probed", func(d *domains, dns *names) {
			d.hosts[0].Name, d.hosts[1].Name = "a", "b"
			dns.addresses["mx1.example.org"], dns.addresses["mx2.example.org"] = []netip.Addr{first, second}, []netip.Addr{second}
		}, ""},
		{"a host of another name, with an address that is not probed", func(d *domains, _ *names) {
			d.hosts[0].Name = "a"
		}, Hosted},
		{"a host of another name that the operator vouches for", func(d *domains, _ *names) {
			d.hosts[0].Name, d.exchanges = "a", map[string]string{"mx1.example.org": "a"}
		}, ""},
		{"a host of somebody else", func(_ *domains, dns *names) {
			dns.mx[ourDomain] = append(dns.mx[ourDomain], "mx.hoster.example")
			dns.addresses["mx.hoster.example"] = []netip.Addr{ip("16.1.1.1")}
		}, Hosted},
		{"a host without an address", func(_ *domains, dns *names) { delete(dns.addresses, "mx2.example.org") }, MXUnknown},
		{"no MX", func(_ *domains, dns *names) { delete(dns.mx, ourDomain) }, Hosted},
		{"nothing but fakes", func(_ *domains, dns *names) { dns.mx[ourDomain] = []string{"low.example.org"} }, Hosted},
		{"MX that can't be looked up", func(_ *domains, dns *names) { dns.dead[ourDomain] = true }, MXUnknown},
		{"a domain that is not ours any more", func(d *domains, _ *names) { d.ours = func(string) ([]string, bool) { return nil, false } }, Hosted},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := youngWorld(t)
			d := w.engine.domains
			c.change(d, w.dns)
			if got := d.of(t.Context(), ourDomain).reason; got != c.want {
				t.Errorf("%q, expected %q", got, c.want)
			}
		})
	}
}

func TestMailHostsAreLookedUpAgain(t *testing.T) {
	w := youngWorld(t)
	d := w.engine.domains
	look := func() Reason { return d.of(t.Context(), ourDomain).reason }
	if got := look(); got != "" {
		t.Fatal(got)
	}
	w.dns.dead[ourDomain] = true
	w.now = w.now.Add(fresh - time.Second)
	if got := look(); got != "" {
		t.Errorf("before their time: %s", got)
	}
	w.now = w.now.Add(time.Second)
	if got := look(); got != MXUnknown {
		t.Errorf("%q, expected %s", got, MXUnknown)
	}
}

func TestDomainsThatAreKnownAreBounded(t *testing.T) {
	w := youngWorld(t)
	d := w.engine.domains
	for i := range maxDomains + 10 {
		d.of(t.Context(), fmt.Sprintf("d%d.example", i))
	}
	if n := len(d.known); n > maxDomains {
		t.Errorf("%d are known, expected at most %d", n, maxDomains)
	}
}

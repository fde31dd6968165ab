package peers

import (
	"fmt"
	"strings"
	"testing"

	"github.com/fakemx/fakemx/internal/servertest"
	"github.com/miekg/dns"
)

// What checks zone files has to find nothing wrong with a transferred zone.
func TestTransferredZoneIsClean(t *testing.T) {
	// named-checkzone, if told to, takes no MX set at a name that is not a host's.
	plugins := strings.Replace(fakes, "_realmx", "realmx", 1) + "\ntransfer {\nto *\n}"
	p := startPrimary(t, plugins, parentText)
	file := zoneFile(t, axfr(t, local(p.port), "example.org."))
	for _, check := range [][]string{
		{"named-checkzone", "-i", "local", "-k", "fail", "-m", "fail", "-M", "fail", "-n", "fail", "-r", "fail", "-S", "fail", "example.org", file},
		{"kzonecheck", "-o", "example.org", file},
		{"nsd-checkzone", "example.org", file},
		{"ldns-read-zone", "-c", file},
	} {
		t.Run("by "+check[0], func(t *testing.T) { t.Parallel(); mustRun(t, check[0], check[1:]...) })
	}
}

func TestTransferOfASignedZone(t *testing.T) {
	keys := newKeys(t, "example.org.", dns.ECDSAP256SHA256, secureFlag)
	zone := servertest.Zone(t, keys.zone, zoneText)
	for name, signed := range map[string]string{
		"signed by ldns": signedWithLDNS(t, keys, zone),
		"signed by BIND": signedWithBIND(t, keys, zone),
	} {
		t.Run(name+" changes nothing, and it verifies", func(t *testing.T) {
			port, without := servertest.FreePort(t), servertest.FreePort(t)
			const block = "%s:%s {\nbind 127.0.0.1\n%s\ntransfer {\nto *\n}\nfile %s\n}\n"
			servertest.Start(t, fmt.Sprintf(block, keys.zone, port, fakes, signed)+fmt.Sprintf(block, keys.zone, without, "", signed))
			records := axfr(t, local(port), keys.zone)
			sameZone(t, records, axfr(t, local(without), keys.zone))
			mustRun(t, "ldns-verify-zone", zoneFile(t, records))
		})
	}
}

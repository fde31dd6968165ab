package peers

import (
	"path/filepath"
	"testing"
)

const (
	pdnsConf = `
launch=bind
bind-config={{.Dir}}/named.conf
bind-dnssec-db={{.Dir}}/dnssec.db
local-address=127.0.0.1:{{.Port}}
socket-dir={{.Dir}}
daemon=no
guardian=no
disable-syslog=yes
receiver-threads=1
cache-ttl=0
negquery-cache-ttl=0
query-cache-ttl=0
zone-cache-refresh-interval=0
dname-processing=yes
allow-axfr-ips=127.0.0.1
`
	pdnsZones = `
zone "{{.Zone}}" {
	type master;
	file "{{.File}}";
};
`
)

// startPowerDNS runs PowerDNS with one zone in its backend for zone files.
func startPowerDNS(t *testing.T, z hosted) *process {
	t.Helper()
	program(t, "pdns_server")
	z = z.prepared(t)
	write(t, filepath.Join(z.Dir, "pdns.conf"), pdnsConf, z)
	write(t, filepath.Join(z.Dir, "named.conf"), pdnsZones, z)
	config := "--config-dir=" + z.Dir
	// Without this PowerDNS leaves the signatures of a zone file out.
	mustRun(t, "pdnsutil", config, "create-bind-db", filepath.Join(z.Dir, "dnssec.db"))
	if z.Signed {
		mustRun(t, "pdnsutil", config, "set-presigned", z.Zone)
	}
	return launch(t, z.Port, "pdns_server", config)
}

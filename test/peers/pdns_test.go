package peers

import (
	"path/filepath"
	"testing"
)

const (
	pdnsConf = `
launch=bind
bind-config={{.Dir}}/named.conf
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
	return launch(t, z.Port, "pdns_server", "--config-dir="+z.Dir)
}

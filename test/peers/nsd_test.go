package peers

import (
	"path/filepath"
	"testing"
)

const nsdConf = `
server:
	ip-address: 127.0.0.1@{{.Port}}
	username: ""
	zonesdir: "{{.Dir}}"
	database: ""
	pidfile: ""
	xfrdfile: "{{.Dir}}/xfrd.state"
	zonelistfile: "{{.Dir}}/zone.list"
	xfrdir: "{{.Dir}}"
	server-count: 1
	rrl-ratelimit: 0
remote-control:
	control-enable: yes
	control-interface: {{.Dir}}/control
{{if .Key}}
key:
	name: "{{.Key}}"
	algorithm: hmac-sha256
	secret: "{{.Secret}}"
{{end}}
zone:
	name: {{.Zone}}
	zonefile: "{{.File}}"
{{- if .Primary}}
	request-xfr: AXFR 127.0.0.1@{{.Primary}} {{or .Key "NOKEY"}}
	allow-notify: 127.0.0.1 {{or .Key "NOKEY"}}
	allow-notify: 127.0.0.1 NOKEY
{{- else}}
	provide-xfr: 127.0.0.1 NOKEY
{{- end}}
`

// startNSD runs NSD with one zone.
func startNSD(t *testing.T, z hosted) *process {
	t.Helper()
	program(t, "nsd")
	z = z.prepared(t)
	conf := filepath.Join(z.Dir, "nsd.conf")
	write(t, conf, nsdConf, z)
	p := launch(t, z.Port, "nsd", "-d", "-c", conf)
	p.retransfer = []string{"nsd-control", "-c", conf, "force_transfer", z.Zone}
	return p
}

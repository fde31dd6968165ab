package peers

import (
	"path/filepath"
	"testing"
)

const knotConf = `
server:
    rundir: {{.Dir}}
    listen: 127.0.0.1@{{.Port}}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
log:
  - target: stderr
    any: info
database:
    storage: {{.Dir}}
{{- if .Key}}
key:
  - id: {{.Key}}
    algorithm: hmac-sha256
    secret: {{.Secret}}
{{- end}}
{{- if .Primary}}
remote:
  - id: primary
    address: 127.0.0.1@{{.Primary}}
    {{- if .Key}}
    key: {{.Key}}
    {{- end}}
{{- end}}
acl:
  - id: local
    address: 127.0.0.1
    action: [transfer, notify]
zone:
  - domain: {{.Zone}}
    file: {{.File}}
    acl: local
    {{- if .Primary}}
    master: primary
    zonefile-load: none
    {{- else}}
    journal-content: none
    {{- end}}
`

// startKnot runs Knot DNS with one zone.
func startKnot(t *testing.T, z hosted) *process {
	t.Helper()
	program(t, "knotd")
	z = z.prepared(t)
	conf := filepath.Join(z.Dir, "knot.conf")
	write(t, conf, knotConf, z)
	p := launch(t, z.Port, "knotd", "-c", conf)
	p.retransfer = []string{"knotc", "-c", conf, "zone-retransfer", z.Zone}
	return p
}

package peers

import (
	"path/filepath"
	"testing"
)

const unboundConf = `
server:
	interface: 127.0.0.1@{{.Port}}
	port: {{.Port}}
	do-ip6: no
	do-daemonize: no
	do-not-query-localhost: no
	chroot: ""
	username: ""
	pidfile: ""
	directory: "{{.Dir}}"
	use-syslog: no
	verbosity: 1
	num-threads: 1
	module-config: "validator iterator"
	aggressive-nsec: yes
	val-log-level: 2
	{{- range .Anchors}}
	trust-anchor: "{{.}}"
	{{- end}}
remote-control:
	control-enable: no
stub-zone:
	name: "{{.Zone}}"
	stub-addr: 127.0.0.1@{{.Primary}}
`

// startUnbound runs Unbound as a validating resolver that knows where one zone
// is and which keys it has.
func startUnbound(t *testing.T, z hosted) *process {
	t.Helper()
	program(t, "unbound")
	z = z.prepared(t)
	conf := filepath.Join(z.Dir, "unbound.conf")
	write(t, conf, unboundConf, z)
	return launch(t, z.Port, "unbound", "-d", "-c", conf)
}

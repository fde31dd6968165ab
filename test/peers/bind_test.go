package peers

import (
	"path/filepath"
	"testing"

	"github.com/fakemx/fakemx/internal/servertest"
)

const namedConf = `
options {
	directory "{{.Dir}}";
	listen-on port {{.Port}} { 127.0.0.1; };
	listen-on-v6 { none; };
	pid-file none;
	session-keyfile none;
	managed-keys-directory "{{.Dir}}";
	recursion no;
	dnssec-validation no;
	notify no;
	empty-zones-enable no;
	minimal-responses no;
	allow-transfer { 127.0.0.1; };
};
key "control" { algorithm hmac-sha256; secret "{{.ControlSecret}}"; };
controls { inet 127.0.0.1 port {{.Control}} allow { 127.0.0.1; } keys { "control"; }; };
{{if .Key}}
key "{{.Key}}" { algorithm hmac-sha256; secret "{{.Secret}}"; };
server 127.0.0.1 { keys "{{.Key}}"; };
{{end}}
zone "{{.Zone}}" {
	file "{{.File}}";
	{{- if .Primary}}
	type secondary;
	primaries { 127.0.0.1 port {{.Primary}}; };
	allow-notify { 127.0.0.1; };
	{{- else}}
	type primary;
	{{- end}}
};
`

const rndcConf = `
key "control" { algorithm hmac-sha256; secret "{{.ControlSecret}}"; };
options { default-key "control"; default-server 127.0.0.1; default-port {{.Control}}; };
`

// startBIND runs named with one zone.
func startBIND(t *testing.T, z hosted) *process {
	t.Helper()
	program(t, "named")
	z = z.prepared(t)
	values := struct {
		hosted
		Control, ControlSecret string
	}{z, servertest.FreePort(t), "Y29udHJvbCBvZiBhIHRlc3QsIDMyIG9jdGV0cyBsb25n"}
	conf, control := filepath.Join(z.Dir, "named.conf"), filepath.Join(z.Dir, "rndc.conf")
	write(t, conf, namedConf, values)
	write(t, control, rndcConf, values)
	p := launch(t, z.Port, "named", "-g", "-n", "1", "-c", conf)
	p.retransfer = []string{"rndc", "-c", control, "retransfer", z.Zone}
	return p
}

package peers

import (
	"path/filepath"
	"testing"
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
controls { };
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

// startBIND runs named with one zone.
func startBIND(t *testing.T, z hosted) *process {
	t.Helper()
	program(t, "named")
	z = z.prepared(t)
	conf := filepath.Join(z.Dir, "named.conf")
	write(t, conf, namedConf, z)
	return launch(t, z.Port, "named", "-g", "-n", "1", "-c", conf)
}

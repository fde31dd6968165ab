package peers

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"text/template"
	"time"

	"github.com/miekg/dns"
)

// patience is how long a program may take to do what it does in less than a
// second on an idle machine.
const patience = 20 * time.Second

// packages are the Debian packages of the programs.
var packages = map[string]string{
	"delv":             "bind9-dnsutils",
	"knotc":            "knot",
	"nsd-control":      "nsd",
	"rndc":             "bind9-utils",
	"dnssec-signzone":  "bind9-utils",
	"kzonecheck":       "knot-dnssecutils",
	"knotd":            "knot",
	"ldns-read-zone":   "ldnsutils",
	"ldns-signzone":    "ldnsutils",
	"ldns-verify-zone": "ldnsutils",
	"named":            "bind9",
	"named-checkzone":  "bind9-utils",
	"nsd":              "nsd",
	"nsd-checkzone":    "nsd",
	"pdns_server":      "pdns-server",
	"pdnsutil":         "pdns-server",
	"unbound":          "unbound",
}

// program returns the path of a program, and skips the test where it is missing.
func program(t *testing.T, name string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	if path, err := exec.LookPath("/usr/sbin/" + name); err == nil {
		return path
	}
	const missing = "%s is not installed: apt-get install %s"
	if os.Getenv("CI") == "true" {
		t.Fatalf(missing, name, packages[name])
	}
	t.Skipf(missing, name, packages[name])
	return ""
}

// run runs a program to its end and returns what it prints.
func run(t *testing.T, name string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, program(t, name), args...).CombinedOutput()
	return string(out), err
}

// mustRun is run for a program that has to succeed.
func mustRun(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := run(t, name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return out
}

// shortDir returns a directory of the test whose path is short enough for the
// sockets that some programs put there.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "peer") //nolint:usetesting // t.TempDir has the test's name in it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// write makes a file from a template of text.
func write(t *testing.T, path, text string, values any) {
	t.Helper()
	parsed := template.Must(template.New(filepath.Base(path)).Parse(text))
	var b strings.Builder
	if err := parsed.Execute(&b, values); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// process is a running daemon.
type process struct {
	t    *testing.T
	name string
	// port is the one it answers on.
	port string
	// retransfer is the command with which a secondary transfers its zone whatever
	// the serial.
	retransfer []string
	cmd        *exec.Cmd
	gone       chan struct{}
}

// launch starts a daemon that stays in the foreground. What it writes goes to a
// file, the end of which is shown if the test fails.
func launch(t *testing.T, port, name string, args ...string) *process {
	t.Helper()
	path := program(t, name)
	output, err := os.Create(filepath.Join(t.TempDir(), name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, name: name, port: port, cmd: exec.Command(path, args...), gone: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = output, output
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // that it was told to stop is no news
		close(p.gone)
	}()
	t.Cleanup(func() {
		p.stop()
		output.Close()
		if text, err := os.ReadFile(output.Name()); t.Failed() && err == nil {
			const most = 2000
			t.Logf("%s wrote at the end:\n%s", name, text[max(0, len(text)-most):])
		}
	})
	return p
}

// stop ends the daemon. It may be called more than once.
func (p *process) stop() {
	select {
	case <-p.gone:
		return
	default:
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Logf("stopping %s: %v", p.name, err)
	}
	select {
	case <-p.gone:
	case <-time.After(5 * time.Second):
		p.t.Errorf("%s did not stop on SIGTERM", p.name)
		_ = p.cmd.Process.Kill()
		<-p.gone
	}
}

func (p *process) address() string { return local(p.port) }

// answers waits until the daemon, authoritative server or resolver, has an
// answer to SOA of the zone.
func (p *process) answers(zone string) *process {
	p.t.Helper()
	p.eventually("has no "+zone, func() bool { return hasSOA(p.address(), zone) })
	return p
}

// eventually waits until what is expected of the daemon is so.
func (p *process) eventually(otherwise string, so func() bool) {
	p.t.Helper()
	eventually(p.t, p.name+" "+otherwise, func() bool {
		select {
		case <-p.gone:
			p.t.Fatalf("%s has stopped by itself", p.name)
		default:
		}
		return so()
	})
}

// hasSOA reports whether the server at the address answers for the zone.
func hasSOA(address, zone string) bool {
	m, err := ask("udp", address, new(dns.Msg).SetQuestion(zone, dns.TypeSOA))
	return err == nil && m.Rcode == dns.RcodeSuccess && len(m.Answer) > 0
}

// servesSOA waits until the server at the address answers for the zone.
func servesSOA(t *testing.T, address, zone string) {
	t.Helper()
	eventually(t, "no answer for "+zone+" at "+address, func() bool { return hasSOA(address, zone) })
}

// eventually waits until what is expected is so.
func eventually(t *testing.T, otherwise string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !so(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s after %v", otherwise, patience)
		}
	}
}

// ask sends a query that may stay without an answer.
func ask(network, address string, m *dns.Msg) (*dns.Msg, error) {
	client := &dns.Client{Net: network, Timeout: time.Second, UDPSize: dns.MaxMsgSize}
	answer, _, err := client.Exchange(m, address)
	return answer, err
}

// mustAsk sends a query over UDP that has to be answered.
func mustAsk(t *testing.T, address string, m *dns.Msg) *dns.Msg {
	t.Helper()
	client := &dns.Client{Timeout: patience, UDPSize: dns.MaxMsgSize}
	answer, _, err := client.Exchange(m, address)
	if err != nil {
		t.Fatalf("asking %s for %s: %v", address, m.Question[0].String(), err)
	}
	return answer
}

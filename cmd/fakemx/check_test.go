package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fakemx/fakemx/internal/servertest"
)

// served is a zone on loopback: the name servers that it names answer nothing,
// so the resolver's word counts.
func served(t *testing.T, records string) (resolver string) {
	t.Helper()
	zone := servertest.File(t, "db.example.org", `$ORIGIN example.org.
$TTL 300
@ SOA ns1 hostmaster 1 7200 900 1209600 300
@ NS ns1
ns1 A 127.0.0.1
`+servertest.Flush(records))
	s := servertest.Start(t, fmt.Sprintf("example.org:0 {\nbind 127.0.0.1\nfile %s\n}\n", zone))
	return s.UDP
}

// fakemxCheck runs fakemx check and returns the status and what it wrote.
func fakemxCheck(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	dir := t.TempDir()
	out, err := os.Create(filepath.Join(dir, "stdout"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	errs, err := os.Create(filepath.Join(dir, "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer errs.Close()
	status = runCheck(t.Context(), args, out, errs)
	return status, read(t, out.Name()), read(t, errs.Name())
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

const realSet = "@ MX 10 mail\nmail A 192.0.2.10\n"

func TestTheExitStatusSaysWhatWasFound(t *testing.T) {
	resolver := served(t, realSet)
	broken := served(t, realSet+"@ MX 20 nothing\n")
	corefile := servertest.File(t, "Corefile", "example.org {\nfakemx {\nhighest decoy 192.0.2.1\n}\n}\n")
	base := []string{"-conf", corefile, "-no-probe"}
	for _, tt := range []struct {
		what   string
		args   []string
		status int
	}{
		{"nothing at or above an error", []string{"-resolver", resolver, "example.org"}, statusFine},
		{"every zone of the Corefile", []string{"-resolver", resolver}, statusFine},
		{"a warning, and warnings count", []string{"-resolver", resolver, "-fail-on", "warning"}, statusFound},
		{"an error", []string{"-resolver", broken}, statusFound},
		{"a resolver that does not answer", []string{"-resolver", "127.0.0.1:1"}, statusUnknown},
	} {
		t.Run(tt.what, func(t *testing.T) {
			status, stdout, stderr := fakemxCheck(t, slices.Concat(base, tt.args)...)
			if status != tt.status {
				t.Errorf("status %d, expected %d\n%s%s", status, tt.status, stdout, stderr)
			}
		})
	}
}

func TestAWrongCommandLineIsRefusedInOneLine(t *testing.T) {
	corefile := servertest.File(t, "Corefile", "example.org {\nfakemx {\nhighest decoy 192.0.2.1\n}\n}\n")
	for _, tt := range []struct {
		want string
		args []string
	}{
		{"nothing to look at", nil},
		{"bad -o", []string{"-o", "xml", "example.org"}},
		{"-fail-on: bad level", []string{"-fail-on", "never", "example.org"}},
		{"bad -qps", []string{"-qps", "0", "example.org"}},
		{"bad -parallel", []string{"-parallel", "0", "example.org"}},
		{"bad -timeout", []string{"-timeout", "0s", "example.org"}},
		{"bad -resolver", []string{"-resolver", "dns.example.org", "example.org"}},
		{"bad -control", []string{"-control", "mail.example.org", "example.org"}},
		{"bad -helo", []string{"-helo", "a b", "example.org"}},
		{"bad domain", []string{"a..b"}},
		{"lies in no zone", []string{"-conf", corefile, "example.net"}},
		{"no such file", []string{"-conf", "/nowhere/Corefile"}},
	} {
		t.Run(tt.want, func(t *testing.T) {
			status, stdout, stderr := fakemxCheck(t, tt.args...)
			if status != statusUnknown || stdout != "" || !strings.Contains(stderr, tt.want) || strings.Count(stderr, "\n") != 1 {
				t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
			}
		})
	}
}

func TestTheOutputIsTextOrJSON(t *testing.T) {
	resolver := served(t, realSet)
	corefile := servertest.File(t, "Corefile", "example.org {\nfakemx {\nlowest fake0 192.0.2.1\n}\n}\n")
	_, text, _ := fakemxCheck(t, "-conf", corefile, "-no-probe", "-resolver", resolver, "example.org")
	for _, want := range []string{"example.org: the set as it will be", "  fake0.example.org  lowest fake", "Postfix 3.7.11", "info [receiver-question]"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "\x1b") {
		t.Errorf("colour in a file:\n%s", text)
	}
	_, out, _ := fakemxCheck(t, "-conf", corefile, "-no-probe", "-resolver", resolver, "-o", "json")
	var value struct {
		Schema  string
		Domains []struct{ Domain string }
	}
	if err := json.Unmarshal([]byte(out), &value); err != nil || value.Schema != "fakemx-check/1" || len(value.Domains) != 1 || value.Domains[0].Domain != "example.org" {
		t.Errorf("%v: %s", err, out)
	}
}

func TestManyDomainsGetASummary(t *testing.T) {
	resolver := served(t, realSet)
	list := strings.Builder{}
	for i := range 300 {
		fmt.Fprintf(&list, "c%d.example.org\n", i)
	}
	path := servertest.File(t, "list", list.String())
	corefile := servertest.File(t, "Corefile", "example.org {\nfakemx {\nhighest decoy 192.0.2.1\nzones_from "+path+"\n}\n}\n")
	status, text, stderr := fakemxCheck(t, "-conf", corefile, "-no-probe", "-qps", "100000", "-resolver", resolver)
	if n := strings.Count(text, "warning [config]"); n != 2 {
		t.Errorf("the warning of the Corefile stands there %d times, expected once and in the summary", n)
	}
	if status != statusFine || !strings.Contains(text, "301 domains: 0 errors") || !strings.Contains(text, "    300  info [no-mx]") {
		t.Errorf("status %d\n%s%s", status, text, stderr)
	}
}

func TestProgressIsABarOfTheRightLength(t *testing.T) {
	var b strings.Builder
	p := newProgress(&b, 200, true)
	p.show(100)
	if want := "[" + strings.Repeat("#", 20) + strings.Repeat(".", 20) + "] 100 of 200"; !strings.Contains(b.String(), want) {
		t.Errorf("bar %q, expected %q", b.String(), want)
	}
	if newProgress(&b, 200, false) != nil || newProgress(&b, 1, true) != nil {
		t.Error("a bar where nobody sees it, or for one domain")
	}
}

func TestCommands(t *testing.T) {
	for _, tt := range []struct {
		args   []string
		status int
	}{
		{nil, usageStatus}, {[]string{"nothing"}, usageStatus}, {[]string{"help"}, 0}, {[]string{"check", "-help"}, 0},
	} {
		if status := run(t.Context(), tt.args); status != tt.status {
			t.Errorf("%v: status %d, expected %d", tt.args, status, tt.status)
		}
	}
}

package main

import (
	"bufio"
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coredns/coredns/coremain"
	"github.com/fakemx/fakemx"
	"github.com/miekg/dns"
)

// runAsCommand makes the test binary the command itself.
const runAsCommand = "FAKEMX_TEST_RUN_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(runAsCommand) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Dir = filepath.Join("..", "..")
	cmd.Env = append(os.Environ(), runAsCommand+"=1")
	return cmd
}

func TestVersion(t *testing.T) {
	out, err := command(t, "-version").Output()
	if err != nil {
		t.Fatal(err)
	}
	want := "CoreDNS-" + coremain.CoreVersion + " fakemx-" + fakemx.Version + "\n"
	if !strings.HasPrefix(string(out), want) {
		t.Errorf("got %q, want it to begin with %q", out, want)
	}
}

func TestPlugins(t *testing.T) {
	out, err := command(t, "-plugins").Output()
	if err != nil {
		t.Fatal(err)
	}
	listed := strings.Fields(string(out))
	for _, plugin := range []string{"fakemx", "file", "auto", "secondary", "forward", "dnssec", "sign", "transfer", "etcd"} {
		if !slices.Contains(listed, plugin) {
			t.Errorf("%s is not listed", plugin)
		}
	}
	for _, plugin := range []string{"azure", "clouddns", "route53", "kubernetes"} {
		if slices.Contains(listed, plugin) {
			t.Errorf("%s is listed", plugin)
		}
	}
}

// TestExample runs Corefile.example, on another port, and asks it.
func TestExample(t *testing.T) {
	corefile, err := os.ReadFile("../../Corefile.example")
	if err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	_, port, _ := net.SplitHostPort(address)
	path := filepath.Join(t.TempDir(), "Corefile")
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(corefile), ":1053", ":"+port)), 0o600); err != nil {
		t.Fatal(err)
	}

	cmd := command(t, "-conf", path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		cmd.Process.Signal(os.Interrupt)
		cmd.Wait()
	}()
	const stanza = "[INFO] plugin/fakemx: example.org.: lowest none, " +
		"highest decoy1 192.0.2.2 2001:db8::2, decoy2 192.0.2.2 2001:db8::2, decoy3 192.0.2.2 2001:db8::2, " +
		"step 10, ttl 3600"
	var started []string
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "CoreDNS-") {
		started = append(started, lines.Text())
	}
	if !slices.Contains(started, stanza) {
		t.Fatalf("no line %q at start, but %q and the errors %q", stanza, started, errs.String())
	}
	go func() {
		for lines.Scan() { // so that the server can go on writing
		}
	}()

	answer, err := dns.Exchange(new(dns.Msg).SetQuestion("example.org.", dns.TypeMX), address)
	if err != nil {
		t.Fatal(err)
	}
	if len(answer.Answer) != 5 {
		t.Errorf("got %v, want 2 real MX records and 3 fakes", answer)
	}
}

// freeAddress returns an address that is free for UDP and TCP.
func freeAddress(t *testing.T) string {
	t.Helper()
	for range 100 {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		conn, err := net.ListenPacket("udp", listener.Addr().String())
		if err == nil {
			conn.Close()
			return conn.LocalAddr().String()
		}
	}
	t.Fatal("no port is free for UDP and TCP")
	return ""
}

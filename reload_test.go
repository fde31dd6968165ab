package fakemx_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fakemx/fakemx/internal/servertest"
	"github.com/miekg/dns"
)

// process is a CoreDNS of its own, whose Corefile can be changed.
type process struct {
	t        *testing.T
	cmd      *exec.Cmd
	corefile string
	output   string
	port     string
}

// run starts a process. In the Corefile PORT stands for a port that is free.
func run(t *testing.T, corefile string, environment ...string) *process {
	t.Helper()
	dir := t.TempDir()
	p := &process{
		t:        t,
		corefile: filepath.Join(dir, "Corefile"),
		output:   filepath.Join(dir, "output"),
		port:     servertest.FreePort(t),
	}
	p.write(corefile)
	output, err := os.Create(p.output)
	if err != nil {
		t.Fatal(err)
	}
	defer output.Close()
	p.cmd = exec.Command(os.Args[0], "-conf", p.corefile)
	// With -race, caddy's signal handler is reported: it reads the servers of the
	// instance that main has started, with nothing between the two (caddy.go,
	// Restart and startServers; any SIGUSR1 shows it). stop looks for races of
	// fakemx only.
	p.cmd.Env = slices.Concat(os.Environ(), []string{asCoreDNS + "=yes", "GORACE=exitcode=0"}, environment)
	p.cmd.Stdout, p.cmd.Stderr = output, output
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.stop)
	servertest.Eventually(t, 20*time.Second, "the process to answer", func() bool { return p.ask("example.org", dns.TypeSOA) != nil })
	return p
}

// stop ends the process.
func (p *process) stop() {
	p.signal(syscall.SIGTERM)
	err := p.cmd.Wait()
	output := p.read()
	_, races, raced := strings.Cut(output, "WARNING: DATA RACE")
	switch {
	case err != nil:
		p.t.Errorf("the process has ended with %v, its output:\n%s", err, output)
	case raced && strings.Contains(races, "github.com/fakemx/fakemx."):
		p.t.Errorf("got a data race:\n%s", output)
	case p.t.Failed():
		p.t.Logf("the output of the process:\n%s", output)
	}
}

func (p *process) signal(signal syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		p.t.Fatal(err)
	}
}

// reload has the process read its Corefile again. It may answer before caddy
// listens for signals, and Go drops a SIGUSR1 that nothing listens for.
func (p *process) reload() {
	p.t.Helper()
	const arrived = "SIGUSR1: Reloading"
	before := strings.Count(p.read(), arrived)
	servertest.Eventually(p.t, 20*time.Second, "SIGUSR1 to arrive", func() bool {
		p.signal(syscall.SIGUSR1)
		for range 20 {
			if strings.Count(p.read(), arrived) > before {
				return true
			}
			time.Sleep(50 * time.Millisecond)
		}
		return false
	})
}

func (p *process) write(corefile string) {
	p.t.Helper()
	write(p.t, p.corefile, strings.ReplaceAll(corefile, "PORT", p.port))
}

func (p *process) read() string {
	output, err := os.ReadFile(p.output)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(output)
}

func (p *process) wait(part string) {
	p.t.Helper()
	servertest.Eventually(p.t, 20*time.Second, "the output to have "+part, func() bool { return strings.Contains(p.read(), part) })
}

// ask returns nil where no answer comes: the process may not be up yet.
func (p *process) ask(name string, qtype uint16) *dns.Msg {
	client := &dns.Client{Timeout: time.Second}
	m, _, err := client.Exchange(servertest.Query(name, qtype), net.JoinHostPort("127.0.0.1", p.port))
	if err != nil {
		return nil
	}
	return m
}

func (p *process) hasFake(exchange string) func() bool {
	return func() bool {
		m := p.ask("example.org", dns.TypeMX)
		return m != nil && strings.Contains(servertest.Text(m), exchange)
	}
}

func processCorefile(zone, more, properties string) string {
	return `example.org:PORT {
		bind 127.0.0.1
		` + more + `
		fakemx {
			` + properties + `
		}
		file ` + zone + `
	}`
}

func TestSIGUSR1TakesTheNewCorefile(t *testing.T) {
	t.Parallel()
	zone := zoneFile(t, "example.org", mail)
	p := run(t, processCorefile(zone, "", "highest old 198.51.100.1"))
	if !p.hasFake("20 old.example.org.")() && !p.hasFake("30 old.example.org.")() {
		t.Fatal("got no fake before the signal")
	}
	p.write(processCorefile(zone, "", "highest new 198.51.100.1"))
	p.reload()
	servertest.Eventually(t, 20*time.Second, "the new fake", p.hasFake("30 new.example.org."))
	if p.hasFake("old.example.org.")() {
		t.Error("got the fake of the old Corefile after the reload")
	}

	t.Run("and leaves the old one in force where the new one has a mistake", func(t *testing.T) {
		p.write(processCorefile(zone, "", "highest bad 127.0.0.1"))
		p.reload()
		p.wait("loopback address")
		if !p.hasFake("30 new.example.org.")() {
			t.Error("got another answer than before the bad Corefile")
		}
		if !strings.Contains(p.read(), "Corefile:5 - Error during parsing: highest bad: loopback address") {
			t.Errorf("got the output\n%s\nwant it to name file and line", p.read())
		}
	})
}

func TestTheReloadPluginTakesTheNewCorefile(t *testing.T) {
	t.Parallel()
	zone := zoneFile(t, "example.org", mail)
	p := run(t, processCorefile(zone, "reload 2s 0", "highest old 198.51.100.1"))
	p.write(processCorefile(zone, "reload 2s 0", "highest bad 127.0.0.1"))
	p.wait("loopback address")
	if !p.hasFake("30 old.example.org.")() {
		t.Error("got another answer than before the bad Corefile")
	}
	p.write(processCorefile(zone, "reload 2s 0", "highest new 198.51.100.1"))
	servertest.Eventually(t, 20*time.Second, "the new fake", p.hasFake("30 new.example.org."))
}

func TestAReloadWithABadCorefileLeavesTheOldAnswers(t *testing.T) {
	s := start(t, "highest old 198.51.100.1", mail)
	const before = "@ MX 10 mail\n@ MX 20 backup\n@ MX 30 old"
	for _, bad := range []struct{ mistake, corefile string }{
		{"a refused property", corefile(t, "highest new 0.0.0.0", mail)},
		{"a plugin that is not there", strings.Replace(corefile(t, "highest new 198.51.100.1", mail), "file ", "nofile ", 1)},
		{"a plugin that fails after fakemx was set up", corefile(t, "highest new 198.51.100.1", "no zone text")},
	} {
		t.Run(bad.mistake, func(t *testing.T) {
			if err := s.Reload(bad.corefile); err == nil {
				t.Fatal("the Corefile was taken")
			}
			wantSet(t, s, "example.org", dns.TypeMX, before)
			wantSet(t, s, "old.example.org", dns.TypeA, "old A 198.51.100.1")
		})
	}
	t.Run("and a good one after it is taken", func(t *testing.T) {
		if err := s.Reload(corefile(t, "lowest new 198.51.100.2", mail)); err != nil {
			t.Fatal(err)
		}
		wantSet(t, s, "example.org", dns.TypeMX, "@ MX 0 new\n@ MX 10 mail\n@ MX 20 backup")
		check(t, s, "old.example.org", "A", servertest.Message{Rcode: "NXDOMAIN", Authority: soa})
	})
}

// SIGUSR1 takes all event hooks away and leaves it to the plugins to set them
// again.
func TestAListIsReadAgainAfterSIGUSR1(t *testing.T) {
	t.Parallel()
	zone := zoneFile(t, "example.org", mail)
	list := servertest.File(t, "zones", "example.net\n")
	p := run(t, processCorefile(zone, "", "highest fake0.invalid.\nzones_from "+list))
	servertest.Eventually(t, 20*time.Second, "an answer", func() bool { return p.ask("example.org", dns.TypeMX) != nil })
	p.reload()
	p.wait("Reloading complete")
	write(t, list, "example.net\nexample.com\n")
	p.wait("2 zones loaded from " + list)
}

package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// environment is a temporary directory with the zones and the servers' configurations.
type environment struct {
	dir    string
	binary string // CoreDNS with fakemx
}

// newEnvironment makes the directory. It builds CoreDNS there unless a binary is given.
func newEnvironment(binary string) (*environment, error) {
	dir, err := os.MkdirTemp("", "fakemx-bench-")
	if err != nil {
		return nil, err
	}
	env := &environment{dir: dir}
	if err := env.fill(binary); err != nil {
		env.remove()
		return nil, err
	}
	return env, nil
}

func (e *environment) fill(binary string) error {
	if err := e.write(plainFile, plainZone); err != nil {
		return err
	}
	if err := e.write(editFile, plainZone+handEdits); err != nil {
		return err
	}
	if err := writeKey(e.dir); err != nil {
		return err
	}
	if binary != "" {
		var err error
		e.binary, err = filepath.Abs(binary)
		return err
	}
	e.binary = e.path("coredns")
	build := exec.Command("go", "build", "-o", e.binary, "github.com/fakemx/fakemx/cmd/coredns")
	build.Stderr = os.Stderr
	return build.Run()
}

func (e *environment) remove() { os.RemoveAll(e.dir) }

func (e *environment) write(name, text string) error {
	return os.WriteFile(e.path(name), []byte(text), 0o600)
}

func (e *environment) path(name string) string { return filepath.Join(e.dir, name) }

// coredns starts CoreDNS on a free port for example.org with the given lines of Corefile.
func (e *environment) coredns(name string, place placement, ask dns.Question, lines ...string) (*process, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	return e.corednsWith(name, place, port, ask, corefile(zoneName, port, lines...))
}

// corednsWith starts CoreDNS with a whole Corefile, kept under the given name.
func (e *environment) corednsWith(name string, place placement, port int, ask dns.Question, text string) (*process, error) {
	if err := e.write(corefileName(name), text); err != nil {
		return nil, err
	}
	return start(e.dir, place, port, ask, e.binary, "-conf", e.path(corefileName(name)), "-quiet")
}

func corefileName(name string) string { return "Corefile." + name }

// describe prints what the figures depend on.
func (e *environment) describe(w io.Writer) error {
	version, err := exec.Command(e.binary, "-version").Output()
	if err != nil {
		return fmt.Errorf("%s -version: %w", e.binary, err)
	}
	fmt.Fprintf(w, "%s, %s\n", time.Now().UTC().Format(time.DateOnly), strings.Join(strings.Fields(string(version)), " "))
	fmt.Fprintf(w, "%d cores of %s\n", runtime.NumCPU(), processor())
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		fields := strings.Fields(string(load))
		fmt.Fprintf(w, "load of the machine before the run: %s\n", fields[0])
	}
	fmt.Fprintln(w)
	return nil
}

func processor() string {
	file, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if name, found := strings.CutPrefix(lines.Text(), "model name"); found {
			return strings.TrimSpace(strings.TrimLeft(name, "\t :"))
		}
	}
	return runtime.GOARCH
}

// canPin reports whether a process can be kept on one of at least two cores.
func canPin() bool {
	_, err := exec.LookPath("taskset")
	return err == nil && runtime.NumCPU() > 1
}

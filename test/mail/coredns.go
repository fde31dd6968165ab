package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// buildCoreDNS builds the project's CoreDNS from the module at dir.
func buildCoreDNS(ctx context.Context, dir, binary string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/coredns")
	cmd.Dir = dir
	// The laboratory is a module of its own; a workspace must not mix the two.
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build ./cmd/coredns in %s: %w: %s", dir, err, bytes.TrimSpace(out))
	}
	return nil
}

// moduleRoot finds the directory of fakemx's own module at or above dir.
func moduleRoot(dir string) (string, error) {
	for at := dir; ; at = filepath.Dir(at) {
		text, err := os.ReadFile(filepath.Join(at, "go.mod"))
		if err == nil && strings.Contains(string(text), "module github.com/fakemx/fakemx\n") {
			return at, nil
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("no go.mod of github.com/fakemx/fakemx at or above %s", dir)
		}
	}
}

// A coredns is a running name server.
type coredns struct {
	cmd  *exec.Cmd
	dir  string
	done chan error
}

// corefile is the name of the configuration in a server's directory.
const corefile = "Corefile"

// startCoreDNS runs binary on n with the configuration and files in dir.
func startCoreDNS(binary string, n *node, dir string) (*coredns, error) {
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(binary, "-conf", corefile)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
	if err := n.do(cmd.Start); err != nil {
		return nil, err
	}
	c := &coredns{cmd: cmd, dir: dir, done: make(chan error, 1)}
	go func() { c.done <- cmd.Wait() }()
	return c, c.settled(1)
}

// settled waits until the server has started for the nth time, reloads
// included.
func (c *coredns) settled(n int) error {
	for deadline := time.Now().Add(readyWithin); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		text, err := os.ReadFile(filepath.Join(c.dir, "log"))
		if err != nil {
			return err
		}
		started := strings.Count(string(text), "\nCoreDNS-") + strings.Count(string(text), "Reloading complete")
		if started >= n {
			return nil
		}
		select {
		case err := <-c.done:
			return fmt.Errorf("coredns ended: %w: %s", errors.Join(err), lastLine(string(text)))
		default:
		}
	}
	return fmt.Errorf("coredns: not (re)started for the %d. time within %v", n, readyWithin)
}

// reload makes the server read its configuration again.
func (c *coredns) reload() error { return c.cmd.Process.Signal(syscall.SIGUSR1) }

// refuses starts binary with a server block and returns the line with which it
// refuses; it is an error if it doesn't.
func refuses(ctx context.Context, binary string, n *node, dir, block string) (string, error) {
	if err := os.WriteFile(filepath.Join(dir, corefile), []byte(block), 0o600); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, "-conf", corefile)
	cmd.Dir = dir
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := n.do(cmd.Start); err != nil {
		return "", err
	}
	err := cmd.Wait()
	if ctx.Err() != nil || err == nil {
		return "", fmt.Errorf("coredns starts with a block that it should refuse:\n%s", block)
	}
	return lastLine(out.String()), nil
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"
)

// A clockedSink is the sink server by a clock that is told to go on.
type clockedSink struct {
	fakemx string // the command that asks it
	state  string
	server *exec.Cmd
	orders io.Writer
	lines  *bufio.Scanner

	mu sync.Mutex // held while it goes on
}

// startClocked starts it at the highest fakes of the domains.
func (h *harvestLab) startClocked(binaries map[string]string, server netip.Addr) (*clockedSink, error) {
	s := &clockedSink{fakemx: binaries["cmd/fakemx"], state: filepath.Join(place, "state")}
	if err := os.MkdirAll(s.state, 0o700); err != nil {
		return nil, err
	}
	args := []string{
		"-state", s.state, "-list", listDir, "-list-zone", listZone, "-list-ns", "ns.example.net",
		"-conf", filepath.Join(h.dns.dir, "steady", corefile), "-resolver", "127.0.0.1:53",
		"-real", realName, "-probe", netip.AddrPortFrom(realAddr, 25).String(), "-probe-rcpt", "postmaster@" + domainOf(plainLabel),
		"-policy", netip.AddrPortFrom(server, policyPort).String(), "-receive", "udp:" + netip.AddrPortFrom(server, linesPort).String(),
	}
	for _, shape := range h.shapes {
		args = append(args, "-listen", netip.AddrPortFrom(shape.highest[0].addrs[0], 25).String())
	}
	cmd := exec.Command(binaries["test/harvest"], args...)
	s.server, cmd.Stderr = cmd, h.progress
	var err error
	if s.orders, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	answers, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.lines = bufio.NewScanner(answers)
	return s, h.sinks.do(cmd.Start)
}

// goOnWithin is how long some hundred probes may take on a busy machine.
const goOnWithin = 3 * time.Minute

// goOn has so much time pass for the sink server, and everything proven in it.
func (s *clockedSink) goOn(by time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := fmt.Fprintln(s.orders, by); err != nil {
		return err
	}
	defer time.AfterFunc(goOnWithin, func() { _ = s.server.Process.Kill() }).Stop()
	if !s.lines.Scan() {
		return errors.Join(fmt.Errorf("the sink server has ended, or not gone on by %v within %v", by, goOnWithin), s.lines.Err())
	}
	_, err := time.Parse(time.RFC3339, s.lines.Text())
	return err
}

// ask runs a command of fakemx sink and reads what it prints.
func (s *clockedSink) ask(ctx context.Context, answer any, command string, args ...string) error {
	out, err := exec.CommandContext(ctx, s.fakemx, append([]string{"sink", command, "-state", s.state, "-o", "json"}, args...)...).Output()
	if err != nil {
		return fmt.Errorf("fakemx sink %s: %w", command, err)
	}
	return json.Unmarshal(out, answer)
}

// listed returns who is on the list.
func (s *clockedSink) listed(ctx context.Context) (map[netip.Addr]bool, error) {
	var listing struct {
		Entries []struct{ Client netip.Addr }
	}
	if err := s.ask(ctx, &listing, "list"); err != nil {
		return nil, err
	}
	all := map[netip.Addr]bool{}
	for _, e := range listing.Entries {
		all[e.Client] = true
	}
	return all, nil
}

// A shown is what is known of an address.
type shown struct {
	Listed    bool
	Acquitted *struct{ Why string }
	Visits    []struct{ Reason string }
}

func (s *clockedSink) show(ctx context.Context, addr netip.Addr) (shown, error) {
	var found shown
	return found, s.ask(ctx, &found, "show", addr.String())
}

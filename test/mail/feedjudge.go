package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A judge is a sink server that hears who came to a real host.
type judge struct {
	what  string
	node  *node
	root  *root
	addr  netip.Addr // where it answers mail
	flags []string   // those of the document

	said sayings
}

// sayings is what a process has said so far.
type sayings struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *sayings) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (j *judge) complaints() string {
	j.said.mu.Lock()
	defer j.said.mu.Unlock()
	return strings.TrimSpace(j.said.text.String())
}

// Where things are in the root of a judge, and its usual ports.
const (
	fakemxPath  = "/usr/bin/fakemx"
	feedState   = "/var/lib/fakemx-sink"
	feedStore   = "sink.db"
	sinkPort    = 2525
	metricsAddr = "127.0.0.1:9154"
)

// command is one of fakemx in the judge's root.
func (j *judge) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, fakemxPath, args...)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: j.root.dir}
	return cmd
}

// start starts the server. That its feed was proven in the hours beside this one is
// noted before by prover: see test/feeds.
func (j *judge) start(ctx context.Context, fakemx, prover string) error {
	program, err := os.ReadFile(fakemx)
	if err != nil {
		return err
	}
	if err := j.root.write(fakemxPath, string(program), 0o755); err != nil {
		return err
	}
	state := filepath.Join(j.root.dir, feedState)
	if err := os.MkdirAll(state, 0o700); err != nil {
		return err
	}
	if out, err := exec.CommandContext(ctx, prover, filepath.Join(state, feedStore), feedName).CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	cmd := j.command(ctx, append([]string{"sink", "serve", "-host", "sink.example.org", "-state", feedState, "-visits", "/dev/null"}, j.flags...)...)
	cmd.Stderr = &j.said
	if err := j.node.do(cmd.Start); err != nil {
		return err
	}
	return j.up()
}

// up waits until the server tells its metrics: then it also listens for mail, where
// to ask would be a visit.
func (j *judge) up() error {
	for deadline := time.Now().Add(greetedWithin); ; time.Sleep(200 * time.Millisecond) {
		if _, err := j.metrics(); err == nil || time.Now().After(deadline) {
			return err
		}
	}
}

// provenWithin is more than the minute that a probe's line may take.
const provenWithin = 90 * time.Second

// proven waits for the result of the first probe.
func (j *judge) proven() error {
	for deadline := time.Now().Add(provenWithin); ; time.Sleep(200 * time.Millisecond) {
		text, err := j.metrics()
		if err != nil {
			return err
		}
		switch value, found := metric(text, `fakemx_sink_feed_proven{host="`+feedName+`"}`); {
		case found && value == 1:
			return nil
		case found:
			return errors.New("the feed is not proven")
		case time.Now().After(deadline):
			return fmt.Errorf("no result of a probe within %v", provenWithin)
		}
	}
}

func (j *judge) metrics() (string, error) {
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, address string) (conn net.Conn, err error) {
			err = j.node.do(func() error {
				conn, err = new(net.Dialer).DialContext(ctx, network, address)
				return err
			})
			return conn, err
		},
	}}
	answer, err := client.Get("http://" + metricsAddr + "/metrics")
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return string(text), err
}

// metric returns the value of a series.
func metric(text, series string) (value float64, found bool) {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, series+" "); ok {
			value, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			return value, err == nil
		}
	}
	return 0, false
}

// visit is a client's at the sink.
func (j *judge) visit(clients *node, from netip.Addr) error {
	replies, err := converse(clients, from, netip.AddrPortFrom(j.addr, sinkPort),
		"EHLO client.example.net", "MAIL FROM:<a@client.example.net>", "RCPT TO:<b@example.org>", "QUIT")
	if err != nil {
		return fmt.Errorf("client %v at the sink: %w", from, err)
	}
	if replies[3] != 451 {
		return fmt.Errorf("client %v at the sink: %d at RCPT, expected 451", from, replies[3])
	}
	return nil
}

// learnWithin is how long lines may take on a busy machine.
const learnWithin = 60 * time.Second

// learns waits for the report that must come of the visits.
func (j *judge) learns(ctx context.Context) error {
	for deadline := time.Now().Add(learnWithin); ; time.Sleep(500 * time.Millisecond) {
		out, err := j.command(ctx, "sink", "report", "-state", feedState, "-o", "json").Output()
		if err != nil {
			return fmt.Errorf("fakemx sink report: %w", err)
		}
		var report feedReport
		if err := json.Unmarshal(out, &report); err != nil {
			return err
		}
		wrong := errors.Join(report.judge(len(visitors)), j.asked())
		if wrong == nil || time.Now().After(deadline) {
			return wrong
		}
	}
}

// A feedReport is what is looked at of one.
type feedReport struct {
	All struct {
		Clients int
		Before  int `json:"seen_before"`
		Later   int `json:"seen_later"`
		AtMost  int `json:"away_at_most"`
		LeftOut int `json:"left_out"`
	}
}

// judge expects as many clients that were seen, and one that was turned away.
func (r *feedReport) judge(seen int) error {
	all := r.All
	if all.LeftOut != 0 || all.Clients != seen+1 || all.Before+all.Later != seen || all.AtMost != 1 {
		return fmt.Errorf("the report says %+v, expected %d clients: %d seen and 1 away", all, seen+1, seen)
	}
	return nil
}

// asked makes sure that Postfix has asked the policy service, if there is one: its
// questions are sightings too, beside those that lines tell.
func (j *judge) asked() error {
	if !slices.Contains(j.flags, "-policy") {
		return nil
	}
	text, err := j.metrics()
	if err != nil {
		return err
	}
	all, _ := metric(text, "fakemx_sink_sightings_total")
	lines, found := metric(text, `fakemx_sink_feed_lines_total{kind="sighting"}`)
	if !found || all <= lines {
		return fmt.Errorf("%.0f sightings, %.0f of them by lines, expected some by the policy service", all, lines)
	}
	return nil
}

// greetedWithin is how long a server may take to start on a busy machine.
const greetedWithin = 60 * time.Second

// greeted waits until somebody answers mail at an address.
func greeted(n *node, at netip.AddrPort) error {
	for deadline := time.Now().Add(greetedWithin); ; time.Sleep(200 * time.Millisecond) {
		conn, err := dialFrom(n, netip.Addr{}, at)
		if err == nil {
			return conn.Close()
		}
		if time.Now().After(deadline) {
			return err
		}
	}
}

// converse says one thing after the other to a mail host, and returns the codes of
// the greeting and of the replies.
func converse(n *node, from netip.Addr, to netip.AddrPort, says ...string) ([]int, error) {
	conn, err := dialFrom(n, from, to)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(greetedWithin)); err != nil {
		return nil, err
	}
	in := textproto.NewReader(bufio.NewReader(conn))
	var codes []int
	for _, line := range append([]string{""}, says...) {
		if line != "" {
			if _, err := io.WriteString(conn, line+"\r\n"); err != nil {
				return codes, err
			}
		}
		code, _, err := in.ReadResponse(0)
		if err != nil {
			return codes, fmt.Errorf("after %q: %w", line, err)
		}
		codes = append(codes, code)
	}
	return codes, nil
}

// dialFrom connects from one of a node's addresses, or from any.
func dialFrom(n *node, from netip.Addr, to netip.AddrPort) (conn net.Conn, err error) {
	dialer := net.Dialer{Timeout: greetedWithin}
	if from.IsValid() {
		dialer.LocalAddr = &net.TCPAddr{IP: from.AsSlice()}
	}
	err = n.do(func() error {
		conn, err = dialer.Dial("tcp", to.String())
		return err
	})
	return conn, err
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/smtp"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// A policyTry is how Postfix took three messages while its policy service was in
// some state.
type policyTry struct {
	service string
	slowest time.Duration
	failed  error
}

// backOffMails is how many messages wait for a domain whose real host refuses,
// and backOffRuns how often.
const (
	backOffMails = 20
	backOffRuns  = 3
)

// A backOff is how many calls Postfix made for them, in each run.
type backOff struct {
	sink        string // how it answers
	real, fakes []int
}

// asksPolicy has Postfix receive mail, with the lines of docs/sink.md, while its
// policy service, the sink server, runs, is stopped, is slow, and is dead.
func (l *laboratory) asksPolicy(ctx context.Context, st *station) ([]policyTry, error) {
	const at = "127.0.0.1:10044" // as in the document
	g, err := readGuide()
	if err != nil {
		return nil, err
	}
	lines := g.block("postfix")
	if err := g.missed(); err != nil {
		return nil, err
	}
	state := filepath.Join(place, "policy")
	if err := os.MkdirAll(state, 0o700); err != nil {
		return nil, err
	}
	service := exec.Command(filepath.Join(place, "fakemx"), "sink", "serve", "-listen", "127.0.0.1:2525", "-metrics", "",
		"-state", state, "-visits", "/dev/null", "-policy", "postfix="+at)
	service.Stderr = l.progress
	if err := st.node.do(service.Start); err != nil {
		return nil, err
	}
	_, err = st.container.run(ctx, strings.NewReader(lines), "sh", "-ec",
		"postconf -e inet_interfaces=all; cat >>/etc/postfix/main.cf; postfix reload")
	if err != nil {
		return nil, err
	}
	time.Sleep(2 * time.Second)
	var tries []policyTry
	for _, state := range []struct {
		what  string
		enter func() error
	}{
		{"runs", func() error { return nil }},
		{"is stopped (SIGSTOP)", func() error { return service.Process.Signal(syscall.SIGSTOP) }},
		{"is dead (SIGKILL)", func() error {
			err := service.Process.Kill()
			_ = service.Wait()
			return err
		}},
		{"answers after a minute", func() error { return st.node.do(func() error { return slowPolicy(at) }) }},
	} {
		if err := state.enter(); err != nil {
			return nil, err
		}
		t := policyTry{service: state.what}
		for range 3 {
			began := time.Now()
			err := l.mail.do(func() error {
				return offer(netip.AddrPortFrom(st.addr, 25).String(), "a@bounce.example.net", "root@"+st.host)
			})
			t.slowest = max(t.slowest, time.Since(began))
			t.failed = errors.Join(t.failed, err)
		}
		tries = append(tries, t)
	}
	return tries, nil
}

// offer sends a message in the clear.
func offer(addr, from, to string) error {
	client, err := smtp.Dial(addr)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := errors.Join(client.Hello("sender.example.net"), client.Mail(from), client.Rcpt(to)); err != nil {
		return err
	}
	w, err := client.Data()
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, strings.ReplaceAll(message(from, to), "\n", "\r\n"))
	return errors.Join(err, w.Close(), client.Quit())
}

// slowPolicy is a policy service that takes its time.
func slowPolicy(at string) error {
	listener, err := net.Listen("tcp", at)
	if err != nil {
		return err
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			time.AfterFunc(time.Minute, func() {
				_, _ = io.WriteString(conn, "action=DUNNO\n\n")
				conn.Close()
			})
		}
	}()
	return nil
}

// backsOff counts Postfix's calls for many messages while the real host is down,
// with closed sinks and with some that answer. A destination all of whose hosts
// refuse is left alone for a while; whether one that answers spoils that is
// measured, not judged.
func (l *laboratory) backsOff(ctx context.Context, st *station, cases []*sinkCase) ([]backOff, error) {
	var found []backOff
	for _, c := range cases[:2] {
		err := l.mail.nft("add table ip sinklab", "add chain ip sinklab in { type filter hook input priority 0; }",
			"add rule ip sinklab in ip daddr "+c.address().String()+" tcp dport 25 reject with tcp reset")
		if err != nil {
			return nil, err
		}
		b := backOff{sink: c.reply}
		for range backOffRuns {
			real, fakes, err := l.backsOffOnce(ctx, st, c)
			if err != nil {
				return nil, fmt.Errorf("back-off, %s: %w", c.reply, err)
			}
			l.say("Postfix, %d messages at once, %s: %d calls of the real host, %d of sinks", backOffMails, c.reply, real, fakes)
			b.real, b.fakes = append(b.real, real), append(b.fakes, fakes)
		}
		found = append(found, b)
	}
	return found, nil
}

// backsOffOnce has the messages wait until all are there, and counts the calls
// from when they may go until each was put off. Messages that come one by one
// are each the only one of their destination, and then none is found dead.
func (l *laboratory) backsOffOnce(ctx context.Context, st *station, c *sinkCase) (real, fakes int, _ error) {
	domain := strings.TrimSuffix(c.domain(0), ".")
	// With the restart the queue manager also forgets what it knew of the destination.
	if _, err := st.container.run(ctx, nil, "sh", "-ec",
		"postsuper -d ALL; postconf -e defer_transports=smtp; postfix stop; postfix start"); err != nil {
		return 0, 0, err
	}
	for range backOffMails {
		id := fmt.Sprintf("m%d", serial.Add(1))
		if err := submitText(ctx, st, &c.letter, id+"@bounce.example.net", id+"@"+domain); err != nil {
			return 0, 0, err
		}
	}
	if err := allPutOff(ctx, st, domain, true); err != nil {
		return 0, 0, err
	}
	began := time.Now()
	if _, err := st.container.run(ctx, nil, "sh", "-ec",
		"postconf -e defer_transports=; postfix stop; postfix start; postqueue -f"); err != nil {
		return 0, 0, err
	}
	if err := allPutOff(ctx, st, domain, false); err != nil {
		return 0, 0, err
	}
	for _, call := range st.calls.since(began, c.names()) {
		if c.isFake(call.to) {
			fakes++
		} else {
			real++
		}
	}
	return real, fakes, nil
}

// allPutOff waits until all messages to domain are in the deferred queue: because
// of defer_transports, or after a try.
func allPutOff(ctx context.Context, st *station, domain string, held bool) error {
	n := 0
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(500 * time.Millisecond) {
		list, err := st.container.run(ctx, nil, "postqueue", "-j")
		if err != nil {
			return err
		}
		if n, err = countPutOff(list, domain, held); err != nil {
			return err
		}
		if n == backOffMails {
			return nil
		}
	}
	return fmt.Errorf("%d of %d messages to %s put off, held is %t, expected all", n, backOffMails, domain, held)
}

// countPutOff counts the messages to domain in a list of postqueue -j that are in
// the deferred queue for the one reason or any other. A message that is on its way
// again stands in another queue.
func countPutOff(list, domain string, held bool) (int, error) {
	n := 0
	for line := range strings.Lines(list) {
		var m struct {
			QueueName  string `json:"queue_name"`
			Recipients []struct {
				Address     string
				DelayReason string `json:"delay_reason"`
			}
		}
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			return 0, fmt.Errorf("postqueue -j: %q: %w", line, err)
		}
		for _, r := range m.Recipients {
			if m.QueueName == "deferred" && strings.HasSuffix(r.Address, "@"+domain) && r.DelayReason != "" &&
				strings.Contains(r.DelayReason, "deferred transport") == held {
				n++
			}
		}
	}
	return n, nil
}

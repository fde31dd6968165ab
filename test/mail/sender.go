package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"
)

// A sender is a stock mail server: how its package is installed and told to be
// a host on the Internet, how it starts, takes a message, and runs its queue.
type sender struct {
	software
	name   string
	setup  func(ctx context.Context, c *container, host string) error
	start  [][]string
	flush  [][]string // runs the queue now, whatever the retry times say
	submit func(ctx context.Context, s *station, from, to string) error

	// ready, if there is one, waits until the sender takes mail again after a
	// flush that restarts it.
	ready func(s *station) error

	// waits is how long the sender itself pauses after a refused connection
	// before it tries the next address.
	waits time.Duration
	// joins is how much longer a message may wait for the session of an earlier one,
	// which still calls a host that is no longer in the answers.
	joins time.Duration
	// rouses is how long a queued message may sleep on after a flush.
	rouses time.Duration

	short bool // takes part in the short form
	dane  bool // takes part in the cases of DANE, and in no other
}

// senders lists every mail server of the laboratory.
func senders() []*sender {
	return []*sender{postfix(), exim(), opensmtpd(), sendmail(), courier(), dma(), chasquid(), postfixDANE()}
}

// A station is a sender that runs: its container, its own resolver beside it,
// and the recorder of the connections that it opens.
type station struct {
	*sender
	node      *node
	addr      netip.Addr
	host      string
	container *container
	resolver  *resolver
	calls     *recorder
	log       *syslog
}

// readyWithin bounds how long a daemon may take to start.
const readyWithin = 20 * time.Second

// open starts the sender in its own network namespace, with its own resolver.
func (s *sender) open(ctx context.Context, n *node, r *root, res *resolver, addr netip.Addr) (*station, error) {
	st := &station{sender: s, node: n, addr: addr, resolver: res, host: hostName(s.name)}
	label, _, _ := strings.Cut(st.host, ".")
	for path, text := range map[string]string{
		"/etc/hostname":    label + "\n",
		"/etc/mailname":    st.host + "\n",
		"/etc/hosts":       fmt.Sprintf("127.0.0.1 localhost\n::1 localhost\n%s %s %s\n", addr, st.host, label),
		"/etc/resolv.conf": "nameserver 127.0.0.1\noptions trust-ad\n",
	} {
		if err := r.write(path, text, 0o644); err != nil {
			return nil, err
		}
	}
	var err error
	if st.container, err = r.boot(n, label); err != nil {
		return nil, err
	}
	if st.log, err = listenSyslog(st.container); err != nil {
		return nil, err
	}
	if s.setup != nil {
		if err := s.setup(ctx, st.container, st.host); err != nil {
			return nil, err
		}
	}
	if err := st.each(ctx, s.start); err != nil {
		return nil, err
	}
	st.calls, err = record(n)
	return st, err
}

// hostName is the sender's name on the Internet of the laboratory.
func hostName(name string) string {
	return strings.NewReplacer(" ", "-", ",", "").Replace(strings.ToLower(name)) + ".example.net"
}

func (s *station) each(ctx context.Context, commands [][]string) error {
	for _, argv := range commands {
		if _, err := s.container.run(ctx, nil, argv...); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// viaSendmail hands a message to the sender's own sendmail command.
func viaSendmail(ctx context.Context, s *station, from, to string) error {
	_, err := s.container.run(ctx, strings.NewReader(message(from, to)), "/usr/sbin/sendmail", "-i", "-f", from, to)
	return err
}

func message(from, to string) string {
	return "From: <" + from + ">\nTo: <" + to + ">\nSubject: laboratory\n" +
		"Date: " + time.Now().Format(time.RFC1123Z) + "\nMessage-ID: <" + from + ">\n\nA message that must not be lost.\n"
}

// edit replaces old, which must be there, in a file of the container.
func edit(c *container, path, old, updated string) error {
	text, err := os.ReadFile(c.root.dir + path)
	if err != nil {
		return err
	}
	if !strings.Contains(string(text), old) {
		return fmt.Errorf("%s holds no %q", path, old)
	}
	return c.root.write(path, strings.ReplaceAll(string(text), old, updated), 0o644)
}

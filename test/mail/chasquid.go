package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/smtp"
	"strings"
	"time"
)

// chasquid takes mail by authenticated submission only, so it gets a domain, a
// user and a certificate; and the ports that systemd would open for it. It has
// no command that runs the queue; a restart does.
func chasquid() *sender {
	const user, password = "laboratory", "laboratory"
	const submission = "127.0.0.1:587"
	trusted := x509.NewCertPool()
	start := []string{"sh", "-c", "setpriv --reuid chasquid --regid chasquid --init-groups " +
		"--inh-caps +net_bind_service --ambient-caps +net_bind_service chasquid </dev/null >>/var/log/chasquid.log 2>&1 &"}
	return &sender{
		name:     "chasquid",
		short:    true,
		software: software{packages: []string{"chasquid"}},
		setup: func(ctx context.Context, c *container, host string) error {
			cert, key, err := selfSigned(host)
			if err != nil {
				return err
			}
			trusted.AppendCertsFromPEM(cert)
			for path, pem := range map[string][]byte{"fullchain.pem": cert, "privkey.pem": key} {
				if err := c.root.write("/etc/chasquid/certs/"+host+"/"+path, string(pem), 0o644); err != nil {
					return err
				}
			}
			_, err = c.run(ctx, strings.NewReader(password+"\n"+password+"\n"), "sh", "-ec",
				`printf 'smtp_address: ":25"\nsubmission_address: ":587"\n' >> /etc/chasquid/chasquid.conf`+
					"; mkdir -p /etc/chasquid/domains/"+host+
					"; chasquid-util user-add "+user+"@"+host+" --password="+password+
					"; chown -R chasquid: /etc/chasquid/domains /var/lib/chasquid")
			return err
		},
		start: [][]string{start},
		flush: [][]string{{"sh", "-c", "kill $(pidof chasquid); while pidof chasquid; do sleep 0.05; done"}, start},
		ready: func(s *station) error {
			return s.node.do(func() error { return listening(submission) })
		},
		submit: func(_ context.Context, s *station, from, to string) error {
			return s.node.do(func() error {
				auth := smtp.PlainAuth("", user+"@"+s.host, password, s.host)
				return submitTo(submission, &tls.Config{RootCAs: trusted, ServerName: s.host}, auth, from, to)
			})
		},
	}
}

// listening waits until a server takes connections at addr.
func listening(addr string) error {
	for deadline := time.Now().Add(readyWithin); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			return conn.Close()
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("not listening within %v: %w", readyWithin, err)
		}
	}
}

// submitTo is message submission (RFC 6409) over STARTTLS with a password.
func submitTo(addr string, secure *tls.Config, auth smtp.Auth, from, to string) error {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	c, err := smtp.NewClient(conn, secure.ServerName)
	if err != nil {
		return err
	}
	if err := c.StartTLS(secure); err != nil {
		return err
	}
	if err := c.Auth(auth); err != nil {
		return err
	}
	if err := errors.Join(c.Mail(from), c.Rcpt(to)); err != nil {
		return err
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write([]byte(strings.ReplaceAll(message(from, to), "\n", "\r\n"))); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return c.Quit()
}

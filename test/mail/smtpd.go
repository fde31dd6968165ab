package main

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"time"
)

// A smtpd is a receiving host: it accepts every message (RFC 5321) and enters
// it into the ledger with the address it came in by.
type smtpd struct {
	name   string
	ledger *ledger
	cert   *tls.Certificate // offers STARTTLS if there is one

	waiting *greylist
}

// listen opens the host's addresses on n.
func (d *smtpd) listen(n *node, addrs ...netip.Addr) error {
	for _, addr := range addrs {
		err := n.do(func() error {
			l, err := net.Listen("tcp", netip.AddrPortFrom(addr, 25).String())
			if err != nil {
				return err
			}
			go d.accept(l, addr)
			return nil
		})
		if err != nil {
			return fmt.Errorf("%s: %w", d.name, err)
		}
	}
	return nil
}

func (d *smtpd) accept(l net.Listener, addr netip.Addr) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			s := &session{smtpd: d, addr: addr}
			s.use(conn)
			s.serve()
		}()
	}
}

// A session is one connection to a smtpd.
type session struct {
	*smtpd
	addr netip.Addr
	conn net.Conn
	in   *bufio.Reader
	safe bool // inside TLS
	from string
	to   []string
}

// silence is how long a client may say nothing (RFC 5321 section 4.5.3.2 asks for
// five minutes; here a client that says nothing for so long has failed).
const silence = 2 * time.Minute

func (s *session) use(conn net.Conn) {
	s.conn, s.in = conn, bufio.NewReader(conn)
}

func (s *session) reply(lines ...string) error {
	_, err := io.WriteString(s.conn, strings.Join(lines, "\r\n")+"\r\n")
	return err
}

func (s *session) line() (string, error) {
	if err := s.conn.SetDeadline(time.Now().Add(silence)); err != nil {
		return "", err
	}
	text, err := s.in.ReadString('\n')
	return strings.TrimRight(text, "\r\n"), err
}

func (s *session) serve() {
	err := s.reply("220 " + s.name + " ESMTP laboratory")
	for err == nil {
		var text string
		if text, err = s.line(); err == nil {
			err = s.command(text)
		}
	}
}

// errQuit ends a session that the client has ended.
var errQuit = errors.New("quit")

func (s *session) command(text string) error {
	verb, rest, _ := strings.Cut(text, " ")
	switch strings.ToUpper(verb) {
	case "HELO":
		return s.reply("250 " + s.name)
	case "EHLO":
		if s.cert != nil && !s.safe {
			return s.reply("250-"+s.name, "250-8BITMIME", "250 STARTTLS")
		}
		return s.reply("250-"+s.name, "250 8BITMIME")
	case "STARTTLS":
		return s.startTLS()
	case "MAIL":
		s.from, s.to = mailbox(rest), nil
		return s.reply("250 ok")
	case "RCPT":
		if s.waiting.defers(mailbox(rest)) {
			return s.reply("451 4.7.1 greylisted, try again later")
		}
		s.to = append(s.to, mailbox(rest))
		return s.reply("250 ok")
	case "DATA":
		return s.take()
	case "RSET":
		s.from, s.to = "", nil
		return s.reply("250 ok")
	case "NOOP":
		return s.reply("250 ok")
	case "QUIT":
		return errors.Join(s.reply("221 bye"), errQuit)
	default:
		return s.reply("502 not implemented")
	}
}

func (s *session) startTLS() error {
	if s.cert == nil || s.safe {
		return s.reply("502 not implemented")
	}
	if err := s.reply("220 go ahead"); err != nil {
		return err
	}
	conn := tls.Server(s.conn, &tls.Config{Certificates: []tls.Certificate{*s.cert}})
	if err := conn.Handshake(); err != nil {
		return err
	}
	s.use(conn)
	s.safe = true
	return nil
}

// take reads the message up to the lone dot and enters it before it says so:
// from then on it is this host that answers for it (RFC 5321 section 6.1).
func (s *session) take() error {
	if len(s.to) == 0 {
		return s.reply("503 no recipient")
	}
	if err := s.reply("354 go ahead"); err != nil {
		return err
	}
	for {
		text, err := s.line()
		if err != nil {
			return err
		}
		if text == "." {
			break
		}
	}
	for _, to := range s.to {
		id, _, _ := strings.Cut(to, "@")
		s.ledger.enter(id, receipt{at: time.Now(), host: s.addr, from: s.from, to: to, tls: s.safe})
	}
	s.to = nil
	return s.reply("250 taken")
}

// mailbox reads the address between the angle brackets of MAIL and RCPT.
func mailbox(text string) string {
	_, text, _ = strings.Cut(text, "<")
	text, _, _ = strings.Cut(text, ">")
	return text
}

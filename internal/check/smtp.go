package check

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/textproto"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// port25 is what port 25 of an address does.
type port25 int

const (
	// notSeen: nothing can be said, for a reason that stands beside.
	notSeen port25 = iota
	refuses
	silent
	accepts
)

// visit is what one SMTP session showed. No message is ever begun: it ends after
// RCPT with QUIT.
type visit struct {
	state port25
	// why tells about a state that is not seen, or how the connection failed.
	why string
	// greeting and recipient are the replies to the connection and to RCPT, with
	// code 0 where the session did not come that far.
	greeting, recipient reply
	// asked is the recipient, and blamed says that the reply may be about this
	// client and not about it.
	asked  string
	blamed bool
	// certificates are those of STARTTLS, nil where it is not offered.
	certificates []*x509.Certificate
	startTLS     bool
}

// reply is an SMTP reply.
type reply struct {
	code int
	text string
}

// class is the first digit of the code.
func (r reply) class() int { return r.code / 100 }

const (
	connectTimeout = 3 * time.Second
	// sessionTimeout has room for a host that keeps its greeting back for six
	// seconds, as postscreen does. quitTimeout is what is left for the end.
	sessionTimeout = 7 * time.Second
	quitTimeout    = 500 * time.Millisecond
)

// call connects to port 25 of an address and asks for a recipient.
func call(ctx context.Context, addr netip.Addr, helo, recipient string) visit {
	dialer := net.Dialer{Timeout: connectTimeout}
	conn, err := dialer.DialContext(ctx, "tcp", netip.AddrPortFrom(addr, 25).String())
	if err != nil {
		return unconnected(ctx, err)
	}
	defer conn.Close()
	end := time.Now().Add(sessionTimeout)
	if last, ok := ctx.Deadline(); ok && last.Add(-quitTimeout).Before(end) {
		end = last.Add(-quitTimeout)
	}
	conn.SetDeadline(end)
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	s := &session{conn: conn, text: textproto.NewConn(conn), host: addr}
	s.visit = visit{state: accepts, asked: recipient}
	if err := s.run(helo, recipient); err != nil {
		s.why = err.Error()
	}
	stop()
	conn.SetDeadline(time.Now().Add(quitTimeout))
	s.quit()
	return s.visit
}

// unconnected says what a failed connection shows. A timeout may be the network
// here as well as the host there, and so may a refusal: who asks decides by
// what was seen elsewhere.
func unconnected(ctx context.Context, err error) visit {
	var timeout net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return visit{state: refuses, why: "connection refused"}
	case ctx.Err() != nil:
		return visit{state: notSeen, why: "the time for this domain was over"}
	case errors.As(err, &timeout) && timeout.Timeout():
		return visit{state: silent, why: fmt.Sprintf("no answer in %v", connectTimeout)}
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EADDRNOTAVAIL), errors.Is(err, syscall.EAFNOSUPPORT):
		return visit{state: notSeen, why: "no route from here"}
	default:
		return visit{state: notSeen, why: err.Error()}
	}
}

// session is an SMTP session under way.
type session struct {
	visit

	conn net.Conn
	text *textproto.Conn
	host netip.Addr
}

var errEarly = errors.New("the session ended before a recipient was asked for")

func (s *session) run(helo, recipient string) error {
	var err error
	if s.greeting, err = s.read(); err != nil {
		return fmt.Errorf("no greeting: %w", err)
	}
	if s.greeting.class() != 2 {
		return errEarly
	}
	hello, err := s.command("EHLO " + helo)
	if err != nil || hello.class() != 2 {
		return errEarly
	}
	if s.startTLS = offers(hello.text, "STARTTLS"); s.startTLS {
		if err := s.secure(helo); err != nil {
			return err
		}
	}
	from, err := s.command("MAIL FROM:<>")
	if err != nil || from.class() != 2 {
		return fmt.Errorf("MAIL FROM:<> was answered %q", from.oneLine())
	}
	s.recipient, err = s.command("RCPT TO:<" + recipient + ">")
	s.blamed = s.recipient.class() == 5 && blames(s.recipient.text, s.host)
	return err
}

// secure starts TLS and keeps the certificates: whether they match is DANE's
// business, not that of this session.
func (s *session) secure(helo string) error {
	r, err := s.command("STARTTLS")
	if err != nil || r.class() != 2 {
		return err // goes on in the clear
	}
	conn := tls.Client(s.conn, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // looked at, not trusted
	if err := conn.Handshake(); err != nil {
		return fmt.Errorf("STARTTLS: %w", err)
	}
	s.certificates = conn.ConnectionState().PeerCertificates
	s.text = textproto.NewConn(conn)
	_, err = s.command("EHLO " + helo)
	return err
}

func (s *session) command(line string) (reply, error) {
	if err := s.text.PrintfLine("%s", line); err != nil {
		return reply{}, err
	}
	return s.read()
}

func (s *session) read() (reply, error) {
	code, text, err := s.text.ReadResponse(0)
	if err != nil && code == 0 {
		return reply{}, err
	}
	return reply{code, text}, nil
}

// quit is the polite end, whatever was before.
func (s *session) quit() {
	if err := s.text.PrintfLine("QUIT"); err == nil {
		_, _ = s.read() // the answer changes nothing
	}
}

// offers reports whether the reply to EHLO has the keyword.
func offers(text, keyword string) bool {
	for line := range strings.Lines(text) {
		if word, _, _ := strings.Cut(strings.TrimSpace(line), " "); strings.EqualFold(word, keyword) {
			return true
		}
	}
	return false
}

// oneLine is a reply for a report.
func (r reply) oneLine() string { return fmt.Sprintf("%d %s", r.code, printable(r.text)) }

// someAddress finds what may be an address in a reply.
var someAddress = regexp.MustCompile(`\d+\.\d+\.\d+\.\d+|[0-9a-fA-F]*:[0-9a-fA-F:]+:[0-9a-fA-F]+`)

// blames reports whether a reply names an address other than the host's: then it
// may be this client that is refused, not the recipient.
func blames(text string, host netip.Addr) bool {
	for _, found := range someAddress.FindAllString(text, -1) {
		if addr, err := netip.ParseAddr(found); err == nil && addr != host {
			return true
		}
	}
	return false
}

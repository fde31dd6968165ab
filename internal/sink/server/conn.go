package server

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/fakemx/fakemx/internal/sink/smtp"
	"github.com/fakemx/fakemx/internal/sink/visit"
)

const (
	// patience is how long a client may take to read a reply, and handshake how
	// long for TLS.
	patience  = 10 * time.Second
	handshake = 30 * time.Second
	// farewell is how long the last reply may take while the server stops. On a
	// busy machine the server itself may need some of it.
	farewell = 5 * time.Second
	// After that a client is read for so long at most, and so many octets.
	lingering = time.Second
	leftovers = 64 << 10
	// batch is how many octets of replies go out at once while the client's
	// commands are still being read (RFC 2920 section 3.2).
	batch = 1024
	// piece is how many octets are read at once. A connection that waits holds
	// that many, and little else.
	piece = 1024
)

// conn is one client.
type conn struct {
	server  *Server
	raw     net.Conn
	stream  net.Conn // raw, or TLS over it
	client  netip.Addr
	sink    netip.Addr
	started time.Time
	end     time.Duration // of the session, after the start
	putOff  bool
	session smtp.Session
	visit   visit.Visit
	octets  int64
	buffer  [piece]byte
}

// wake makes a client that is waited for hear that the server stops.
func (c *conn) wake() { _ = c.raw.SetReadDeadline(time.Unix(1, 0)) }

// serve is the whole of a connection.
func (c *conn) serve() {
	defer c.raw.Close()
	s := c.server
	c.stream = c.raw
	switch err := c.identify(); {
	case errors.Is(err, errLocal):
		return
	case err != nil:
		s.config.Turned("proxy")
		return
	}
	if limit := s.doors.admit(c.client); limit != "" {
		s.turnAway(c.stream, limit)
		return
	}
	defer s.doors.dismiss(c.client)

	c.session.AfterData, c.session.TLS, c.session.MaxLine = s.config.AfterData, s.config.TLS != nil, s.config.MaxLine
	c.end = s.config.Session
	c.visit.End = c.talk()
	c.visit.Client, c.visit.Sink = c.client, c.sink
	c.visit.Octets, c.visit.Seconds = c.octets, time.Since(c.started).Seconds()
	c.visit.Hear(c.session.Heard(), s.config.Key)
	s.config.Visit(&c.visit)
}

// talk greets and answers until one of the two goes.
func (c *conn) talk() visit.End {
	early, end := c.hesitate()
	if end != "" {
		return end
	}
	if err := c.say(smtp.Greeting); err != nil {
		return visit.Closed
	}
	if end := c.answer(early); end != "" {
		return end
	}
	heard := time.Now() // when the last command was finished
	for {
		n, err := c.read(min(heard.Add(c.server.config.Idle).Sub(c.started), c.end))
		if err != nil {
			return c.silent(err)
		}
		before := c.session.Heard().Commands
		if end := c.answer(c.buffer[:n]); end != "" {
			return end
		}
		if c.session.Heard().Commands != before || c.session.InMessage() {
			heard = time.Now()
		}
	}
}

// hurry gives a client that is put off little more time: OpenSMTPD brings what it
// tries next over a session that is still open, without a call of the real hosts.
func (c *conn) hurry() {
	if further := c.server.config.Further; further > 0 && !c.putOff {
		c.putOff = true
		c.end = min(c.end, time.Since(c.started)+further)
	}
}

// hesitate waits for the delay before the greeting, and returns what a client
// sent that could not.
func (c *conn) hesitate() (early []byte, end visit.End) {
	if c.server.config.Delay == 0 {
		return nil, ""
	}
	n, err := c.read(c.server.config.Delay)
	switch {
	case err == nil:
		c.visit.Early = true
		select {
		case <-time.After(time.Until(c.started.Add(c.server.config.Delay))):
			return c.buffer[:n], ""
		case <-c.server.stopped:
			return nil, c.silent(os.ErrDeadlineExceeded)
		}
	case errors.Is(err, os.ErrDeadlineExceeded) && !c.server.isStopping():
		return nil, ""
	default:
		return nil, c.silent(err)
	}
}

// read reads until the given time after the start.
func (c *conn) read(until time.Duration) (int, error) {
	if err := c.raw.SetReadDeadline(c.started.Add(until)); err != nil {
		return 0, err
	}
	// Stop may have woken the connection just before the deadline was set.
	if c.server.isStopping() {
		return 0, os.ErrDeadlineExceeded
	}
	n, err := c.stream.Read(c.buffer[:])
	c.octets += int64(n)
	if n > 0 {
		return n, nil
	}
	return 0, err
}

// silent ends a session from which nothing more can be read.
func (c *conn) silent(err error) visit.End {
	switch {
	case !errors.Is(err, os.ErrDeadlineExceeded):
		return visit.Closed
	case c.server.isStopping():
		c.part(smtp.Stopping)
		return visit.Stopped
	case time.Since(c.started) >= c.end:
		c.part(smtp.Overtime)
		return visit.Overtime
	default:
		c.part(smtp.Idle)
		return visit.Idle
	}
}

// part ends a session that the server has ended while the client may still be
// sending: closed at once, the connection would be reset, and with some clients
// the last reply lost.
func (c *conn) part(last smtp.Reply) {
	if err := c.say(last); err != nil {
		return
	}
	tcp, ok := c.raw.(*net.TCPConn)
	if !ok || tcp.CloseWrite() != nil || tcp.SetReadDeadline(time.Now().Add(lingering)) != nil {
		return
	}
	_, _ = io.CopyN(io.Discard, tcp, leftovers)
}

// outs are for the replies to one read: few connections write at a time.
var outs = sync.Pool{New: func() any { return new([2 * batch]byte) }}

// answer answers what was read. It returns how the session ended, if it did.
func (c *conn) answer(in []byte) visit.End {
	buffer := outs.Get().(*[2 * batch]byte)
	defer outs.Put(buffer)
	out := buffer[:0]
	for len(in) > 0 {
		n, r := c.session.Feed(in)
		in = in[n:]
		out = r.Append(out, c.server.config.Host)
		if r == smtp.Later {
			c.hurry()
		}
		if len(in) > 0 && len(out) < batch && !r.Closes() && r != smtp.TLSReady {
			continue
		}
		if err := c.write(out); err != nil {
			return visit.Closed
		}
		out = buffer[:0]
		switch {
		case r.Closes():
			return visit.Quit
		case r == smtp.TLSReady:
			if err := c.secure(); err != nil {
				return visit.BadTLS
			}
		}
	}
	return ""
}

// secure is the handshake after STARTTLS. Nothing that came before it is left:
// the session has dropped it.
func (c *conn) secure() error {
	stream := tls.Server(c.raw, c.server.config.TLS)
	if err := c.raw.SetDeadline(time.Now().Add(handshake)); err != nil {
		return err
	}
	if err := stream.Handshake(); err != nil {
		return err
	}
	c.stream = stream
	c.session.Secured()
	return nil
}

func (c *conn) say(r smtp.Reply) error { return c.write(r.Append(nil, c.server.config.Host)) }

func (c *conn) write(out []byte) error {
	if len(out) == 0 {
		return nil
	}
	within := patience
	if c.server.isStopping() {
		within = farewell
	}
	if err := c.raw.SetWriteDeadline(time.Now().Add(within)); err != nil {
		return err
	}
	_, err := c.stream.Write(out)
	return err
}

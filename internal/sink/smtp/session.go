// Package smtp is the server's side of an SMTP session (RFC 5321) that never
// takes mail and never rejects it. It is a machine without network and clock:
// octets in, replies out.
//
// A reply is one of a fixed table, and the table has no way to write a code
// that begins with 5 (see class). A client's octets choose a reply and are
// never part of one.
package smtp

import "bytes"

// How long a command may be, its line end included: at least what every server
// must take (RFC 5321 section 4.5.3.1.4), and usually as much again and more,
// for what the extensions add to MAIL and RCPT (DSN, SIZE, SMTPUTF8, AUTH).
const (
	LeastLine = 512
	UsualLine = 2048
)

// A Session is what one client has said so far. It is not safe for concurrent use.
type Session struct {
	// AfterData lets the client send its message, which is read and dropped,
	// before it is told to come later. Otherwise no recipient is taken.
	AfterData bool
	// TLS says that STARTTLS can be done.
	TLS bool
	// MaxLine is how many octets a command may have, LeastLine or more.
	MaxLine int

	heard Heard

	mode   mode
	line   []byte // the beginning of an unfinished command
	long   bool   // and it is too long already
	left   uint64 // octets of a BDAT chunk to come
	match  uint8  // octets of endOfData seen
	secure bool
	mail   bool // MAIL was taken, RCPT may follow
	rcpts  int  // recipients taken in this transaction
}

// mode is what the next octets are.
type mode uint8

const (
	command mode = iota
	body         // of DATA, up to endOfData
	chunk        // of BDAT, left octets
)

// endOfData ends a message. Only this does: a lone dot between other line ends
// is part of the message (RFC 5321 section 4.1.1.4).
const endOfData = "\r\n.\r\n"

// Feed takes octets until a reply is due, and returns how many it took and the
// reply. It has taken all of them if the reply is None. After TLSReady the
// handshake follows, and what the client sent before it is dropped, not obeyed
// (RFC 3207 section 6): all of in is taken then.
func (s *Session) Feed(in []byte) (int, Reply) {
	switch s.mode {
	case body:
		return s.feedBody(in)
	case chunk:
		return s.feedChunk(in)
	}
	end := bytes.IndexByte(in, '\n')
	if end < 0 {
		s.keep(in)
		return len(in), None
	}
	r := s.finish(in[:end])
	if r == TLSReady {
		return len(in), r
	}
	return end + 1, r
}

// Secured says that the handshake after TLSReady is done. What the client said
// before is forgotten (RFC 3207 section 4.2).
func (s *Session) Secured() {
	s.secure = true
	s.heard.TLS = true
	s.reset()
}

// InMessage reports whether the next octets belong to a message, not to a command.
func (s *Session) InMessage() bool { return s.mode != command }

// Heard returns what the client has said. It must not be changed while the
// session goes on.
func (s *Session) Heard() *Heard { return &s.heard }

// keep adds to the unfinished command as much as a command may have.
func (s *Session) keep(in []byte) {
	if len(s.line)+len(in) > s.MaxLine {
		s.long = true
		in = in[:s.MaxLine-len(s.line)]
	}
	s.line = append(s.line, in...)
}

// finish obeys the command that ends with rest.
func (s *Session) finish(rest []byte) Reply {
	line := rest
	if len(s.line) > 0 {
		s.keep(rest)
		line = s.line
	}
	long := s.long || len(line)+1 > s.MaxLine
	s.long = false
	if s.line != nil {
		s.line = s.line[:0]
	}
	s.heard.Commands++
	if long {
		return TooLong
	}
	return s.obey(bytes.TrimSuffix(line, []byte("\r")))
}

func (s *Session) feedBody(in []byte) (int, Reply) {
	for i, octet := range in {
		switch octet {
		case endOfData[s.match]:
			s.match++
		case '\r':
			s.match = 1
		default:
			s.match = 0
		}
		if int(s.match) == len(endOfData) {
			s.mode, s.match = command, 0
			s.reset()
			return i + 1, Later
		}
	}
	return len(in), None
}

func (s *Session) feedChunk(in []byte) (int, Reply) {
	if uint64(len(in)) < s.left {
		s.left -= uint64(len(in))
		return len(in), None
	}
	taken := int(s.left)
	s.mode, s.left = command, 0
	return taken, Later
}

// reset ends the transaction.
func (s *Session) reset() {
	s.mail, s.rcpts = false, 0
}

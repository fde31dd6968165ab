package smtp

import (
	"bytes"
	"strconv"
	"strings"
)

// obey answers one command, its line end taken off.
func (s *Session) obey(line []byte) Reply {
	verb, rest, _ := bytes.Cut(line, []byte(" "))
	switch strings.ToUpper(string(verb[:min(len(verb), 9)])) {
	case "EHLO":
		s.hello(rest)
		if s.TLS && !s.secure {
			return ExtensionsAndTLS
		}
		return Extensions
	case "HELO":
		s.hello(rest)
		return Hello
	case "MAIL":
		return s.from(rest)
	case "RCPT":
		return s.to(rest)
	case "DATA":
		return s.data()
	case "BDAT":
		return s.bdat(rest)
	case "RSET":
		s.reset()
		return Done
	case "NOOP":
		return Done
	case "QUIT":
		s.heard.Quit = true
		return Bye
	case "HELP":
		return Help
	case "VRFY":
		return Perhaps
	case "STARTTLS":
		return s.startTLS(rest)
	case "AUTH":
		return NoAuth
	default:
		return Unknown
	}
}

func (s *Session) hello(name []byte) {
	s.heard.Helo = cut(bytes.TrimSpace(name))
	s.reset()
}

func (s *Session) from(rest []byte) Reply {
	path, ok := afterKeyword(rest, "FROM:")
	if !ok {
		return Malformed
	}
	// A second MAIL without RSET begins anew: nothing is at stake.
	s.reset()
	s.mail = true
	s.heard.begin(parsePath(path))
	return SenderTaken
}

func (s *Session) to(rest []byte) Reply {
	path, ok := afterKeyword(rest, "TO:")
	switch {
	case !ok:
		return Malformed
	case !s.mail:
		return OutOfOrder
	}
	s.heard.add(parsePath(path))
	if !s.AfterData {
		return Later
	}
	s.rcpts++
	return RecipientTaken
}

func (s *Session) data() Reply {
	if s.rcpts == 0 {
		// With PIPELINING it comes although no recipient was taken; 354 would
		// invite the message.
		return Later
	}
	// The line end of DATA itself may be the first of endOfData.
	s.mode, s.match = body, uint8(len("\r\n"))
	return GoAhead
}

// bdat swallows a chunk by its count (RFC 3030 section 2), also from a client
// to which CHUNKING was not offered: what follows is not commands.
func (s *Session) bdat(rest []byte) Reply {
	count, last, _ := bytes.Cut(bytes.TrimSpace(rest), []byte(" "))
	n, err := strconv.ParseUint(string(count), 10, 63)
	if last = bytes.TrimSpace(last); err != nil || len(last) > 0 && !bytes.EqualFold(last, []byte("LAST")) {
		return Malformed
	}
	if n == 0 {
		return Later
	}
	s.mode, s.left = chunk, n
	return None
}

func (s *Session) startTLS(rest []byte) Reply {
	if !s.TLS || s.secure || len(bytes.TrimSpace(rest)) > 0 {
		return NoTLS
	}
	return TLSReady
}

// afterKeyword returns what follows FROM: or TO:, with the spaces that some
// clients put there.
func afterKeyword(rest []byte, keyword string) ([]byte, bool) {
	rest = bytes.TrimLeft(rest, " ")
	if len(rest) < len(keyword) || !strings.EqualFold(string(rest[:len(keyword)]), keyword) {
		return nil, false
	}
	return bytes.TrimLeft(rest[len(keyword):], " "), true
}

package smtp

import (
	"bytes"
	"flag"
	"math/rand/v2"
	"reflect"
	"testing"
)

// wire returns what a session says to in when it comes in pieces of the given
// length, and what it then has heard. It stops where the connection would end.
func wire(t testing.TB, s *Session, in []byte, piece int) ([]byte, Heard) {
	t.Helper()
	var out []byte
	for len(in) > 0 {
		next := in[:min(piece, len(in))]
		in = in[len(next):]
		for len(next) > 0 {
			n, r := s.Feed(next)
			if n < 0 || n > len(next) || n == 0 && r == None {
				t.Fatalf("took %d of %d octets and said nothing", n, len(next))
			}
			next = next[n:]
			if r == GoAhead && !s.AfterData {
				t.Fatal("354 although no message is wanted")
			}
			out = r.Append(out, "sink.example.org")
			if r == TLSReady {
				// What came before the handshake is dropped, as much as there
				// was: how the octets were cut up shows here, and may.
				return out, *s.Heard()
			}
			if r.Closes() {
				return out, *s.Heard()
			}
		}
	}
	return out, *s.Heard()
}

// FuzzSession holds whatever octets come in: no line on the wire is a
// rejection, and how the network cuts the octets up makes no difference.
func FuzzSession(f *testing.F) {
	for _, seed := range seeds {
		for _, afterData := range []bool{false, true} {
			f.Add([]byte(seed), afterData, true, uint16(3))
			f.Add([]byte(seed), afterData, false, uint16(1))
		}
	}
	f.Fuzz(func(t *testing.T, in []byte, afterData, tls bool, piece uint16) {
		whole, heard := wire(t, newSession(afterData, tls), in, max(len(in), 1))
		checkWire(t, whole)
		pieces, heardInPieces := wire(t, newSession(afterData, tls), in, max(int(piece), 1))
		if !bytes.Equal(whole, pieces) || !reflect.DeepEqual(heard, heardInPieces) {
			t.Fatalf("in pieces of %d: %q, heard %+v; at once: %q, heard %+v", piece, pieces, heardInPieces, whole, heard)
		}
	})
}

// seeds are sessions, whole, cut off and hostile.
var seeds = []string{
	"EHLO a.example\r\nMAIL FROM:<a@a.example>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n",
	"EHLO x\r\nSTARTTLS\r\nMAIL FROM:<a@b>\r\n",
	"BDAT 10 LAST\r\n0123456789QUIT\r\n",
	"BDAT 18446744073709551616\r\nBDAT 9223372036854775807\r\nx",
	"MAIL FROM:<\x00\xff>\r\nRCPT TO:<\"a>\\\"@b>\r\nRCP",
	"MAIL FROM:<a@b> SMTPUTF8\r\nRCPT TO:<\xc3\xa4@b>\r\nDATA\r\n\r\n.\r\n",
	"MAIL FROM:<550 5.0.0\r550 5.0.0 no>\r\nEHLO 550 no\r\n",
	"AUTH LOGIN\r\n\r\n\n\n.\r\n",
	"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
	"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}

var commands = flag.Int("commands", 20_000, "how many random commands TestManyCommands says")

// words are what random commands are made of.
var words = []string{
	"EHLO ", "HELO ", "MAIL ", "FROM:", "RCPT ", "TO:", "<a@example.org>", "<>", "<\"x>\"@y>", "DATA", "BDAT ", "LAST", "7 ", "0 ", "STARTTLS",
	"AUTH ", "PLAIN ", "RSET", "NOOP", "VRFY ", "EXPN ", "HELP", "550 ", "5.1.1 ", "\x00", "\xff", "\r", "\n", ".", "\r\n.\r\n", " ", "SMTPUTF8",
}

// TestManyCommands says random commands, pipelined, to sessions that never end.
//
//	go test ./internal/sink/smtp -run TestManyCommands -commands 10000000 -v
func TestManyCommands(t *testing.T) {
	random := rand.New(rand.NewPCG(15, 451))
	sessions := []*Session{newSession(false, false), newSession(true, false), newSession(true, true)}
	said, replied := 0, 0
	var in, out []byte
	for said < *commands {
		s := sessions[random.IntN(len(sessions))]
		in, out = in[:0], out[:0]
		for range 1 + random.IntN(8) {
			for range 1 + random.IntN(4) {
				in = append(in, words[random.IntN(len(words))]...)
			}
			in = append(in, "\r\n"...)
			said++
		}
		for rest := in; len(rest) > 0; {
			n, r := s.Feed(rest)
			rest = rest[n:]
			if r == TLSReady && random.IntN(2) == 0 {
				s.Secured()
			}
			if r != None {
				replied++
			}
			out = r.Append(out, "sink.example.org")
		}
		checkWire(t, out)
	}
	t.Logf("%d commands, %d replies, none of them 5xx", said, replied)
	if replied < said/3 {
		t.Errorf("%d commands drew %d replies only: too many ended up in messages to show anything", said, replied)
	}
}

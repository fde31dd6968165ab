package watch

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"
)

const (
	// greetingTimeout is for how long a control host may greet. Postfix's
	// postscreen takes six seconds.
	greetingTimeout = 10 * time.Second
	// farewell is for how long it may answer QUIT.
	farewell = time.Second
	// lineSize is how much of a line is read, in octets (RFC 5321 section
	// 4.5.3.1.5 has 512), and repliesSize how much of all.
	lineSize    = 1024
	repliesSize = 16 << 10
)

// greeting calls a control host, reads its greeting and leaves with QUIT. It
// returns nil if the host speaks SMTP. What it says doesn't matter: a host that
// is busy, or serves others only, shows as well that its port can be called.
func (dial Dial) greeting(ctx context.Context, host netip.Addr) error {
	conn, err := dial.open(ctx, host)
	if err != nil {
		return fmt.Errorf("%s: %w", host, err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	_ = conn.SetDeadline(time.Now().Add(greetingTimeout))
	replies := bufio.NewReaderSize(io.LimitReader(conn, repliesSize), lineSize)
	last, err := line(replies)
	if err != nil {
		return fmt.Errorf("%s: accepted, but %w", host, err)
	}
	// Who speaks before the last line of a greeting passes for a bot.
	for !last {
		if last, err = line(replies); err != nil {
			return nil
		}
	}
	if _, err := io.WriteString(conn, "QUIT\r\n"); err == nil {
		_ = conn.SetDeadline(time.Now().Add(farewell))
		for last, err = line(replies); err == nil && !last; {
			last, err = line(replies)
		}
	}
	return nil
}

func (dial Dial) open(ctx context.Context, host netip.Addr) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	return dial(ctx, netip.AddrPortFrom(host, smtpPort))
}

// line reads one line of a reply (RFC 5321 section 4.2), and reports whether it
// is the last one.
func line(replies *bufio.Reader) (last bool, err error) {
	text, err := replies.ReadSlice('\n')
	if err != nil {
		return false, fmt.Errorf("no greeting came: %w", err)
	}
	if len(text) < 4 || text[0] < '2' || text[0] > '5' || !digit(text[1]) || !digit(text[2]) {
		return false, fmt.Errorf("greeted with %.20q, expected a line of SMTP", text)
	}
	return text[3] != '-', nil
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

package seen

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"time"
)

// Bounds of who sends lines over a stream.
const (
	lineClients = 100
	lineIdle    = 24 * time.Hour
)

// Packets reads one line, or several, from each packet (syslog over UDP, or a
// Unix datagram socket) until ctx ends. It closes conn.
func Packets(ctx context.Context, conn net.PacketConn, line func(string)) error {
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	packet := make([]byte, 64<<10)
	for {
		n, _, err := conn.ReadFrom(packet)
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, net.ErrClosed) {
			return err
		}
		for text := range bytes.SplitSeq(packet[:n], []byte("\n")) {
			give(text, line)
		}
	}
}

// Streams reads lines from all connections to l until ctx ends, also with the
// octet count before each that syslog over TCP may have (RFC 6587 section
// 3.4.1). It closes l.
func Streams(ctx context.Context, l net.Listener, line func(string)) error {
	return accept(ctx, l, lineClients, func(conn net.Conn) {
		lines := newLines(&patient{conn})
		for {
			text, err := lines.next()
			if err != nil {
				return
			}
			give(withoutCount(text), line)
		}
	})
}

// patient is a connection that ends when it was silent for too long.
type patient struct{ net.Conn }

func (p *patient) Read(b []byte) (int, error) {
	if err := p.SetReadDeadline(time.Now().Add(lineIdle)); err != nil {
		return 0, err
	}
	return p.Conn.Read(b)
}

// withoutCount takes "123 " off "123 <22>...".
func withoutCount(text []byte) []byte {
	count, rest, found := bytes.Cut(text, []byte(" "))
	if found && len(count) > 0 && len(bytes.Trim(count, "0123456789")) == 0 && bytes.HasPrefix(rest, []byte("<")) {
		return rest
	}
	return text
}

// pause is how long Follow waits at the end of a file.
const pause = 250 * time.Millisecond

// Follow returns what reads all that is added to the file at path from now on until
// the context ends, across rotation by renaming or truncating. It begins at the
// file's end: what was written while nobody read is not proven to be whole anyway. A
// file that isn't there is waited for. Complain is called once for each row of
// failures.
func Follow(path string, line func(string), complain func(error)) (run func(context.Context)) {
	first, err := openRegular(path)
	if err == nil {
		_, err = first.Seek(0, io.SeekEnd)
	}
	if err != nil {
		complain(err)
	}
	return func(ctx context.Context) {
		failing := err != nil
		if !failing {
			follow(ctx, path, first, line)
			first.Close()
		}
		for ctx.Err() == nil {
			file, err := openRegular(path)
			if err != nil {
				if !failing {
					complain(err)
				}
				failing = true
				sleep(ctx, 4*pause)
				continue
			}
			failing = false
			follow(ctx, path, file, line)
			file.Close()
		}
	}
}

func openRegular(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &os.PathError{Op: "follow", Path: path, Err: errors.New("not a regular file")}
	}
	return os.Open(path) // #nosec G304 -- the operator names it
}

// follow reads file until another one is at path and this one is at its end.
func follow(ctx context.Context, path string, file *os.File, line func(string)) {
	lines := newLines(file)
	for ctx.Err() == nil {
		text, err := lines.next()
		if err == nil {
			give(text, line)
			continue
		}
		if replaced(path, file) {
			// Whatever was written before the file was replaced is read now.
			for text, err = lines.next(); err == nil; text, err = lines.next() {
				give(text, line)
			}
			return
		}
		sleep(ctx, pause)
	}
}

// replaced reports whether the file at path is another one, or this one is
// shorter than what was read of it.
func replaced(path string, file *os.File) bool {
	now, err := os.Stat(path)
	if err != nil {
		return !os.IsNotExist(err)
	}
	mine, err := file.Stat()
	if err != nil || !os.SameFile(now, mine) {
		return true
	}
	at, err := file.Seek(0, io.SeekCurrent)
	return err != nil || mine.Size() < at
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// lines cuts a stream into lines, and drops those that are too long. Unlike a
// bufio.Scanner it goes on after the end of a file.
type lines struct {
	in   *bufio.Reader
	part []byte
	long bool
}

func newLines(r io.Reader) *lines { return &lines{in: bufio.NewReaderSize(r, maxLine)} }

// next returns a line without its end. What it returns is overwritten by the next call.
func (l *lines) next() ([]byte, error) {
	if len(l.part) > 0 && l.part[len(l.part)-1] == '\n' {
		l.part = l.part[:0]
	}
	for {
		text, err := l.in.ReadSlice('\n')
		if len(l.part)+len(text) > maxLine {
			l.long = true
			l.part = l.part[:0]
		} else if !l.long {
			l.part = append(l.part, text...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil:
			return nil, err
		case l.long:
			l.long = false
			l.part = l.part[:0]
			continue
		}
		return l.part[:len(l.part)-1], nil
	}
}

// give hands a line on as text, its line end taken off.
func give(text []byte, line func(string)) {
	if text = bytes.TrimRight(text, "\r\n\x00"); len(text) > 0 {
		line(strings.ToValidUTF8(string(text), "\ufffd"))
	}
}

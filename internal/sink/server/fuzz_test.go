package server

import (
	"io"
	"net"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fakemx/fakemx/internal/sink/smtp"
	"github.com/fakemx/fakemx/internal/sink/visit"
)

// taken is a line that no sender takes for a rejection.
var taken = regexp.MustCompile(`^[234]\d\d[ -][\x20-\x7e]*$`)

// end is an end of a pipe, with addresses.
type end struct{ net.Conn }

func (end) LocalAddr() net.Addr  { return &net.TCPAddr{IP: net.IPv4(198, 51, 100, 26), Port: 25} }
func (end) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1234} }

// pair returns the two ends of a connection that needs no port.
func pair(t *testing.T) (ours net.Conn, theirs *net.UnixConn) {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	var ends [2]net.Conn
	for i, fd := range fds {
		file := os.NewFile(uintptr(fd), "pair")
		if ends[i], err = net.FileConn(file); err != nil {
			t.Fatal(err)
		}
		file.Close()
	}
	return end{ends[0]}, ends[1].(*net.UnixConn)
}

// FuzzWire holds the octets that a whole connection puts on the wire, as far as
// they are in the clear.
func FuzzWire(f *testing.F) {
	for _, seed := range []string{
		envelope + "a message\r\n.\r\nQUIT\r\n",
		"EHLO a\r\nSTARTTLS\r\n\x16\x03\x01\x00\x01\x00",
		"BDAT 5 LAST\r\n12345\x00\xff\r\nRCPT",
		"PROXY TCP4 1.2.3.4 5.6.7.8 1 25\r\nNOOP\r\n",
		strings.Repeat("\n", 3000),
		"NOOP " + strings.Repeat("x", 3000) + "\r\n",
	} {
		f.Add([]byte(seed), true, true)
		f.Add([]byte(seed), false, false)
	}
	secure := certificate(f)
	f.Fuzz(func(t *testing.T, in []byte, afterData, withTLS bool) {
		visits := make(chan visit.Visit, 1)
		config := Config{
			Host: "sink.example.org", AfterData: afterData, MaxLine: smtp.UsualLine, Idle: time.Minute, Session: time.Minute,
			Limits: Limits{All: 1, Address: 1, Prefix: 1}, Visit: func(v *visit.Visit) { visits <- *v },
		}
		if withTLS {
			config.TLS = secure
		}
		ours, theirs := pair(t)
		defer theirs.Close()
		go (&conn{server: New(config), raw: ours, started: time.Now()}).serve()
		go func() {
			_, _ = theirs.Write(in) // fails if the server leaves before
			_ = theirs.CloseWrite()
		}()
		out, err := io.ReadAll(theirs)
		if err != nil && len(out) == 0 {
			t.Fatal(err)
		}
		checkWire(t, string(out))
		<-visits
	})
}

// checkWire complains about a line of out that may be taken for a rejection, up
// to the handshake of TLS.
func checkWire(t *testing.T, out string) {
	t.Helper()
	const ready = "220 2.0.0 Ready to start TLS\r\n"
	clear, _, secured := strings.Cut(out, ready)
	if secured {
		clear += ready
	}
	clear, ended := strings.CutSuffix(clear, "\r\n")
	if !ended {
		t.Fatalf("%q does not end a line", out)
	}
	for line := range strings.SplitSeq(clear, "\r\n") {
		if !taken.MatchString(line) {
			t.Fatalf("%q goes over the wire", line)
		}
	}
}

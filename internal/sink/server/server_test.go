package server

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fakemx/fakemx/internal/sink/smtp"
	"github.com/fakemx/fakemx/internal/sink/visit"
)

// running is a server on a port of its own, and what it told.
type running struct {
	*Server
	address string

	mu         sync.Mutex
	visits     []visit.Visit
	turned     map[string]int
	complaints []error
	news       chan struct{} // one for each visit and each client turned away
}

// run starts a server whose times and limits are far away unless change sets them.
func run(t *testing.T, change func(*Config)) *running {
	t.Helper()
	r := &running{turned: map[string]int{}, news: make(chan struct{}, 100_000)}
	c := Config{
		Host: "sink.example.org", MaxLine: smtp.UsualLine, Idle: time.Hour, Session: time.Hour,
		Limits: Limits{All: 10_000, Address: 10_000, Prefix: 10_000},
		Visit: func(v *visit.Visit) {
			r.mu.Lock()
			r.visits = append(r.visits, *v)
			r.mu.Unlock()
			r.news <- struct{}{}
		},
		Turned: func(limit string) {
			r.mu.Lock()
			r.turned[limit]++
			r.mu.Unlock()
			r.news <- struct{}{}
		},
		Complain: func(err error) {
			r.mu.Lock()
			r.complaints = append(r.complaints, err)
			r.mu.Unlock()
		},
	}
	if change != nil {
		change(&c)
	}
	r.Server = New(c)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.address = l.Addr().String()
	served := make(chan error, 1)
	go func() { served <- r.Serve(l) }()
	t.Cleanup(func() {
		if !r.isStopping() {
			_ = r.Stop(soon(t))
		}
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return r
}

// soon is a context that ends after more time than anything here takes.
func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// wait returns when n visits or refusals more have been told.
func (r *running) wait(t *testing.T, n int) {
	t.Helper()
	for range n {
		select {
		case <-r.news:
		case <-time.After(time.Minute):
			t.Fatal("no news of a client within a minute")
		}
	}
}

func (r *running) lastVisit(t *testing.T) visit.Visit {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.visits) == 0 {
		t.Fatal("no visit was told")
	}
	return r.visits[len(r.visits)-1]
}

// expectOvertime sends a command again and again, until the session is over.
func (r *running) expectOvertime(t *testing.T, c *client, command string) {
	t.Helper()
	for ended := false; !ended; {
		c.send(command)
		line, err := c.in.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		ended = strings.HasPrefix(line, "421")
	}
	r.wait(t, 1)
	if v := r.lastVisit(t); v.End != visit.Overtime {
		t.Errorf("got %+v", v)
	}
}

// client is the other side of a connection.
type client struct {
	net.Conn
	t  *testing.T
	in *bufio.Reader
}

func (r *running) dial(t *testing.T) *client {
	t.Helper()
	conn, err := net.Dial("tcp", r.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return &client{Conn: conn, t: t, in: bufio.NewReader(conn)}
}

func (c *client) send(text string) *client {
	c.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.t.Fatal(err)
	}
	return c
}

// expect reads a reply for each code.
func (c *client) expect(codes ...string) *client {
	c.t.Helper()
	for _, code := range codes {
		for {
			line, err := c.in.ReadString('\n')
			if err != nil || !strings.HasPrefix(line, code) {
				c.t.Fatalf("got %q, %v, want a reply of %s", line, err, code)
			}
			if line[3] == ' ' {
				break
			}
		}
	}
	return c
}

func (c *client) expectEnd() {
	c.t.Helper()
	if rest, err := io.ReadAll(c.in); err != nil || len(rest) > 0 {
		c.t.Fatalf("got %q, %v, want the end of the connection", rest, err)
	}
}

const envelope = "EHLO a.example\r\nMAIL FROM:<ann@a.example>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n"

func TestVisit(t *testing.T) {
	t.Run("no recipient is taken", func(t *testing.T) {
		r := run(t, nil)
		c := r.dial(t).expect("220").send(envelope).expect("250", "250", "451", "451").send("QUIT\r\n").expect("221")
		c.expectEnd()
		r.wait(t, 1)
		v := r.lastVisit(t)
		if v.Client != netip.MustParseAddr("127.0.0.1") || v.Sink != v.Client || v.Helo != "a.example" || v.End != visit.Quit ||
			v.Recipients != 1 || v.Commands != 5 || v.Octets != int64(len(envelope)+6) || v.Early || v.TLS ||
			v.Mail[0].From.Domain != "a.example" || v.Mail[0].To[0].Domain != "example.org" {
			t.Errorf("got %+v", v)
		}
	})
	t.Run("a message is read and dropped", func(t *testing.T) {
		r := run(t, func(c *Config) { c.AfterData = true })
		c := r.dial(t).expect("220").send(envelope).expect("250", "250", "250", "354")
		c.send(strings.Repeat("a line of a huge message\r\n", 100_000) + ".\r\n").expect("451").send("QUIT\r\n").expect("221")
		r.wait(t, 1)
		if v := r.lastVisit(t); v.Octets < 2_600_000 || v.End != visit.Quit {
			t.Errorf("got %+v", v)
		}
	})
	t.Run("a client that leaves without QUIT", func(t *testing.T) {
		r := run(t, nil)
		r.dial(t).expect("220").send("EHLO a\r\nMAIL").expect("250").Close()
		r.wait(t, 1)
		if v := r.lastVisit(t); v.End != visit.Closed || v.Commands != 1 {
			t.Errorf("got %+v", v)
		}
	})
	t.Run("ten thousand commands in one go are all answered", func(t *testing.T) {
		r := run(t, nil)
		c := r.dial(t).expect("220")
		go func() { _, _ = io.WriteString(c, strings.Repeat("NOOP\r\n", 10_000)+"QUIT\r\n") }()
		for range 10_000 {
			c.expect("250")
		}
		c.expect("221")
	})
	t.Run("a client that never reads is left", func(t *testing.T) {
		t.Parallel()
		r := run(t, func(c *Config) { c.Session = 3 * time.Second })
		c := r.dial(t)
		go func() {
			for {
				if _, err := io.WriteString(c, strings.Repeat("NOOP\r\n", 10_000)); err != nil {
					return
				}
			}
		}()
		r.wait(t, 1)
	})
}

func TestTimes(t *testing.T) {
	t.Run("who finishes no command within the time hears 421", func(t *testing.T) {
		r := run(t, func(c *Config) { c.Idle = 200 * time.Millisecond })
		r.dial(t).expect("220").send("NOOP\r\n").expect("250", "421").expectEnd()
		r.wait(t, 1)
		if v := r.lastVisit(t); v.End != visit.Idle {
			t.Errorf("got %+v", v)
		}
	})
	t.Run("octets that finish nothing buy no time", func(t *testing.T) {
		r := run(t, func(c *Config) { c.Idle = 300 * time.Millisecond })
		c := r.dial(t).expect("220")
		go func() {
			for {
				if _, err := c.Write([]byte("x")); err != nil {
					return
				}
				time.Sleep(10 * time.Millisecond)
			}
		}()
		c.expect("421")
	})
	t.Run("a session has an end, however busy", func(t *testing.T) {
		r := run(t, func(c *Config) { c.Session = 300 * time.Millisecond })
		c := r.dial(t).expect("220")
		r.expectOvertime(t, c, "NOOP\r\n")
	})
	t.Run("a session that was put off ends soon, one that wasn't goes on", func(t *testing.T) {
		r := run(t, func(c *Config) { c.Further = 300 * time.Millisecond })
		other := r.dial(t).expect("220")
		c := r.dial(t).expect("220").send("EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<b@example.org>\r\n").expect("250", "250", "451")
		r.expectOvertime(t, c, "MAIL FROM:<>\r\n")
		other.send("NOOP\r\nQUIT\r\n").expect("250", "221").expectEnd()
	})
	t.Run("who speaks before the greeting is noted, and answered after it", func(t *testing.T) {
		r := run(t, func(c *Config) { c.Delay = 200 * time.Millisecond })
		started := time.Now()
		r.dial(t).send("EHLO a\r\nQUIT\r\n").expect("220", "250", "221").expectEnd()
		if took := time.Since(started); took < 200*time.Millisecond {
			t.Errorf("greeted after %v, want no less than the delay", took)
		}
		r.wait(t, 1)
		if v := r.lastVisit(t); !v.Early || v.End != visit.Quit {
			t.Errorf("got %+v", v)
		}
	})
	t.Run("who waits for the greeting is not", func(t *testing.T) {
		r := run(t, func(c *Config) { c.Delay = 50 * time.Millisecond })
		r.dial(t).expect("220").send("QUIT\r\n").expect("221")
		r.wait(t, 1)
		if v := r.lastVisit(t); v.Early {
			t.Errorf("got %+v", v)
		}
	})
}

func TestLimits(t *testing.T) {
	for _, c := range []struct {
		limit  string
		limits Limits
	}{
		{"all", Limits{All: 3, Address: 100, Prefix: 100}},
		{"address", Limits{All: 100, Address: 3, Prefix: 100}},
		{"prefix", Limits{All: 100, Address: 100, Prefix: 3}},
	} {
		t.Run("the limit "+c.limit+" holds, and ends with who left", func(t *testing.T) {
			r := run(t, func(config *Config) { config.Limits = c.limits })
			in := make([]*client, 0, 3)
			for range 3 {
				in = append(in, r.dial(t).expect("220"))
			}
			r.dial(t).expect("421").expectEnd()
			r.wait(t, 1)
			if r.turned[c.limit] != 1 || len(r.turned) != 1 {
				t.Errorf("turned away: %v", r.turned)
			}
			in[0].send("QUIT\r\n").expect("221").expectEnd()
			r.wait(t, 1)
			for r.Connections() > 2 {
				time.Sleep(time.Millisecond)
			}
			for deadline := time.Now().Add(time.Minute); ; {
				line, err := r.dial(t).in.ReadString('\n')
				if err == nil && strings.HasPrefix(line, "220") {
					break
				}
				if time.Now().After(deadline) {
					t.Fatalf("still %q, %v", line, err)
				}
			}
		})
	}
	t.Run("nobody is counted who has gone", func(t *testing.T) {
		d := newDoors(Limits{All: 10, Address: 2, Prefix: 3})
		for _, address := range []string{"192.0.2.1", "2001:db8::1"} {
			a := netip.MustParseAddr(address)
			for i, want := range []string{"", "", "address"} {
				if got := d.admit(a); got != want {
					t.Errorf("%s for time %d: met the limit %q, want %q", a, i, got, want)
				}
			}
			for i, want := range []string{"", "prefix"} {
				if got := d.admit(a.Next()); got != want {
					t.Errorf("its neighbour for time %d: met the limit %q, want %q", i, got, want)
				}
			}
			d.dismiss(a)
			d.dismiss(a)
			d.dismiss(a.Next())
		}
		if len(d.addresses)+len(d.prefixes) > 0 {
			t.Errorf("left: %v, %v", d.addresses, d.prefixes)
		}
	})
}

// certificate is a new one for sink.example.org.
func certificate(t testing.TB) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"sink.example.org"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

func TestTLS(t *testing.T) {
	secured := func(t *testing.T, r *running, start string) *client {
		t.Helper()
		c := r.dial(t).expect("220").send(start).expect("250", "220")
		conn := tls.Client(c.Conn, &tls.Config{InsecureSkipVerify: true})
		if err := conn.Handshake(); err != nil {
			t.Fatal(err)
		}
		return &client{Conn: conn, t: t, in: bufio.NewReader(conn)}
	}
	t.Run("a session goes on in it", func(t *testing.T) {
		r := run(t, func(c *Config) { c.TLS = certificate(t) })
		secured(t, r, "EHLO a\r\nSTARTTLS\r\n").send(envelope+"QUIT\r\n").expect("250", "250", "451", "451", "221")
		r.wait(t, 1)
		if v := r.lastVisit(t); !v.TLS || v.End != visit.Quit {
			t.Errorf("got %+v", v)
		}
	})
	t.Run("what was injected before the handshake is not obeyed", func(t *testing.T) {
		r := run(t, func(c *Config) { c.TLS = certificate(t) })
		secured(t, r, "EHLO a\r\nSTARTTLS\r\nMAIL FROM:<evil@a.example>\r\n").send("NOOP\r\nQUIT\r\n").expect("250", "221")
		r.wait(t, 1)
		if v := r.lastVisit(t); len(v.Mail) > 0 {
			t.Errorf("got %+v", v)
		}
	})
	t.Run("a handshake that fails ends the visit", func(t *testing.T) {
		r := run(t, func(c *Config) { c.TLS = certificate(t) })
		c := r.dial(t).expect("220").send("STARTTLS\r\n").expect("220").send("HELO, are you there?\r\n\r\n")
		_, _ = io.ReadAll(c.in)
		r.wait(t, 1)
		if v := r.lastVisit(t); v.End != visit.BadTLS {
			t.Errorf("got %+v", v)
		}
	})
}

func TestProxy(t *testing.T) {
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	proxied := func(c *Config) { c.Proxies = loopback }
	const v2 = "\r\n\r\n\x00\r\nQUIT\n"
	for _, c := range []struct {
		what, header string
		client, sink string // empty: no visit
		turned       bool
	}{
		{"version 1", "PROXY TCP4 192.0.2.7 198.51.100.26 1234 25\r\n", "192.0.2.7", "198.51.100.26", false},
		{"version 1, IPv6", "PROXY TCP6 2001:db8::7 2001:db8::26 1234 25\r\n", "2001:db8::7", "2001:db8::26", false},
		{"version 2", v2 + "\x21\x11\x00\x0c\xc0\x00\x02\x07\xc6\x33\x64\x1a\x04\xd2\x00\x19", "192.0.2.7", "198.51.100.26", false},
		{"version 2, the proxy itself", v2 + "\x20\x00\x00\x00", "", "", false},
		{"none", "EHLO a\r\n", "", "", true},
		{"a bad one", "PROXY TCP4 192.0.2.7\r\n", "", "", true},
	} {
		t.Run(c.what, func(t *testing.T) {
			r := run(t, proxied)
			conn := r.dial(t).send(c.header)
			if c.client == "" {
				if c.turned {
					r.wait(t, 1)
				}
				if rest, _ := io.ReadAll(conn.in); len(rest) > 0 {
					t.Errorf("got %q, want silence", rest)
				}
				if len(r.visits) > 0 || r.turned["proxy"] > 0 != c.turned {
					t.Errorf("visits %v, turned away %v", r.visits, r.turned)
				}
				return
			}
			conn.expect("220").send("QUIT\r\n").expect("221")
			r.wait(t, 1)
			if v := r.lastVisit(t); v.Client.String() != c.client || v.Sink.String() != c.sink {
				t.Errorf("got %+v", v)
			}
		})
	}
	t.Run("what comes in one packet with the header is the client's", func(t *testing.T) {
		r := run(t, proxied)
		r.dial(t).send("PROXY TCP4 192.0.2.7 198.51.100.26 1234 25\r\nQUIT\r\n").expect("220", "221")
	})
	t.Run("from others it is a command like any other", func(t *testing.T) {
		r := run(t, func(c *Config) { c.Proxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} })
		r.dial(t).send("PROXY TCP4 192.0.2.7 198.51.100.26 1234 25\r\nQUIT\r\n").expect("220", "451", "221")
		r.wait(t, 1)
		if v := r.lastVisit(t); v.Client.String() != "127.0.0.1" {
			t.Errorf("got %+v", v)
		}
	})
	t.Run("the limits are those of the client, not of the proxy", func(t *testing.T) {
		r := run(t, func(c *Config) { c.Proxies, c.Limits = loopback, Limits{All: 100, Address: 1, Prefix: 1} })
		for _, code := range []string{"220", "421"} {
			r.dial(t).send("PROXY TCP4 192.0.2.7 198.51.100.26 1234 25\r\n").expect(code)
		}
		r.dial(t).send("PROXY TCP4 203.0.113.7 198.51.100.26 1234 25\r\n").expect("220")
	})
}

func TestStop(t *testing.T) {
	t.Run("everybody hears 421, and every visit is told", func(t *testing.T) {
		const clients = 500
		r := run(t, nil)
		in := make([]*client, 0, clients)
		for range clients {
			in = append(in, r.dial(t).expect("220"))
		}
		in[0].send("EHLO half a comma")
		if err := r.Stop(soon(t)); err != nil {
			t.Error(err)
		}
		for _, c := range in {
			c.expect("421").expectEnd()
		}
		if len(r.visits) != clients || r.lastVisit(t).End != visit.Stopped {
			t.Errorf("%d visits, the last %+v", len(r.visits), r.lastVisit(t))
		}
		if _, err := net.Dial("tcp", r.address); err == nil {
			t.Error("the port still answers")
		}
	})
	t.Run("it waits neither for a delay nor for an early talker", func(t *testing.T) {
		r := run(t, func(c *Config) { c.Delay = time.Hour })
		quiet, early := r.dial(t), r.dial(t).send("EHLO a\r\n")
		for r.Connections() < 2 {
			time.Sleep(time.Millisecond)
		}
		if err := r.Stop(soon(t)); err != nil {
			t.Error(err)
		}
		quiet.expect("421")
		early.expect("421")
	})
	t.Run("it doesn't wait for ever for one that never reads", func(t *testing.T) {
		t.Parallel()
		r := run(t, nil)
		c := r.dial(t)
		go func() {
			for {
				if _, err := io.WriteString(c, strings.Repeat("EHLO a\r\n", 1000)); err != nil {
					return
				}
			}
		}()
		for r.Connections() < 1 {
			time.Sleep(time.Millisecond)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		if err := r.Stop(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		r.wait(t, 1)
	})
}

func TestServeOutlivesAFailingAccept(t *testing.T) {
	r := run(t, nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = r.Serve(&failing{Listener: l, left: 3}) }()
	r.address = l.Addr().String()
	r.dial(t).expect("220")
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.complaints) != 1 {
		t.Errorf("got %v, want one complaint", r.complaints)
	}
}

// failing is a listener without a free file at first.
type failing struct {
	net.Listener
	left int
}

func (f *failing) Accept() (net.Conn, error) {
	if f.left > 0 {
		f.left--
		return nil, errors.New("too many open files")
	}
	return f.Listener.Accept()
}

func TestCheckHost(t *testing.T) {
	for _, name := range []string{"sink.example.org", "localhost", "a-1"} {
		if err := CheckHost(name); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"", "a b", "a\r\n550", "ä", strings.Repeat("a", 256), "500 a"} {
		if err := CheckHost(name); err == nil {
			t.Errorf("%q is taken", name)
		}
	}
}

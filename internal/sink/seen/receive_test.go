package seen

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// next waits for a value.
func next[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(time.Minute):
		t.Fatal("nothing came within a minute")
		panic("unreachable")
	}
}

// start runs f until the test ends, and waits for it then.
func start(t *testing.T, f func(ctx context.Context)) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		f(ctx)
		close(done)
	}()
	t.Cleanup(func() {
		cancel()
		next(t, done)
	})
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// A probe may come at once, and the line about it be there before anybody reads.
func TestFollowReadsWhatIsAddedBeforeItRuns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mail.log")
	if err := os.WriteFile(path, []byte("old\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 1)
	run := Follow(path, func(s string) { got <- s }, func(err error) { t.Error(err) })
	if err := os.WriteFile(path, []byte("old\nnew\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, run)
	if text := next(t, got); text != "new" {
		t.Errorf("got %q, want %q", text, "new")
	}
}

func TestFollow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mail.log")
	write := func(flag int, text string) {
		t.Helper()
		file, err := os.OpenFile(path, flag|os.O_WRONLY|os.O_CREATE, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if _, err := file.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	got := make(chan string, 100)
	complaints := make(chan error, 100)
	expect := func(want string) {
		t.Helper()
		if text := next(t, got); text != want {
			t.Fatalf("got %q, want %q", text, want)
		}
	}
	start(t, Follow(path, func(s string) { got <- s }, func(err error) { complaints <- err }))
	next(t, complaints) // the file isn't there yet
	write(os.O_EXCL, "first\n")
	expect("first")
	write(os.O_APPEND, "in tw")
	time.Sleep(2 * pause)
	write(os.O_APPEND, "o parts\nwhole\r\n")
	expect("in two parts")
	expect("whole")
	write(os.O_APPEND, strings.Repeat("x", 3*maxLine)+"\nafter a long one\n")
	expect("after a long one")
	t.Log("rotated by renaming, with a line that is still written to the old file")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	old, err := os.OpenFile(path+".1", os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := old.WriteString("late\n"); err != nil {
		t.Fatal(err)
	}
	old.Close()
	write(os.O_EXCL, "new file\n")
	expect("late")
	expect("new file")
	t.Log("rotated by truncating")
	time.Sleep(2 * pause)
	write(os.O_TRUNC, "short\n")
	expect("short")
	if len(complaints) > 0 {
		t.Errorf("complaint: %v", <-complaints)
	}
}

func TestPackets(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 10)
	start(t, func(ctx context.Context) { _ = Packets(ctx, conn, func(s string) { got <- s }) })
	out, err := net.Dial("udp", conn.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if _, err := io.WriteString(out, "one\nand\xfftwo\x00\n\n"); err != nil {
		t.Fatal(err)
	}
	if a, b := next(t, got), next(t, got); a != "one" || b != "and\ufffdtwo" {
		t.Errorf("got %q and %q", a, b)
	}
}

func TestStreams(t *testing.T) {
	l := listen(t)
	got := make(chan string, 10)
	start(t, func(ctx context.Context) { _ = Streams(ctx, l, func(s string) { got <- s }) })
	out, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if _, err := io.WriteString(out, "9 <22>one x\n"+strings.Repeat("x", 2*maxLine)+"\n12 monkeys\n"); err != nil {
		t.Fatal(err)
	}
	if a, b := next(t, got), next(t, got); a != "<22>one x" || b != "12 monkeys" {
		t.Errorf("got %q and %q", a, b)
	}
}

func TestPolicy(t *testing.T) {
	l := listen(t)
	// Nobody takes a sighting: the store hangs.
	sightings := make(chan Sighting)
	start(t, func(ctx context.Context) {
		_ = Policy(ctx, l, "mx1", time.Now, func(s Sighting) {
			select {
			case sightings <- s:
			case <-ctx.Done():
			}
		})
	})
	ask := func(t *testing.T, request string) (answer string) {
		t.Helper()
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		if _, err := io.WriteString(conn, request); err != nil {
			t.Fatal(err)
		}
		if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		in := bufio.NewReader(conn)
		line, _ := in.ReadString('\n')
		blank, _ := in.ReadString('\n')
		return line + blank
	}
	const request = "request=smtpd_access_policy\nprotocol_state=RCPT\nclient_address=192.0.2.7\nsender=a@b\nrecipient=c@example.org\n\n"
	t.Run("the answer comes before anything else", func(t *testing.T) {
		if got := ask(t, request); got != "action=DUNNO\n\n" {
			t.Fatalf("got %q", got)
		}
		want := Sighting{Host: "mx1", Client: netip.MustParseAddr("192.0.2.7"), Envelope: true, From: "a@b", To: "c@example.org"}
		got := next(t, sightings)
		got.Time = time.Time{}
		if got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
	t.Run("a question without sense is answered too", func(t *testing.T) {
		if got := ask(t, "request=junk\nclient_address=\x00\n\n"); got != "action=DUNNO\n\n" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("one without an end is cut off", func(t *testing.T) {
		if got := ask(t, "x="+strings.Repeat("y", 2*maxLine)); got != "" {
			t.Errorf("got %q", got)
		}
	})
}

// realHost is a mail host that answers RCPT as told, and calls log for each client.
func realHost(t *testing.T, greeting, rcpt string, log func(client netip.Addr)) string {
	t.Helper()
	l := listen(t)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			log(conn.RemoteAddr().(*net.TCPAddr).AddrPort().Addr())
			fmt.Fprintf(conn, "%s\r\n", greeting)
			in := bufio.NewScanner(conn)
			for in.Scan() {
				switch strings.Fields(in.Text() + " x")[0] {
				case "RCPT":
					fmt.Fprintf(conn, "%s\r\n", rcpt)
				case "EHLO":
					fmt.Fprint(conn, "250-real\r\n250 SIZE\r\n")
				case "DATA":
					t.Error("the probe sends mail")
				default:
					fmt.Fprint(conn, "250 ok\r\n")
				}
			}
			conn.Close()
		}
	}()
	return l.Addr().String()
}

func TestProve(t *testing.T) {
	prover := func() *Prover {
		return &Prover{Helo: "sink.example.org", Recipient: "postmaster@example.org", Dial: new(net.Dialer).DialContext}
	}
	within := func(d time.Duration) context.Context {
		ctx, cancel := context.WithTimeout(context.Background(), d)
		t.Cleanup(cancel)
		return ctx
	}
	t.Run("a host whose line arrives", func(t *testing.T) {
		for _, rcpt := range []string{"250 ok", "451 greylisted", "550 no such user"} {
			p := prover()
			address := realHost(t, "220 real", rcpt, func(client netip.Addr) {
				if rcpt == "250 ok" { // its line is there before the probe knows from where it called
					p.Saw(Sighting{Host: "mx1", Client: client})
					return
				}
				go func() { // its line takes its time
					time.Sleep(100 * time.Millisecond)
					p.Saw(Sighting{Host: "mx1", Client: client})
				}()
			})
			if _, err := p.Prove(within(time.Minute), Real{"mx1", address}); err != nil {
				t.Error(err)
			}
			if p.Saw(Sighting{Host: "mx1", Client: netip.MustParseAddr("127.0.0.1")}) {
				t.Error("a client at our address after the probe passes for the probe")
			}
		}
	})
	for _, c := range []struct {
		what, greeting string
		host, client   string
	}{
		{"a host whose line doesn't arrive", "220 real", "", ""},
		{"a line of another host", "220 real", "mx2", "127.0.0.1"},
		{"a line about another client", "220 real", "mx1", "192.0.2.7"},
		{"a host that refuses", "554 no", "mx1", "127.0.0.1"},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			p := prover()
			address := realHost(t, c.greeting, "250 ok", func(netip.Addr) {
				if c.host != "" {
					p.Saw(Sighting{Host: c.host, Client: netip.MustParseAddr(c.client)})
				}
			})
			if _, err := p.Prove(within(time.Second), Real{"mx1", address}); err == nil {
				t.Error("is taken for proven")
			}
		})
	}
	t.Run("a host that is down", func(t *testing.T) {
		l := listen(t)
		l.Close()
		if _, err := prover().Prove(within(time.Minute), Real{"mx1", l.Addr().String()}); err == nil {
			t.Error("is taken for proven")
		}
	})
	for _, c := range []struct {
		what      string
		sightings []Sighting // of the probe, besides its address and host
		before    []Sighting // of others
		want      Proof
	}{
		{"a line about the connection", []Sighting{{}}, nil, Proof{Connections: true}},
		{"its envelope alone", []Sighting{{Envelope: true, To: "Postmaster@example.org"}}, nil, Proof{Envelopes: true}},
		{"both, if both came before", []Sighting{{Envelope: true, To: "postmaster@example.org"}, {}}, []Sighting{{}, {Envelope: true}}, Proof{true, true}},
		{"no envelope, where one came before", []Sighting{{}}, []Sighting{{Envelope: true}}, Proof{Connections: true}},
		{"the envelope of other mail from its address", []Sighting{{}, {Envelope: true, To: "bob@example.org"}, {Envelope: true, From: "a@b", To: "postmaster@example.org"}}, []Sighting{{Envelope: true}}, Proof{Connections: true}},
	} {
		t.Run("what comes back: "+c.what, func(t *testing.T) {
			t.Parallel()
			p := prover()
			address := realHost(t, "220 real", "250 ok", func(client netip.Addr) {
				for _, s := range c.before {
					s.Host, s.Client = "mx1", netip.MustParseAddr("192.0.2.7")
					p.Saw(s)
				}
				for _, s := range c.sightings {
					s.Host, s.Client = "mx1", client
					p.Saw(s)
				}
			})
			if got, err := p.Prove(within(3*time.Second), Real{"mx1", address}); err != nil || got != c.want {
				t.Errorf("%+v, %v, expected %+v", got, err, c.want)
			}
		})
	}
	t.Run("an envelope without its connection, where connections came before", func(t *testing.T) {
		p := prover()
		address := realHost(t, "220 real", "250 ok", func(client netip.Addr) {
			p.Saw(Sighting{Host: "mx1", Client: netip.MustParseAddr("192.0.2.7")})
			p.Saw(Sighting{Host: "mx1", Client: client, Envelope: true, To: "postmaster@example.org"})
		})
		if _, err := p.Prove(within(time.Second), Real{"mx1", address}); err == nil || !strings.Contains(err.Error(), "only the envelope") {
			t.Errorf("%v, expected that only the envelope came", err)
		}
	})
	t.Run("behind address translation", func(t *testing.T) {
		p := prover()
		p.As = []netip.Addr{netip.MustParseAddr("198.51.100.1")}
		address := realHost(t, "220 real", "250 ok", func(netip.Addr) {
			p.Saw(Sighting{Host: "mx1", Client: netip.MustParseAddr("198.51.100.1")})
		})
		if _, err := p.Prove(within(time.Minute), Real{"mx1", address}); err != nil {
			t.Error(err)
		}
	})
}

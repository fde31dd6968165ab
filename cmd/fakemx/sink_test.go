package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fakemx/fakemx/internal/servertest"
)

// runAsSink makes the test binary the command itself.
const runAsSink = "FAKEMX_TEST_RUN_AS_SINK"

func init() {
	if os.Getenv(runAsSink) != "" {
		main()
		os.Exit(0)
	}
}

// sinkProcess is a running fakemx sink serve.
type sinkProcess struct {
	t       *testing.T
	cmd     *exec.Cmd
	address string // for mail
	stderr  *output
	done    chan error
}

// output is what a process has said so far, which may be read while it runs.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// serveSink starts a server and returns when it listens. Standard output goes to
// out.
func serveSink(t *testing.T, out *os.File, flags ...string) *sinkProcess {
	t.Helper()
	p := &sinkProcess{t: t, address: freePort(t), stderr: new(output), done: make(chan error, 1)}
	p.cmd = sinkCommand(t, append([]string{"sink", "serve", "-listen", p.address, "-metrics", ""}, flags...)...)
	p.cmd.Stdout, p.cmd.Stderr = out, p.stderr
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	runtime.LockOSThread() // Pdeathsig is sent when the thread ends, so it must not
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.done <- p.cmd.Wait() }()
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	for range 600 {
		if conn, err := net.Dial("tcp", p.address); err == nil {
			conn.Close()
			return p
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("the server does not listen: %s", p.stderr)
	return nil
}

func sinkCommand(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), runAsSink+"=1")
	return cmd
}

func freePort(t *testing.T) string {
	t.Helper()
	return net.JoinHostPort("127.0.0.1", servertest.FreePort(t))
}

// getMetrics returns the metrics that a server tells at HOST:PORT.
func getMetrics(t *testing.T, address string) string {
	t.Helper()
	answer, err := http.Get("http://" + address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// say speaks SMTP and returns what it hears up to the end.
func (p *sinkProcess) say(text string) string {
	p.t.Helper()
	conn, err := net.Dial("tcp", p.address)
	if err != nil {
		p.t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	if _, err := io.WriteString(conn, text); err != nil {
		p.t.Fatal(err)
	}
	heard, err := io.ReadAll(conn)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(heard)
}

func (p *sinkProcess) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// stop sends SIGTERM and expects a clean end.
func (p *sinkProcess) stop() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	select {
	case err := <-p.done:
		if err != nil {
			p.t.Errorf("ended with %v: %s", err, p.stderr)
		}
	case <-time.After(time.Minute):
		p.t.Fatal("still running a minute after SIGTERM")
	}
}

const mail = "EHLO a.example\r\nMAIL FROM:<ann@a.example>\r\nRCPT TO:<bob@example.org>\r\nQUIT\r\n"

func TestSinkServe(t *testing.T) {
	t.Parallel()
	t.Run("a visit is a line on standard output", func(t *testing.T) {
		t.Parallel()
		read, write, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		p := serveSink(t, write)
		write.Close()
		if heard := p.say(mail); !strings.Contains(heard, "\r\n451 4.3.0 Try again later\r\n221 ") {
			t.Errorf("heard %q", heard)
		}
		p.stop()
		// One without a command is the test's own look whether it listens, and may
		// end after the mail.
		var visits []map[string]any
		for lines := bufio.NewScanner(read); lines.Scan(); {
			v := map[string]any{}
			if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
				t.Fatal(err)
			}
			if v["commands"] != 0.0 {
				visits = append(visits, v)
			}
		}
		if len(visits) != 1 || visits[0]["helo"] != "a.example" || visits[0]["end"] != "quit" {
			t.Errorf("got %v", visits)
		}
	})
	t.Run("it outlives the reader of its output", func(t *testing.T) {
		t.Parallel()
		read, write, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		metrics := freePort(t)
		p := serveSink(t, write, "-metrics", metrics)
		write.Close()
		read.Close()
		for range 3 {
			p.say(mail)
		}
		// A visit counts before its connection is closed, but its line is written
		// behind.
		text := getMetrics(t, metrics)
		for deadline := time.Now().Add(time.Minute); strings.Contains(text, "log_lines_lost_total 0") && time.Now().Before(deadline); {
			time.Sleep(50 * time.Millisecond)
			text = getMetrics(t, metrics)
		}
		if !strings.Contains(text, `fakemx_sink_visits_total{end="quit"} 3`) || strings.Contains(text, "log_lines_lost_total 0") {
			t.Error(text)
		}
		p.stop()
		if !strings.Contains(p.stderr.String(), "visits are not written: write /dev/stdout: broken pipe") {
			t.Errorf("it says %q", p.stderr)
		}
	})
	t.Run("a reload goes on to write, to a file that was renamed too", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		path := filepath.Join(dir, "visits.json")
		p := serveSink(t, nil, "-visits", path)
		lines := func(path string) int {
			text, err := os.ReadFile(path)
			if err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
			return strings.Count(string(text), `"helo":"a.example"`)
		}
		until := func(what string, is func() bool) {
			t.Helper()
			for range 1200 {
				if is() {
					return
				}
				time.Sleep(50 * time.Millisecond)
			}
			t.Fatalf("it is never so: %s", what)
		}
		p.say(mail)
		until("a line is written", func() bool { return lines(path) == 1 })
		if err := os.Rename(path, path+".1"); err != nil {
			t.Fatal(err)
		}
		p.say(mail)
		until("before the reload it is written to the renamed file", func() bool { return lines(path+".1") == 2 })
		p.signal(syscall.SIGHUP)
		until("the file is there again", func() bool { _, err := os.Stat(path); return err == nil })
		p.say(mail)
		until("a line is in the new file", func() bool { return lines(path) == 1 })

		if err := os.Rename(dir, dir+".moved"); err != nil {
			t.Fatal(err)
		}
		p.signal(syscall.SIGHUP)
		until("it says that it can't open it", func() bool { return strings.Contains(p.stderr.String(), "-visits: open "+path) })
		p.say(mail)
		p.stop()
		if n := lines(filepath.Join(dir+".moved", "visits.json")); n != 2 {
			t.Errorf("%d lines in the file that is still open, want 2", n)
		}
		if err := os.Rename(dir+".moved", dir); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("a reload without a file changes nothing", func(t *testing.T) {
		t.Parallel()
		p := serveSink(t, nil)
		p.signal(syscall.SIGHUP)
		if heard := p.say(mail); !strings.Contains(heard, "\r\n451 ") {
			t.Errorf("heard %q", heard)
		}
		p.stop()
	})
	t.Run("it outlives a reader that sleeps", func(t *testing.T) {
		t.Parallel()
		read, write, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer read.Close()
		p := serveSink(t, write)
		write.Close()
		for range 500 { // more than a pipe holds
			p.say(mail)
		}
		p.stop()
	})
}

func TestSinkReport(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	feed := filepath.Join(state, "mail.log")
	if err := os.WriteFile(feed, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	policy := freePort(t)
	p := serveSink(t, nil, "-state", state, "-feed", "mx1="+feed, "-policy", "mx2="+policy, "-sinks")
	p.say(mail)

	t.Run("only the server's user may ask", func(t *testing.T) {
		info, err := os.Stat(filepath.Join(state, "sink.sock"))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info, err)
		}
	})
	t.Run("a second server is refused", func(t *testing.T) {
		cmd := sinkCommand(t, "sink", "serve", "-listen", freePort(t), "-metrics", "", "-state", state)
		if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "in use by another process") {
			t.Errorf("%v: %s", err, out)
		}
	})
	report := func(t *testing.T) (clients, leftOut int) {
		t.Helper()
		out, err := sinkCommand(t, "sink", "report", "-state", state, "-o", "json").Output()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		var r struct {
			Schema string
			All    struct {
				Clients int
				LeftOut int `json:"left_out"`
			}
		}
		if err := json.Unmarshal(out, &r); err != nil || r.Schema != "fakemx-sink-report/1" {
			t.Fatalf("%v: %s", err, out)
		}
		return r.All.Clients, r.All.LeftOut
	}
	t.Run("without a proven feed nothing is claimed", func(t *testing.T) {
		if clients, leftOut := report(t); clients != 0 || leftOut != 1 {
			t.Errorf("%d clients count, %d are left out, want 0 and 1", clients, leftOut)
		}
		out, err := sinkCommand(t, "sink", "report", "-state", state).Output()
		if err != nil || !strings.Contains(string(out), "Nothing can be said") {
			t.Errorf("%v: %s", err, out)
		}
	})
	t.Run("another sink's visits count", func(t *testing.T) {
		line := fmt.Sprintf(`{"time":%q,"client":"192.0.2.77","sink":"198.51.100.1","commands":1}`+"\n", time.Now().UTC().Format(time.RFC3339))
		file, err := os.OpenFile(feed, os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		forged := "Nov 25 02:08:06 mx1 postfix/smtpd[190]: NOQUEUE: reject: RCPT from x[203.0.113.1]: 454 <" + strings.TrimSpace(line) + ">\n"
		if _, err := file.WriteString(forged + line + "Nov 25 02:08:06 mx3 fakemx-sink[1]: " + line); err != nil {
			t.Fatal(err)
		}
		for range 600 {
			if _, leftOut := report(t); leftOut == 2 {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
		t.Error("it never does")
	})
	t.Run("the policy service answers", func(t *testing.T) {
		conn, err := net.Dial("tcp", policy)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprint(conn, "request=smtpd_access_policy\nclient_address=192.0.2.77\n\n")
		if line, err := bufio.NewReader(conn).ReadString('\n'); line != "action=DUNNO\n" {
			t.Errorf("%q, %v", line, err)
		}
	})
	p.stop()
	t.Run("without a server it says so", func(t *testing.T) {
		if out, err := sinkCommand(t, "sink", "report", "-state", state).CombinedOutput(); err == nil || !strings.Contains(string(out), "no server runs with the state directory "+state) {
			t.Errorf("%v: %s", err, out)
		}
	})
}

func TestSinkFlags(t *testing.T) {
	for _, c := range []struct{ args, says string }{
		{"-reply never", `-reply never: expected rcpt or data`},
		{"-reply data", `-reply data: expected -tls-cert and -tls-key too`},
		{"-tls-cert x", `-tls-cert and -tls-key: expected both or none`},
		{"-delay 21s", `-delay 21s: expected 0 to 20s`},
		{"-connections 0", `-connections, -per-address, -per-prefix: expected 1 or more`},
		{"-idle 0s", `-idle, -session, -further: expected 1s or more`},
		{"-further 0s", `-idle, -session, -further: expected 1s or more`},
		{"-line 100", `-line 100: expected 512 to 65536 octets`},
		{"-host a_b", `host name "a_b": expected letters, digits, hyphens and dots`},
		{"-listen 25", `address 25: missing port`},
		{"-proxy 192.0.2.0/33", `192.0.2.0/33`},
		{"-real mx1", `expected the name in the host's log lines`},
		{"-state x -real mx1=192.0.2.1:25", `-probe-rcpt "": expected a mailbox`},
		{"-state x -real mx1=192.0.2.1:25 -probe-rcpt a@b>", `expected a mailbox`},
		{"-state x -real mx1=192.0.2.1:25 -real mx1=192.0.2.1:25", `the name stands twice`},
		{"-feed mx1=/var/log/mail.log -state=", `expected -state too`},
		{"-policy 127.0.0.1:1", `expected the real host's name`},
		{"-probe-every 1s", `-probe-every 1s: expected 1m to 30m`},
		{"here", `unexpected argument "here"`},
		{"-nonsense", `flag provided but not defined`},
	} {
		t.Run(c.args, func(t *testing.T) {
			_, err := parseServe(strings.Fields(c.args), io.Discard)
			if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want %q", err, c.says)
			}
		})
	}
	t.Run("nothing at all is enough", func(t *testing.T) {
		f, err := parseServe(nil, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		if c := f.config; f.visits != "" || len(c.Listen) != 1 || c.Listen[0] != ":2525" || c.Server.AfterData || c.Harvest != nil {
			t.Errorf("got %+v, %q", c, f.visits)
		}
	})
}

// TestSinkProof has the server probe a real host that logs who comes.
func TestSinkProof(t *testing.T) {
	state := t.TempDir()
	feed := filepath.Join(state, "mail.log")
	if err := os.WriteFile(feed, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	real, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer real.Close()
	go func() {
		for {
			conn, err := real.Accept()
			if err != nil {
				return
			}
			log, err := os.OpenFile(feed, os.O_WRONLY|os.O_APPEND, 0)
			if err != nil {
				return
			}
			fmt.Fprint(log, "Nov 25 02:08:06 mx1 postfix/smtpd[190]: connect from localhost[127.0.0.1]\n")
			log.Close()
			fmt.Fprint(conn, "220 mx1\r\n")
			for in := bufio.NewScanner(conn); in.Scan(); {
				fmt.Fprint(conn, "250 ok\r\n")
			}
			conn.Close()
		}
	}()
	metrics := freePort(t)
	p := serveSink(t, nil, "-state", state, "-feed", feed, "-metrics", metrics,
		"-real", "mx1="+real.Addr().String(), "-probe-rcpt", "postmaster@example.org")
	const proven = `fakemx_sink_feed_proven{host="mx1"} 1`
	for range 1200 {
		if strings.Contains(getMetrics(t, metrics), proven) {
			p.stop()
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Errorf("the feed is not proven: %s", p.stderr)
}

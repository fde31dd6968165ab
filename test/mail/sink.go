package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/smtp"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

type sinkOptions struct {
	short bool
	only  string
	cases string
	write string
	debs  string
}

func parseSinkOptions(args []string, usage io.Writer) (*sinkOptions, error) {
	o := &sinkOptions{}
	f := flag.NewFlagSet("mail "+sinkCommand, flag.ContinueOnError)
	f.SetOutput(usage)
	f.BoolVar(&o.short, "short", false, "few senders and cases")
	f.StringVar(&o.only, "senders", "", "only these senders, comma-separated")
	f.StringVar(&o.cases, "cases", "", "only cases whose title has this `text`, and those that they are compared with")
	f.StringVar(&o.write, "write", "", "write the tables into sink.md in this `directory`, if the run shows what it must")
	f.StringVar(&o.debs, "debs", "", "keep the Debian packages in this `directory` for the next run")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	switch {
	case f.NArg() > 0:
		return nil, fmt.Errorf("unexpected argument %q, expected only flags", f.Arg(0))
	case o.write != "" && (o.short || o.only != "" || o.cases != ""):
		return nil, errors.New("-write: expected a whole run, without -short, -senders and -cases")
	}
	return o, nil
}

// sinkContained is the laboratory of the sink server, in its own namespaces: real
// hosts that put every message off, are down, or take it, and highest fakes at
// which the sink server answers. Then the real hosts let the messages in.
//
//	go -C test/mail run . sink
func sinkContained(args []string, stdout, progress io.Writer) error {
	o, err := parseSinkOptions(args, progress)
	if err != nil {
		return err
	}
	chosen, err := (&options{short: o.short, only: o.only}).choose()
	if err != nil {
		return err
	}
	chosen = slices.DeleteFunc(chosen, func(s *sender) bool { return s.dane })
	for _, s := range chosen {
		if s.name == "sendmail" {
			whateverTheLoad(s)
		}
	}
	if err := furnish(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	l, cases, busy, err := assembleSinks(ctx, chosen, o, progress)
	if err != nil {
		return err
	}
	r := &sinkReport{date: time.Now(), versions: l.versions, cases: cases, results: l.putOffAll(ctx, cases)}
	for _, st := range l.stations {
		r.senders = append(r.senders, st.name)
	}
	if busy != nil {
		r.busy = l.busyAll(ctx, busy)
	}
	if r.ends, err = visitEnds(l.stations); err != nil {
		return err
	}
	if i := slices.Index(r.senders, "Postfix"); i >= 0 {
		if r.policy, err = l.asksPolicy(ctx, l.stations[i]); err != nil {
			return err
		}
		if !o.short && o.cases == "" {
			if r.backOff, err = l.backsOff(ctx, l.stations[i], cases); err != nil {
				return err
			}
		}
	}
	if _, err := io.WriteString(stdout, r.markdown()); err != nil {
		return err
	}
	if err := r.verdict(); err != nil || o.write == "" {
		return err
	}
	return writeBlock(o.write, "sink.md", sinkCommand, r.markdown())
}

// busy is sendmail that works also on a busy machine.
var busy = []string{"/usr/sbin/sendmail", "-O", "RefuseLA=999", "-O", "QueueLA=999"}

// whateverTheLoad has sendmail work also while the machine is busy: how much it
// does then is not what is asked here.
func whateverTheLoad(s *sender) {
	for _, commands := range [][][]string{s.start, s.flush} {
		for i, argv := range commands {
			commands[i] = append(slices.Clone(busy), argv[1:]...)
		}
	}
}

// assembleSinks builds the laboratory, and returns its cases too.
func assembleSinks(ctx context.Context, chosen []*sender, o *sinkOptions, progress io.Writer) (_ *laboratory, cases, busy []*sinkCase, _ error) {
	l, err := assemble(progress)
	if err != nil {
		return nil, nil, nil, err
	}
	coredns, err := l.build(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	fakemx := filepath.Join(place, "fakemx")
	if err := buildProgram(ctx, "cmd/fakemx", fakemx); err != nil {
		return nil, nil, nil, err
	}
	dir, err := workplace()
	if err != nil {
		return nil, nil, nil, err
	}
	key, err := newSigningKey()
	if err != nil {
		return nil, nil, nil, err
	}
	p := newPlan()
	start := p.start()
	cases = sinkCases(p, o)
	if !o.short {
		busy = p.busyCases()
	}
	change := p.changing() // the name servers have one whose fakes could change
	if err := l.publish(ctx, &publisher{binary: coredns, dir: dir, key: key}, p.shapes, change); err != nil {
		return nil, nil, nil, err
	}
	all := slices.Concat(cases, busy)
	for _, c := range all {
		if err := c.open(l); err != nil {
			return nil, nil, nil, err
		}
	}
	for i := range replies {
		if err := l.startSink(fakemx, i, all); err != nil {
			return nil, nil, nil, err
		}
	}
	if err := l.man(ctx, chosen, o.debs, nil); err != nil {
		return nil, nil, nil, err
	}
	for _, c := range all {
		if err := c.shut(l); err != nil {
			return nil, nil, nil, err
		}
	}
	return l, cases, busy, l.warmUp(ctx, start)
}

// buildProgram builds a command of fakemx's own module.
func buildProgram(ctx context.Context, command, binary string) error {
	here, err := os.Getwd()
	if err != nil {
		return err
	}
	root, err := moduleRoot(here)
	if err != nil {
		return err
	}
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "./"+command)
	build.Dir, build.Stderr = root, os.Stderr
	return build.Run()
}

// startSink starts the sink server of one of the replies at the sinks of its
// cases.
func (l *laboratory) startSink(binary string, kind int, cases []*sinkCase) error {
	reply := replies[kind]
	args := append([]string{"sink", "serve", "-metrics", "", "-host", "sink.example.net", "-visits", visitsPath(kind)}, reply.flags...)
	var addrs []netip.AddrPort
	for _, c := range cases {
		if c.reply != reply.what {
			continue
		}
		for _, fake := range c.highest {
			for _, a := range fake.addrs {
				addrs = append(addrs, netip.AddrPortFrom(a, 25))
				args = append(args, "-listen", addrs[len(addrs)-1].String())
			}
		}
	}
	if addrs == nil {
		return nil
	}
	if reply.what == afterData {
		files, err := certificateFlags()
		if err != nil {
			return err
		}
		args = append(args, files...)
	}
	cmd := exec.Command(binary, args...)
	cmd.Stderr = l.progress
	if err := l.sinks.do(cmd.Start); err != nil || reply.what != overloaded {
		return err
	}
	return l.hold(addrs[0].String())
}

// visitsPath is the file of the visits to the sinks of one of the replies.
func visitsPath(kind int) string { return filepath.Join(place, fmt.Sprintf("visits%d.json", kind)) }

// certificateFlags makes a certificate for the sink server.
func certificateFlags() ([]string, error) {
	certPEM, keyPEM, err := selfSigned("sink.example.net")
	if err != nil {
		return nil, err
	}
	var flags []string
	for flag, pem := range map[string][]byte{"-tls-cert": certPEM, "-tls-key": keyPEM} {
		path := filepath.Join(place, "sink"+flag)
		if err := os.WriteFile(path, pem, 0o600); err != nil {
			return nil, err
		}
		flags = append(flags, flag, path)
	}
	return flags, nil
}

// hold keeps a connection to a sink open for as long as the laboratory runs.
func (l *laboratory) hold(address string) error {
	var conn net.Conn
	var err error
	for deadline := time.Now().Add(readyWithin); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		err = l.sinks.do(func() (err error) {
			conn, err = net.Dial("tcp", address)
			return err
		})
		if err == nil {
			go func() {
				n, err := io.Copy(io.Discard, conn)
				l.say("the connection that was to stay open has ended after %d octets: %v", n, err)
			}()
			return nil
		}
	}
	return err
}

// A sinkResult is what became of one sender's message.
type sinkResult struct {
	try
	broken  error
	refused bool // the sender itself doesn't take such a message
	visits  int  // of fakes before it was put into the queue
	runs    int  // of the queue until it was delivered
}

// putOffAll carries out all cases, of each sender one after the other.
func (l *laboratory) putOffAll(ctx context.Context, cases []*sinkCase) [][]sinkResult {
	results := make([][]sinkResult, len(l.stations))
	var all sync.WaitGroup
	for i, st := range l.stations {
		results[i] = make([]sinkResult, len(cases))
		all.Go(func() {
			for j, c := range cases {
				results[i][j] = l.putOffOne(ctx, st, c)
				l.say("%s: %s: %s", st.name, c.title(), results[i][j])
				if results[i][j].fate == bounced {
					l.say("%s", strings.Join(st.log.about(""), "\n"))
				}
			}
		})
	}
	all.Wait()
	return results
}

func (r sinkResult) String() string {
	switch {
	case r.broken != nil:
		return r.broken.Error()
	case r.refused:
		return "-"
	default:
		return fmt.Sprintf("%s, %d visits, run %d", r.fate, r.visits, r.runs)
	}
}

// putOffOne sends one message and follows it.
func (l *laboratory) putOffOne(ctx context.Context, st *station, c *sinkCase) sinkResult {
	if c.letter.takers != nil && !slices.Contains(c.letter.takers, st.name) {
		return sinkResult{refused: true}
	}
	if err := l.seen(st, c.shape, 0); err != nil {
		return sinkResult{broken: err}
	}
	if st.ready != nil {
		if err := st.ready(st); err != nil {
			return sinkResult{broken: err}
		}
	}
	f := &followed{lab: l, station: st, shape: c.shape, names: c.names(), id: fmt.Sprintf("m%d", serial.Add(1)), start: time.Now()}
	to := f.id + "@" + strings.TrimSuffix(c.domain(0), ".")
	if err := submitText(ctx, st, &c.letter, c.letter.local+f.id+"@bounce.example.net", to); err != nil {
		return sinkResult{broken: err}
	}
	before := f.wait(ctx)
	r := sinkResult{try: before}
	for _, name := range before.called {
		if strings.Contains(name, "*") {
			r.visits++
		}
	}
	if before.fate != queued {
		return r
	}
	if err := c.lift(l, st, to); err != nil {
		return sinkResult{broken: err}
	}
	for range outageRuns {
		if c.state == isDown {
			// Real ones run their queues minutes later, when no session to a sink is open.
			time.Sleep(st.joins)
		}
		r.runs++
		after, err := f.flushed(ctx)
		if err != nil {
			return sinkResult{broken: err}
		}
		if r.try = after; after.fate != queued {
			break
		}
	}
	return r
}

// submitText hands a message to a sender.
func submitText(ctx context.Context, st *station, c *missive, from, to string) error {
	text := c.text(from, to)
	if st.name != "chasquid" {
		argv := []string{"/usr/sbin/sendmail"}
		if st.name == "sendmail" {
			argv = slices.Clone(busy)
		}
		argv = append(append(append(argv, "-i", "-f", from), c.flags...), to)
		_, err := st.container.run(ctx, strings.NewReader(text), argv...)
		return err
	}
	return st.node.do(func() error { return submitUTF8("127.0.0.1:587", st.host, from, to, text) })
}

// submitUTF8 submits to chasquid. net/smtp asks for 8BITMIME and SMTPUTF8 where
// they are offered.
func submitUTF8(addr, host, from, to, text string) error {
	client, err := smtp.Dial(addr)
	if err != nil {
		return err
	}
	defer client.Close()
	insecure := &tls.Config{InsecureSkipVerify: true} // the sender's own loopback
	if err := client.StartTLS(insecure); err != nil {
		return err
	}
	// The same as chasquid() gives its user; PlainAuth wants to know the host.
	if err := client.Auth(plainAuth{"laboratory@" + host, "laboratory"}); err != nil {
		return err
	}
	if err := errors.Join(client.Mail(from), client.Rcpt(to)); err != nil {
		return err
	}
	w, err := client.Data()
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w, strings.ReplaceAll(text, "\n", "\r\n")); err != nil {
		return err
	}
	return errors.Join(w.Close(), client.Quit())
}

// plainAuth is AUTH PLAIN (RFC 4616).
type plainAuth struct{ user, password string }

func (a plainAuth) Start(*smtp.ServerInfo) (string, []byte, error) {
	return "PLAIN", []byte("\x00" + a.user + "\x00" + a.password), nil
}

func (plainAuth) Next([]byte, bool) ([]byte, error) { return nil, nil }

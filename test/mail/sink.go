package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
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
	"syscall"
	"text/tabwriter"
	"time"
)

// sinkContained is the laboratory of the sink server, in its own namespaces.
// Every real host puts every message off, so that senders go on to the highest
// fakes, where the sink server answers; then the real hosts let them in.
//
//	go -C test/mail run . sink
func sinkContained(args []string, stdout, progress io.Writer) error {
	f := flag.NewFlagSet("mail sink", flag.ContinueOnError)
	short := f.Bool("short", false, "few senders and cases")
	only := f.String("senders", "", "only these senders, comma-separated")
	debs := f.String("debs", "", "keep the Debian packages in this `directory` for the next run")
	if err := f.Parse(args); err != nil {
		return err
	}
	chosen, err := (&options{short: *short, only: *only}).choose()
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
	l, cases, err := assembleSinks(ctx, chosen, *debs, *short, progress)
	if err != nil {
		return err
	}
	results := l.putOffAll(ctx, cases)
	printSinks(stdout, l.stations, cases, results)
	errs := []error{judgeSinks(l.stations, cases, results), printEnds(stdout, l.stations)}
	if i := slices.IndexFunc(l.stations, func(st *station) bool { return st.name == "Postfix" }); i >= 0 {
		errs = append(errs, l.asksPolicy(ctx, l.stations[i], stdout))
		if !*short {
			errs = append(errs, l.backsOff(ctx, l.stations[i], cases, stdout))
		}
	}
	return errors.Join(errs...)
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

// A sinkCase is a message of one kind, to a domain whose sinks answer so or so.
type sinkCase struct {
	*shape
	reply string // of the sink: rcpt, data, or closed for none
	real  *puttingOff

	text   func(from, to string) string
	local  string   // of the reverse path, before its number
	flags  []string // further ones of the sendmail command
	takers []string // senders that can take such a message; nil: all
	bare   bool     // the real host has no TLS, though the sink has
	losers []string // whose mail stays in the queue for that
	twin   int      // the case to compare with, -1 if there is none
}

// sinkCases are the cases, the closed sink first.
func sinkCases(p *plan, short bool) []*sinkCase {
	eight := func(from, to string) string { return message(from, to) + "Gr\xfc\xdfe, Grüße\n" }
	huge := func(from, to string) string {
		return message(from, to) + strings.Repeat(strings.Repeat("x", 70)+"\n", 8<<20/71)
	}
	all := []*sinkCase{
		{reply: "closed", shape: &shape{label: "closed", what: "closed sink"}, text: message, twin: -1},
		{reply: "rcpt", shape: &shape{label: "rcpt", what: "451 at RCPT"}, text: message},
		{reply: "data", shape: &shape{label: "data", what: "451 after DATA"}, text: message},
		// chasquid remembers that the domain can do TLS and takes no step back.
		{reply: "data", shape: &shape{label: "bare", what: "451 after DATA, TLS at the sink only"}, text: message, bare: true, losers: []string{"chasquid"}},
		{reply: "rcpt", shape: &shape{label: "eight", what: "8-bit, 451 at RCPT"}, text: eight},
		{reply: "rcpt", shape: &shape{label: "utf8", what: "SMTPUTF8, 451 at RCPT"}, text: message, local: "grüße", takers: []string{"Postfix", "chasquid", "Exim"}},
		{reply: "data", shape: &shape{label: "utf8data", what: "SMTPUTF8, 451 after DATA"}, text: message, local: "grüße", takers: []string{"Postfix", "chasquid", "Exim"}},
		{reply: "rcpt", shape: &shape{label: "dsn", what: "DSN, 451 at RCPT"}, text: message, flags: []string{"-N", "failure,delay"}, takers: []string{"Postfix", "sendmail", "Courier"}},
		{reply: "rcpt", shape: &shape{label: "huge", what: "8 MiB, 451 at RCPT"}, text: huge},
		{reply: "data", shape: &shape{label: "hugedata", what: "8 MiB, 451 after DATA"}, text: huge},
	}
	if short {
		all = all[:4]
	}
	for _, c := range all {
		c.shape.real = []mx{{10, "mail"}}
		c.shape.hosts = p.servers(onlyV4, "mail")
		// Nobody listens there but the host that puts off, which is started apart.
		c.shape.down = []string{"mail"}
		c.shape.highest = p.sinks(onlyV4, "fake1", "fake2")
		c.shape.want = []mx{{10, "mail"}, {20, "fake1"}, {30, "fake2"}}
		p.add(c.shape)
	}
	return all
}

// assembleSinks builds the laboratory.
func assembleSinks(ctx context.Context, chosen []*sender, debs string, short bool, progress io.Writer) (*laboratory, []*sinkCase, error) {
	l, err := assemble(progress)
	if err != nil {
		return nil, nil, err
	}
	coredns, err := l.build(ctx)
	if err != nil {
		return nil, nil, err
	}
	fakemx := filepath.Join(place, "fakemx")
	if err := buildProgram(ctx, "cmd/fakemx", fakemx); err != nil {
		return nil, nil, err
	}
	dir, err := workplace()
	if err != nil {
		return nil, nil, err
	}
	key, err := newSigningKey()
	if err != nil {
		return nil, nil, err
	}
	p := newPlan()
	start := p.start()
	cases := sinkCases(p, short)
	change := p.changing() // the name servers have one whose fakes could change
	if err := l.publish(ctx, &publisher{binary: coredns, dir: dir, key: key}, p.shapes, change); err != nil {
		return nil, nil, err
	}
	for _, c := range cases {
		c.real = &puttingOff{name: "mail." + strings.TrimSuffix(c.zone(), "."), ledger: l.ledger, lifted: map[string]bool{}}
		if !c.bare {
			c.real.cert = l.cert
		}
		if err := c.real.listen(l.mail, c.hosts[0].addrs[0]); err != nil {
			return nil, nil, err
		}
	}
	for _, reply := range []string{"rcpt", "data"} {
		if err := l.startSink(fakemx, reply, cases); err != nil {
			return nil, nil, err
		}
	}
	if err := l.man(ctx, chosen, debs, nil); err != nil {
		return nil, nil, err
	}
	return l, cases, l.warmUp(ctx, start)
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

// startSink starts the sink server of one kind at the sinks of its cases.
func (l *laboratory) startSink(binary, reply string, cases []*sinkCase) error {
	args := []string{"sink", "serve", "-reply", reply, "-metrics", "", "-host", "sink.example.net", "-visits", filepath.Join(place, reply+".json")}
	wanted := false
	for _, c := range cases {
		if c.reply != reply {
			continue
		}
		for _, fake := range c.highest {
			args = append(args, "-listen", netip.AddrPortFrom(fake.addrs[0], 25).String())
			wanted = true
		}
	}
	if !wanted {
		return nil
	}
	if reply == "data" {
		certPEM, keyPEM, err := selfSigned("sink.example.net")
		if err != nil {
			return err
		}
		for flag, pem := range map[string][]byte{"-tls-cert": certPEM, "-tls-key": keyPEM} {
			path := filepath.Join(place, "sink"+flag)
			if err := os.WriteFile(path, pem, 0o600); err != nil {
				return err
			}
			args = append(args, flag, path)
		}
	}
	cmd := exec.Command(binary, args...)
	cmd.Stderr = l.progress
	return l.sinks.do(cmd.Start)
}

// puttingOff is a real host that puts off every recipient until it is let in. It
// offers what a host of today does.
type puttingOff struct {
	name   string
	ledger *ledger
	cert   *tls.Certificate // offers STARTTLS if there is one

	mu     sync.Mutex
	lifted map[string]bool
}

func (h *puttingOff) lift(to string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lifted[to] = true
}

func (h *puttingOff) letsIn(to string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.lifted[to]
}

func (h *puttingOff) listen(n *node, addr netip.Addr) error {
	return n.do(func() error {
		listener, err := net.Listen("tcp", netip.AddrPortFrom(addr, 25).String())
		if err != nil {
			return err
		}
		go func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				go func() {
					defer conn.Close()
					s := &session{smtpd: &smtpd{name: h.name, ledger: h.ledger, cert: h.cert}, addr: addr}
					s.use(conn)
					h.serve(s)
				}()
			}
		}()
		return nil
	})
}

// serve leaves to the laboratory's own host what is the same.
func (h *puttingOff) serve(s *session) {
	err := s.reply("220 " + h.name + " ESMTP laboratory")
	for err == nil {
		var text string
		if text, err = s.line(); err != nil {
			return
		}
		switch verb, rest, _ := strings.Cut(text, " "); {
		case strings.EqualFold(verb, "EHLO"):
			offers := []string{"250-" + h.name, "250-8BITMIME", "250-SMTPUTF8", "250-DSN"}
			if h.cert != nil && !s.safe {
				offers = append(offers, "250-STARTTLS")
			}
			err = s.reply(append(offers, "250 SIZE 100000000")...)
		case strings.EqualFold(verb, "RCPT") && !h.letsIn(mailbox(rest)):
			err = s.reply("451 4.7.1 greylisted, try again later")
		default:
			err = s.command(text)
		}
	}
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
				l.say("%s: %s: %s", st.name, c.what, results[i][j])
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
	if c.takers != nil && !slices.Contains(c.takers, st.name) {
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
	if err := submitText(ctx, st, c, c.local+f.id+"@bounce.example.net", to); err != nil {
		if c.takers != nil {
			return sinkResult{refused: true}
		}
		return sinkResult{broken: err}
	}
	before := f.wait(ctx)
	r := sinkResult{try: before}
	for _, name := range before.called {
		if strings.HasSuffix(name, "*") {
			r.visits++
		}
	}
	if before.fate != queued {
		return r
	}
	c.real.lift(to)
	for range outageRuns {
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

// submitText hands a case's message to a sender.
func submitText(ctx context.Context, st *station, c *sinkCase, from, to string) error {
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

// printSinks is the table of the document.
func printSinks(w io.Writer, stations []*station, cases []*sinkCase, results [][]sinkResult) {
	t := tabwriter.NewWriter(w, 0, 0, 1, ' ', tabwriter.Debug)
	fmt.Fprint(t, "case")
	for _, st := range stations {
		fmt.Fprintf(t, "\t%s", st.name)
	}
	fmt.Fprintln(t)
	for j, c := range cases {
		fmt.Fprint(t, c.what)
		for i := range stations {
			fmt.Fprintf(t, "\t%s", results[i][j])
		}
		fmt.Fprintln(t)
	}
	t.Flush()
}

// printEnds tells how each sender's visits to the sinks ended: some never say
// QUIT after a 4xx.
func printEnds(w io.Writer, stations []*station) error {
	for _, reply := range []string{"rcpt", "data"} {
		text, err := os.ReadFile(filepath.Join(place, reply+".json"))
		if err != nil {
			return err
		}
		ends := map[string]map[string]int{}
		for line := range strings.Lines(string(text)) {
			var visit struct {
				Client netip.Addr
				End    string
			}
			if err := json.Unmarshal([]byte(line), &visit); err != nil {
				return fmt.Errorf("%q: %w", line, err)
			}
			for _, st := range stations {
				if st.addr == visit.Client {
					if ends[st.name] == nil {
						ends[st.name] = map[string]int{}
					}
					ends[st.name][visit.End]++
				}
			}
		}
		fmt.Fprintf(w, "how visits ended where the sink answers at %s: %v\n", reply, ends)
	}
	return nil
}

// judgeSinks complains about every message that was not delivered in the end, or
// took more runs of the queue than with a closed sink, and if no sender visited
// a sink at all.
func judgeSinks(stations []*station, cases []*sinkCase, results [][]sinkResult) error {
	var errs []error
	visits := 0
	for i, st := range stations {
		for j, c := range cases {
			r := results[i][j]
			twin := results[i][max(c.twin, 0)]
			switch {
			case r.refused:
			case r.broken != nil:
				errs = append(errs, fmt.Errorf("%s: %s: %w", st.name, c.what, r.broken))
			case slices.Contains(c.losers, st.name):
				if r.fate == delivered {
					errs = append(errs, fmt.Errorf("%s: %s: delivered, expected it to stay in the queue", st.name, c.what))
				}
			case r.fate != delivered:
				errs = append(errs, fmt.Errorf("%s: %s: %s, expected delivered", st.name, c.what, r.fate))
			case c.twin >= 0 && twin.broken == nil && r.runs > twin.runs:
				errs = append(errs, fmt.Errorf("%s: %s: delivered on run %d of the queue, with a closed sink on run %d", st.name, c.what, r.runs, twin.runs))
			}
			if c.reply != "closed" {
				visits += r.visits
			}
		}
	}
	if visits == 0 {
		errs = append(errs, errors.New("no sender came to an answering sink, so this shows nothing"))
	}
	return errors.Join(errs...)
}

// asksPolicy has Postfix receive mail, with the lines of docs/sink.md, while its
// policy service, the sink server, runs, is stopped, is slow, and is dead.
func (l *laboratory) asksPolicy(ctx context.Context, st *station, stdout io.Writer) error {
	const at = "127.0.0.1:10044" // as in the document
	g, err := readGuide()
	if err != nil {
		return err
	}
	lines := g.block("postfix")
	if err := g.missed(); err != nil {
		return err
	}
	state := filepath.Join(place, "policy")
	if err := os.MkdirAll(state, 0o700); err != nil {
		return err
	}
	service := exec.Command(filepath.Join(place, "fakemx"), "sink", "serve", "-listen", "127.0.0.1:2525", "-metrics", "",
		"-state", state, "-visits", "/dev/null", "-policy", "postfix="+at)
	service.Stderr = l.progress
	if err := st.node.do(service.Start); err != nil {
		return err
	}
	_, err = st.container.run(ctx, strings.NewReader(lines), "sh", "-ec",
		"postconf -e inet_interfaces=all; cat >>/etc/postfix/main.cf; postfix reload")
	if err != nil {
		return err
	}
	time.Sleep(2 * time.Second)
	var errs []error
	for _, state := range []struct {
		what  string
		enter func() error
	}{
		{"runs", func() error { return nil }},
		{"is stopped (SIGSTOP)", func() error { return service.Process.Signal(syscall.SIGSTOP) }},
		{"is dead (SIGKILL)", func() error {
			err := service.Process.Kill()
			_ = service.Wait()
			return err
		}},
		{"answers after a minute", func() error { return st.node.do(func() error { return slowPolicy(at) }) }},
	} {
		if err := state.enter(); err != nil {
			return err
		}
		for range 3 {
			began := time.Now()
			err := l.mail.do(func() error {
				return offer(netip.AddrPortFrom(st.addr, 25).String(), "a@bounce.example.net", "root@"+st.host)
			})
			fmt.Fprintf(stdout, "policy service %s: mail taken after %.1f s, error %v\n", state.what, time.Since(began).Seconds(), err)
			if err != nil {
				errs = append(errs, fmt.Errorf("policy service %s: %w", state.what, err))
			}
		}
	}
	return errors.Join(errs...)
}

// offer sends a message in the clear.
func offer(addr, from, to string) error {
	client, err := smtp.Dial(addr)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := errors.Join(client.Hello("sender.example.net"), client.Mail(from), client.Rcpt(to)); err != nil {
		return err
	}
	w, err := client.Data()
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, strings.ReplaceAll(message(from, to), "\n", "\r\n"))
	return errors.Join(err, w.Close(), client.Quit())
}

// slowPolicy is a policy service that takes its time.
func slowPolicy(at string) error {
	listener, err := net.Listen("tcp", at)
	if err != nil {
		return err
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			time.AfterFunc(time.Minute, func() {
				_, _ = io.WriteString(conn, "action=DUNNO\n\n")
				conn.Close()
			})
		}
	}()
	return nil
}

// backsOff counts Postfix's calls with many messages in the queue while the real
// host is down, with a closed sink and with one that answers. A destination all
// of whose hosts refuse is left alone for a while; whether one that answers
// spoils that is measured, not judged.
func (l *laboratory) backsOff(ctx context.Context, st *station, cases []*sinkCase, stdout io.Writer) error {
	const messages = 20
	for _, c := range cases[:2] {
		dead := *c.shape
		err := l.mail.nft("add table ip sinklab\nadd chain ip sinklab in { type filter hook input priority 0; }\n" +
			"add rule ip sinklab in ip daddr " + c.hosts[0].addrs[0].String() + " tcp dport 25 reject with tcp reset\n")
		if err != nil {
			return err
		}
		began := time.Now()
		for range messages {
			id := fmt.Sprintf("m%d", serial.Add(1))
			if err := submitText(ctx, st, c, id+"@bounce.example.net", id+"@"+strings.TrimSuffix(c.domain(0), ".")); err != nil {
				return err
			}
		}
		time.Sleep(30 * time.Second)
		counts := map[string]int{}
		for _, call := range st.calls.since(began, dead.names()) {
			counts[dead.names()[call.to]]++
		}
		fmt.Fprintf(stdout, "Postfix, %d messages while the real host refuses, %s: calls %v\n", messages, c.what, counts)
	}
	return nil
}

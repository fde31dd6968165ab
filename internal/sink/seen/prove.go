package seen

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A Real is a real mail host whose lines are expected here.
type Real struct {
	Name    string // as its lines say it
	Address string // HOST:PORT to probe, empty if it can't be
}

// returnWithin is how long a host's line about a probe may take to arrive.
const returnWithin = 60 * time.Second

// A Prover finds out whether the lines of real hosts arrive: it calls a host as
// a mail server would, up to RCPT, and waits for the host's line about that.
type Prover struct {
	Helo      string       // the name that the probe gives itself
	Recipient string       // whom it asks for, one that exists
	As        []netip.Addr // how hosts see the probe's address, if not as it is here
	Dial      func(ctx context.Context, network, address string) (net.Conn, error)

	mu      sync.Mutex
	pending map[string]*proof // by Real.Name
}

// proof is a probe whose line is waited for. The line may come before it is
// known from where the probe went out: until then clients are kept.
type proof struct {
	from    []netip.Addr
	clients []netip.Addr // at most maxClients
	came    chan struct{}
}

// maxClients is how many clients of a host are kept while it is called: more than
// come in the moment that takes.
const maxClients = 10_000

// matches reports whether the client is the probe.
func (p *proof) matches(client netip.Addr) bool { return slices.Contains(p.from, client) }

// Saw tells the prover of a sighting, and reports whether it is the probe's own.
func (p *Prover) Saw(s Sighting) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	waits, ok := p.pending[s.Host]
	switch {
	case !ok:
		return false
	case len(waits.from) == 0 && len(waits.clients) < maxClients:
		waits.clients = append(waits.clients, s.Client)
		return false
	case !waits.matches(s.Client):
		return false
	}
	waits.arrived()
	return true
}

// arrived says that the line has come.
func (p *proof) arrived() {
	select {
	case <-p.came:
	default:
		close(p.came)
	}
}

// Prove probes a host. It returns nil if the host answers and its line arrives
// within a minute. Only one probe of a host may run at a time.
func (p *Prover) Prove(ctx context.Context, host Real) error {
	ctx, cancel := context.WithTimeout(ctx, returnWithin)
	defer cancel()
	waits := &proof{from: p.As, came: make(chan struct{})}
	p.await(host.Name, waits)
	defer p.await(host.Name, nil)
	conn, err := p.Dial(ctx, "tcp", host.Address)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := p.wentFrom(waits, conn.LocalAddr()); err != nil {
		return err
	}

	stop := context.AfterFunc(ctx, func() { conn.Close() })
	err = p.talk(conn)
	stop()
	if err != nil {
		return fmt.Errorf("probe of %s at %s: %w", host.Name, host.Address, err)
	}
	select {
	case <-waits.came:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("no line of %s about the probe from %v within %v", host.Name, waits.from, returnWithin)
	}
}

// wentFrom says where the probe went out, unless it is known already.
func (p *Prover) wentFrom(waits *proof, local net.Addr) error {
	tcp, ok := local.(*net.TCPAddr)
	if !ok {
		return fmt.Errorf("local address %v: expected one of TCP", local)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(waits.from) > 0 {
		return nil
	}
	waits.from = []netip.Addr{tcp.AddrPort().Addr().Unmap()}
	if slices.ContainsFunc(waits.clients, waits.matches) {
		waits.arrived()
	}
	waits.clients = nil
	return nil
}

func (p *Prover) await(name string, waits *proof) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pending == nil {
		p.pending = make(map[string]*proof)
	}
	if waits == nil {
		delete(p.pending, name)
		return
	}
	p.pending[name] = waits
}

// talk is the SMTP side of a probe. What the host says to RCPT doesn't matter,
// only that it says something.
func (p *Prover) talk(conn net.Conn) error {
	const most = 64 << 10 // octets of replies
	text := textproto.NewReader(bufio.NewReader(io.LimitReader(conn, most)))
	for _, step := range []struct {
		say  string
		must string // the first digit of the reply, empty for any
	}{
		{"", "2"},
		{"EHLO " + p.Helo, "2"},
		{"MAIL FROM:<>", "2"},
		{"RCPT TO:<" + p.Recipient + ">", ""},
		{"QUIT", ""},
	} {
		if step.say != "" {
			if _, err := io.WriteString(conn, step.say+"\r\n"); err != nil {
				return err
			}
		}
		code, message, err := text.ReadResponse(0)
		if err != nil && code == 0 {
			return fmt.Errorf("after %q: %w", step.say, err)
		}
		if digit := strconv.Itoa(code)[:1]; step.must != "" && digit != step.must {
			return fmt.Errorf("after %q: %d %s, expected %sxx", step.say, code, strings.ReplaceAll(message, "\n", " "), step.must)
		}
	}
	return nil
}

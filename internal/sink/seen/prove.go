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
	kinds   map[string]kinds  // by Real.Name: what the host's feeds have brought so far
}

// kinds are kinds of sightings. A host may have a feed for each, of which one
// can die while the other lives.
type kinds uint8

const (
	plain    kinds = 1 << iota // a connection
	envelope                   // with an envelope
)

func kindOf(s Sighting) kinds {
	if s.Envelope {
		return envelope
	}
	return plain
}

// proof is a probe whose line is waited for. The line may come before it is
// known from where the probe went out: until then sightings are kept.
type proof struct {
	from  []netip.Addr
	early []Sighting // at most maxEarly
	came  kinds
	more  chan struct{} // has room for one; filled when came changes
}

// maxEarly is how many sightings of a host are kept while it is called: more than
// come in the moment that takes.
const maxEarly = 10_000

// take looks whether a sighting is of the probe, which asked for the recipient.
func (p *proof) take(s Sighting, recipient string) bool {
	if !slices.Contains(p.from, s.Client) {
		return false
	}
	kind := kindOf(s)
	if kind == envelope && (s.From != "" || !strings.EqualFold(s.To, recipient)) {
		return false // somebody else's mail from the same address
	}
	p.came |= kind
	select {
	case p.more <- struct{}{}:
	default:
	}
	return true
}

// Saw tells the prover of a sighting, and reports whether it is the probe's own.
func (p *Prover) Saw(s Sighting) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if known, ok := p.kinds[s.Host]; ok {
		p.kinds[s.Host] = known | kindOf(s)
	}
	waits, ok := p.pending[s.Host]
	switch {
	case !ok:
		return false
	case len(waits.from) == 0 && len(waits.early) < maxEarly:
		waits.early = append(waits.early, s)
		return false
	default:
		return waits.take(s, p.Recipient)
	}
}

// A Proof is what came back of a probe, at least one of the two.
type Proof struct{ Connections, Envelopes bool }

func proofOf(came kinds) Proof { return Proof{came&plain != 0, came&envelope != 0} }

// Prove probes a host. It returns no error if the host answers and its line
// arrives within a minute. What the host's feeds have brought before, a line
// without envelope or one with it, is waited for. Only one probe of a host may run
// at a time.
func (p *Prover) Prove(ctx context.Context, host Real) (Proof, error) {
	ctx, cancel := context.WithTimeout(ctx, returnWithin)
	defer cancel()
	waits := &proof{from: p.As, more: make(chan struct{}, 1)}
	p.await(host.Name, waits)
	defer p.await(host.Name, nil)
	conn, err := p.Dial(ctx, "tcp", host.Address)
	if err != nil {
		return Proof{}, err
	}
	defer conn.Close()
	if err := p.wentFrom(waits, conn.LocalAddr()); err != nil {
		return Proof{}, err
	}

	stop := context.AfterFunc(ctx, func() { conn.Close() })
	err = p.talk(conn)
	stop()
	if err != nil {
		return Proof{}, fmt.Errorf("probe of %s at %s: %w", host.Name, host.Address, err)
	}
	for {
		came, wanted := p.standing(host.Name, waits)
		if came != 0 && came&wanted == wanted {
			return proofOf(came), nil
		}
		select {
		case <-waits.more:
		case <-ctx.Done():
			return p.late(host.Name, waits)
		}
	}
}

// standing is what has come of a probe, and what its host has brought before.
func (p *Prover) standing(host string, waits *proof) (came, wanted kinds) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return waits.came, p.kinds[host]
}

// late is the result when not everything has come in time. Without an envelope
// the connections are proven all the same, but not the other way round.
func (p *Prover) late(host string, waits *proof) (Proof, error) {
	switch came, wanted := p.standing(host, waits); {
	case came == 0:
		return Proof{}, fmt.Errorf("no line of %s about the probe from %v within %v", host, waits.from, returnWithin)
	case came&plain == 0 && wanted&plain != 0:
		return Proof{}, fmt.Errorf("only the envelope of the probe from %v came back from %s within %v, and no line about the connection", waits.from, host, returnWithin)
	default:
		return proofOf(came), nil
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
	for _, s := range waits.early {
		waits.take(s, p.Recipient)
	}
	waits.early = nil
	return nil
}

func (p *Prover) await(name string, waits *proof) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pending == nil {
		p.pending, p.kinds = make(map[string]*proof), make(map[string]kinds)
	}
	p.kinds[name] |= 0 // from now on it is kept
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

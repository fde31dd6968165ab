package load

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"golang.org/x/net/ipv4"
)

// maxBatch is how many messages one system call sends or receives at most.
const maxBatch = 32

// transport carries whole DNS messages.
type transport interface {
	// send sends every message, in order.
	send(messages [][]byte) error
	// receive waits until the deadline for at least one message. A deadline
	// that passes is no error. The messages are valid until the next call.
	receive(deadline time.Time) ([][]byte, error)
	close() error
}

func dial(network, server string) (transport, error) {
	switch network {
	case "udp":
		return dialUDP(server)
	case "tcp":
		return dialTCP(server)
	}
	return nil, fmt.Errorf("network %q: expected udp or tcp", network)
}

// udpTransport moves several datagrams with each system call where the
// operating system can.
type udpTransport struct {
	conn     *net.UDPConn
	packets  *ipv4.PacketConn
	out, in  []ipv4.Message
	received [][]byte
}

func dialUDP(server string) (transport, error) {
	conn, err := net.Dial("udp4", server)
	if err != nil {
		return nil, err
	}
	t := &udpTransport{conn: conn.(*net.UDPConn)}
	t.packets = ipv4.NewPacketConn(t.conn)
	for range maxBatch {
		t.out = append(t.out, ipv4.Message{Buffers: make([][]byte, 1)})
		t.in = append(t.in, ipv4.Message{Buffers: [][]byte{make([]byte, 4096)}})
	}
	return t, nil
}

func (t *udpTransport) send(messages [][]byte) error {
	for len(messages) > 0 {
		n := min(len(messages), maxBatch)
		for i, m := range messages[:n] {
			t.out[i].Buffers[0] = m
		}
		n, err := t.packets.WriteBatch(t.out[:n], 0)
		if err != nil {
			return err
		}
		messages = messages[n:]
	}
	return nil
}

func (t *udpTransport) receive(deadline time.Time) ([][]byte, error) {
	if err := t.conn.SetReadDeadline(deadline); err != nil {
		return nil, err
	}
	n, err := t.packets.ReadBatch(t.in, 0)
	if isTimeout(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	t.received = t.received[:0]
	for _, m := range t.in[:n] {
		t.received = append(t.received, m.Buffers[0][:m.N])
	}
	return t.received, nil
}

func (t *udpTransport) close() error { return t.conn.Close() }

// tcpTransport pipelines queries over one connection (RFC 7766 section 6.2.1.1).
type tcpTransport struct {
	conn     net.Conn
	out      []byte
	in       []byte
	filled   int // octets of in that are read and
	consumed int // those of them that were handed out
	received [][]byte
}

func dialTCP(server string) (transport, error) {
	conn, err := net.Dial("tcp4", server)
	if err != nil {
		return nil, err
	}
	// A message is at most 65535 octets behind two of length: one always fits.
	return &tcpTransport{conn: conn, in: make([]byte, 1<<17)}, nil
}

func (t *tcpTransport) send(messages [][]byte) error {
	t.out = t.out[:0]
	for _, m := range messages {
		t.out = binary.BigEndian.AppendUint16(t.out, uint16(len(m)))
		t.out = append(t.out, m...)
	}
	_, err := t.conn.Write(t.out)
	return err
}

func (t *tcpTransport) receive(deadline time.Time) ([][]byte, error) {
	if err := t.conn.SetReadDeadline(deadline); err != nil {
		return nil, err
	}
	t.filled = copy(t.in, t.in[t.consumed:t.filled])
	t.consumed = 0
	n, err := t.conn.Read(t.in[t.filled:])
	t.filled += n
	if err != nil && !isTimeout(err) {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	t.received = t.received[:0]
	for {
		rest := t.in[t.consumed:t.filled]
		if len(rest) < 2 {
			return t.received, nil
		}
		size := 2 + int(binary.BigEndian.Uint16(rest))
		if len(rest) < size {
			return t.received, nil
		}
		t.received = append(t.received, rest[2:size])
		t.consumed += size
	}
}

func (t *tcpTransport) close() error { return t.conn.Close() }

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

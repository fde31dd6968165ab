package main

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

// A call is one attempt to open an SMTP connection, seen as its SYN.
type call struct {
	at time.Time
	to netip.Addr
}

// A recorder sees every SYN to port 25 that leaves a node, so also the ones to
// closed ports, which no server could record. They wait in the kernel, with the
// time at which they left, until somebody asks.
type recorder struct {
	mu    sync.Mutex
	fd    int
	last  syn
	calls []call
}

// record starts recording on n's Ethernet port.
func record(n *node) (*recorder, error) {
	const ethernetAll = syscall.ETH_P_ALL<<8&0xff00 | syscall.ETH_P_ALL>>8 // network byte order
	r := &recorder{}
	err := n.do(func() error {
		port, err := net.InterfaceByName("eth0")
		if err != nil {
			return err
		}
		r.fd, err = syscall.Socket(syscall.AF_PACKET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, ethernetAll)
		if err != nil {
			return err
		}
		if err := syscall.SetsockoptInt(r.fd, syscall.SOL_SOCKET, syscall.SO_TIMESTAMPNS, 1); err != nil {
			return err
		}
		// All packets wait, not only SYNs: room for some ten thousand.
		if err := syscall.SetsockoptInt(r.fd, syscall.SOL_SOCKET, syscall.SO_RCVBUFFORCE, 16<<20); err != nil {
			return err
		}
		return syscall.Bind(r.fd, &syscall.SockaddrLinklayer{Protocol: ethernetAll, Ifindex: port.Index})
	})
	if err != nil {
		return nil, fmt.Errorf("record the calls of %s: %w", n.name, err)
	}
	return r, nil
}

// drain takes what waits in the kernel. The caller holds mu.
func (r *recorder) drain() {
	packet, control := make([]byte, 256), make([]byte, 128)
	for {
		n, c, _, from, err := syscall.Recvmsg(r.fd, packet, control, syscall.MSG_DONTWAIT)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return // nothing more
		}
		if link, ok := from.(*syscall.SockaddrLinklayer); !ok || link.Pkttype != syscall.PACKET_OUTGOING {
			continue
		}
		s, ok := parseSYN(packet[:n])
		if !ok || s == r.last { // the same again is a retransmission
			continue
		}
		r.last = s
		r.calls = append(r.calls, call{at: timestamp(control[:c]), to: s.to})
	}
}

// timestamp reads the time that the kernel noted for a packet.
func timestamp(control []byte) time.Time {
	messages, err := syscall.ParseSocketControlMessage(control)
	if err == nil {
		for _, m := range messages {
			if m.Header.Level == syscall.SOL_SOCKET && m.Header.Type == syscall.SO_TIMESTAMPNS && len(m.Data) >= 16 {
				return time.Unix(int64(binary.NativeEndian.Uint64(m.Data)), int64(binary.NativeEndian.Uint64(m.Data[8:])))
			}
		}
	}
	return time.Now()
}

// since returns the calls after t to any of the addresses, in order.
func (r *recorder) since(t time.Time, addrs map[netip.Addr]string) []call {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drain()
	var found []call
	for _, c := range r.calls {
		if _, ok := addrs[c.to]; ok && !c.at.Before(t) {
			found = append(found, c)
		}
	}
	return found
}

// A syn identifies one connection attempt.
type syn struct {
	to       netip.Addr
	port     uint16
	sequence uint32
}

// parseSYN reads an IP packet that opens an SMTP connection.
func parseSYN(packet []byte) (syn, bool) {
	const smtp, tcp = 25, 6
	if len(packet) < 20 {
		return syn{}, false
	}
	var to netip.Addr
	var segment []byte
	switch version := packet[0] >> 4; {
	case version == 4 && packet[9] == tcp:
		header := int(packet[0]&0x0f) * 4
		if header < 20 || len(packet) < header {
			return syn{}, false
		}
		to, segment = netip.AddrFrom4([4]byte(packet[16:20])), packet[header:]
	case version == 6 && packet[6] == tcp && len(packet) >= 40:
		to, segment = netip.AddrFrom16([16]byte(packet[24:40])), packet[40:]
	default:
		return syn{}, false
	}
	if len(segment) < 20 || binary.BigEndian.Uint16(segment[2:]) != smtp {
		return syn{}, false
	}
	const flagSYN, flagACK = 0x02, 0x10
	if segment[13]&(flagSYN|flagACK) != flagSYN {
		return syn{}, false
	}
	return syn{to: to, port: binary.BigEndian.Uint16(segment), sequence: binary.BigEndian.Uint32(segment[4:])}, true
}

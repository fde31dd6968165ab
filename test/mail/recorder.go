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
// closed ports, which no server could record.
type recorder struct {
	mu    sync.Mutex
	calls []call
}

// record starts recording on n's Ethernet port.
func record(n *node) (*recorder, error) {
	const ethernetAll = syscall.ETH_P_ALL<<8&0xff00 | syscall.ETH_P_ALL>>8 // network byte order
	var fd int
	err := n.do(func() error {
		port, err := net.InterfaceByName("eth0")
		if err != nil {
			return err
		}
		fd, err = syscall.Socket(syscall.AF_PACKET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, ethernetAll)
		if err != nil {
			return err
		}
		return syscall.Bind(fd, &syscall.SockaddrLinklayer{Protocol: ethernetAll, Ifindex: port.Index})
	})
	if err != nil {
		return nil, fmt.Errorf("record the calls of %s: %w", n.name, err)
	}
	r := &recorder{}
	go r.read(fd)
	return r, nil
}

func (r *recorder) read(fd int) {
	packet := make([]byte, 256)
	var last syn
	for {
		n, from, err := syscall.Recvfrom(fd, packet, 0)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return
		}
		if link, ok := from.(*syscall.SockaddrLinklayer); !ok || link.Pkttype != syscall.PACKET_OUTGOING {
			continue
		}
		s, ok := parseSYN(packet[:n])
		if !ok || s == last { // the same again is a retransmission
			continue
		}
		last = s
		r.mu.Lock()
		r.calls = append(r.calls, call{at: time.Now(), to: s.to})
		r.mu.Unlock()
	}
}

// since returns the calls after t to any of the addresses, in order.
func (r *recorder) since(t time.Time, addrs map[netip.Addr]string) []call {
	r.mu.Lock()
	defer r.mu.Unlock()
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

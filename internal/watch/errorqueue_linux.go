package watch

import (
	"encoding/binary"
	"net/netip"
	"syscall"
)

// errorQueue reads from a socket who sent the ICMP message that ended its
// connection: the kernel keeps that in the socket's error queue (ip(7),
// IP_RECVERR). The net package closes a socket that failed, so a second
// descriptor of it is kept. The zero value has none.
type errorQueue struct {
	fd   int
	kept bool
}

// open is a net.Dialer's Control. A socket without an error queue does as well.
func (q *errorQueue) open(network, _ string, c syscall.RawConn) error {
	return c.Control(func(fd uintptr) {
		level, option := syscall.IPPROTO_IP, syscall.IP_RECVERR
		if network == "tcp6" {
			level, option = syscall.IPPROTO_IPV6, syscall.IPV6_RECVERR
		}
		if syscall.SetsockoptInt(int(fd), level, option, 1) != nil {
			return
		}
		syscall.ForkLock.RLock()
		defer syscall.ForkLock.RUnlock()
		q.close()
		if copied, err := syscall.Dup(int(fd)); err == nil {
			syscall.CloseOnExec(copied)
			q.fd, q.kept = copied, true
		}
	})
}

func (q *errorQueue) close() {
	if q.kept {
		_ = syscall.Close(q.fd)
		q.kept = false
	}
}

// offender is the sender of the ICMP message, the zero address if there was none.
func (q *errorQueue) offender() netip.Addr {
	if !q.kept {
		return netip.Addr{}
	}
	payload, control := make([]byte, 512), make([]byte, 512)
	_, n, _, _, err := syscall.Recvmsg(q.fd, payload, control, syscall.MSG_ERRQUEUE|syscall.MSG_DONTWAIT)
	if err != nil {
		return netip.Addr{}
	}
	messages, err := syscall.ParseSocketControlMessage(control[:n])
	if err != nil {
		return netip.Addr{}
	}
	for _, m := range messages {
		if addr := offender(m.Data); addr.IsValid() {
			return addr
		}
	}
	return netip.Addr{}
}

const (
	// A struct sock_extended_err is 16 octets, with the origin at the fifth; the
	// offender's socket address follows it.
	extendedErr   = 16
	originAt      = 4
	originICMP    = 2
	originICMPv6  = 3
	inetAddrAt    = 4 // in a struct sockaddr_in
	inet6AddrAt   = 8 // in a struct sockaddr_in6
	inetAddrSize  = 4
	inet6AddrSize = 16
)

// offender reads it from the extended error of an ICMP message.
func offender(b []byte) netip.Addr {
	if len(b) < extendedErr+2 || b[originAt] != originICMP && b[originAt] != originICMPv6 {
		return netip.Addr{}
	}
	sockaddr := b[extendedErr:]
	at, size := inetAddrAt, inetAddrSize
	if binary.NativeEndian.Uint16(sockaddr) == syscall.AF_INET6 {
		at, size = inet6AddrAt, inet6AddrSize
	}
	if len(sockaddr) < at+size {
		return netip.Addr{}
	}
	addr, _ := netip.AddrFromSlice(sockaddr[at : at+size])
	return addr.Unmap()
}

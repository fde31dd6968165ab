package watch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
)

// Connect is the [Dial] of this host's own sockets.
func Connect(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	var icmp errorQueue
	defer icmp.close()
	dialer := net.Dialer{Control: icmp.open}
	conn, err := dialer.DialContext(ctx, "tcp", to.String())
	if err == nil {
		return conn, nil
	}
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, syscall.ETIMEDOUT) {
		return nil, fmt.Errorf("%w: %w", ErrSilent, err)
	}
	return nil, fmt.Errorf("%w: %w", meaning(err, icmp.offender(), to.Addr()), err)
}

// errOwn is a failure of this host.
var errOwn = errors.New("this host failed")

// meaning tells what a failed connection to addr says. The offender is who sent
// the ICMP message that ended it, if there was one. A kernel answers for itself,
// by ICMP, where a neighbour on its own link is dead or its own firewall rejects:
// that is not the sink's refusal, and the senders elsewhere don't get it.
func meaning(err error, offender, addr netip.Addr) error {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return errOwn
	}
	switch errno {
	case syscall.EADDRNOTAVAIL, syscall.EAFNOSUPPORT, syscall.EINVAL:
		return ErrNoRoute
	case syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EHOSTDOWN,
		syscall.EACCES, syscall.ENOPROTOOPT, syscall.EPROTO:
	default:
		return errOwn
	}
	switch {
	case offender.IsValid():
		if own := ownAddresses(); own[offender] && !own[addr] {
			return ErrSilent
		}
		return ErrRefused
	case errno == syscall.ECONNREFUSED, errno == syscall.ECONNRESET:
		return ErrRefused
	case !routed(addr):
		return ErrNoRoute
	case errno == syscall.EHOSTUNREACH:
		return ErrSilent // a kernel that doesn't say whose word it is
	default:
		return ErrRefused
	}
}

// routed reports whether this host has a route to addr. A UDP socket that
// connects asks the kernel for one, and sends nothing.
func routed(addr netip.Addr) bool {
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr, smtpPort)))
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}

// ownAddresses are the addresses of this host's interfaces, none if they cannot
// be read.
func ownAddresses() map[netip.Addr]bool {
	prefixes, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	own := make(map[netip.Addr]bool, len(prefixes))
	for _, p := range prefixes {
		if prefix, err := netip.ParsePrefix(p.String()); err == nil {
			own[prefix.Addr().Unmap()] = true
		}
	}
	return own
}

//go:build !linux

package watch

import (
	"net/netip"
	"syscall"
)

// errorQueue is empty where the kernel does not tell who sent an ICMP message.
type errorQueue struct{}

func (*errorQueue) open(_, _ string, _ syscall.RawConn) error { return nil }
func (*errorQueue) close()                                    {}
func (*errorQueue) offender() netip.Addr                      { return netip.Addr{} }

package main

import (
	"crypto/tls"
	"net"
	"net/netip"
	"strings"
	"sync"
)

// puttingOff is a real host that puts off every recipient until it is let in,
// unless it is open. It offers what a host of today does.
type puttingOff struct {
	name   string
	ledger *ledger
	cert   *tls.Certificate // offers STARTTLS if there is one
	open   bool             // lets everybody in

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
	return h.open || h.lifted[to]
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

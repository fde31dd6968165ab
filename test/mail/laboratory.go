package main

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"
)

// A laboratory is everything that runs: the network, the name servers, the
// receiving hosts, and one station a sender.
type laboratory struct {
	progress io.Writer
	network  *network
	mail     *node // all real hosts
	sinks    *node // all fakes
	dns      *publisher
	ledger   *ledger
	cert     *tls.Certificate // of the real hosts of signed zones
	tlsa     string           // its digest, as in a TLSA 3 1 1
	stations []*station
	bots     *resolver
	clock    chan struct{}
	versions map[string]string

	resolvers *root // of Unbound, which every host has
	receivers []*receiver
}

// assemble builds the parts that don't depend on the shapes.
func assemble(progress io.Writer) (*laboratory, error) {
	l := &laboratory{
		progress: progress,
		ledger:   newLedger(),
		clock:    make(chan struct{}, runtime.NumCPU()),
		versions: map[string]string{},
	}
	var err error
	if l.network, err = newNetwork(); err != nil {
		return nil, err
	}
	certPEM, keyPEM, err := selfSigned("mail.example.org")
	if err != nil {
		return nil, err
	}
	cert, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(cert.Certificate[0])
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256(leaf.RawSubjectPublicKeyInfo)
	l.cert, l.tlsa = &cert, hex.EncodeToString(digest[:])
	return l, nil
}

func (l *laboratory) say(format string, args ...any) {
	fmt.Fprintf(l.progress, format+"\n", args...)
}

// publish starts the name servers and the hosts of the shapes.
func (l *laboratory) publish(ctx context.Context, p *publisher, shapes []*shape, changing *shape) error {
	var err error
	if l.mail, err = l.host("mail", append(addresses(shapes, false), bounceHost, usersHost)); err != nil {
		return err
	}
	if l.sinks, err = l.host("sinks", addresses(shapes, true)); err != nil {
		return err
	}
	if p.node, err = l.host("dns", []netip.Addr{rootServer, nameServer, reloadServer, leaveServer}); err != nil {
		return err
	}
	l.dns = p
	for _, s := range shapes {
		if err := l.serve(s); err != nil {
			return err
		}
	}
	for name, addr := range map[string]netip.Addr{"bouncehost.example.net": bounceHost, "usershost.example.net": usersHost} {
		d := &smtpd{name: name, ledger: l.ledger}
		if err := d.listen(l.mail, addr); err != nil {
			return err
		}
	}
	return p.publish(ctx, shapes, changing)
}

// host makes a node and attaches it.
func (l *laboratory) host(name string, addrs []netip.Addr) (*node, error) {
	n, err := newNode(name)
	if err != nil {
		return nil, err
	}
	return n, l.network.attach(n, addrs...)
}

// addresses lists the addresses of all real hosts, or of all fakes.
func addresses(shapes []*shape, fakes bool) []netip.Addr {
	var addrs []netip.Addr
	for _, s := range shapes {
		hosts := s.hosts
		if fakes {
			hosts = s.fakes()
		}
		for _, h := range hosts {
			for _, a := range h.addrs {
				if !a.IsLoopback() && h.name != s.receiver && !slices.Contains(addrs, a) {
					addrs = append(addrs, a)
				}
			}
		}
	}
	return addrs
}

// serve opens the hosts of s that take mail. A signed shape's real hosts have
// the certificate of its TLSA record, a sink that listens has another.
func (l *laboratory) serve(s *shape) error {
	s.waiting = &greylist{until: map[string]time.Time{}, wait: s.greylist}
	for _, h := range s.hosts {
		if s.up(h.name) && h.name != s.receiver {
			if err := l.listen(l.mail, s, h, l.cert); err != nil {
				return err
			}
		}
	}
	for _, h := range s.fakes() {
		if !slices.Contains(s.listens, h.name) {
			continue
		}
		certPEM, keyPEM, err := selfSigned(h.name)
		if err != nil {
			return err
		}
		cert, err := tls.X509KeyPair(certPEM, keyPEM)
		if err != nil {
			return err
		}
		if err := l.listen(l.sinks, s, h, &cert); err != nil {
			return err
		}
	}
	return nil
}

func (l *laboratory) listen(n *node, s *shape, h host, cert *tls.Certificate) error {
	d := &smtpd{name: h.name + "." + s.zone()[:len(s.zone())-1], ledger: l.ledger, waiting: s.waiting}
	if s.signed {
		d.cert = cert
	}
	return d.listen(n, h.addrs...)
}

// raise brings up the real hosts of s that were down.
func (l *laboratory) raise(s *shape) error {
	for _, h := range s.hosts {
		if !s.up(h.name) {
			if err := l.listen(l.mail, s, h, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// workplace makes a directory for the name servers.
func workplace() (string, error) {
	dir := filepath.Join(place, "dns")
	return dir, os.MkdirAll(dir, 0o755)
}

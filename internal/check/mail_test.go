package check

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// The mail hosts of the world. Other addresses refuse, those of the void are
// silent.
var hosts = map[string]mailHost{
	"11.0.0.1":   {},
	"11.0.0.2":   {},
	"2606:11::1": {tls: true},
	"11.0.0.3":   {tls: true},
	"11.0.0.4":   {recipient: "450 4.2.0 greylisted"},
	"11.0.0.5":   {recipient: "550 5.1.1 no such user"},
	"11.0.0.6":   {recipient: "550 5.7.1 client 203.0.113.9 is listed"},
	"11.0.0.7":   {bestOnly: "11.0.0.7"},
	"11.0.0.8":   {greeting: "554 go away"},
	"11.0.0.10":  {mute: true},
	"11.0.0.9":   {tls: true},
	"13.0.0.1":   {},
	"13.0.0.2":   {recipient: "451 4.3.0 later"},
	"13.0.0.3":   {recipient: "550 5.1.1 no"},
	"13.0.0.4":   {greeting: "554 no"},
	"13.0.0.5":   {greeting: "421 later"},
}

// mailHost is what an SMTP server says where it isn't the usual.
type mailHost struct {
	greeting, recipient string
	tls                 bool
	// mute: it takes the connection and says nothing.
	mute bool
	// bestOnly: it takes mail for domains only whose best MX has this address.
	bestOnly string
}

// mailHosts are the SMTP servers, and what was done to them.
type mailHosts struct {
	certificate tls.Certificate

	mu sync.Mutex
	// sessions counts, quits those that ended with QUIT, and data those that sent
	// DATA.
	sessions, quits, data int
}

func serveMail(t *testing.T) *mailHosts {
	t.Helper()
	m := &mailHosts{certificate: certificate(t, "mail.test")}
	var group sync.WaitGroup
	t.Cleanup(group.Wait) // after the listeners are closed
	for address, h := range hosts {
		listener, err := net.Listen("tcp", net.JoinHostPort(address, "25"))
		if err != nil {
			t.Fatal(err)
		}
		group.Go(func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				group.Go(func() { m.serve(conn, h) })
			}
		})
		t.Cleanup(func() { listener.Close() })
	}
	return m
}

func (m *mailHosts) count(n *int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	*n++
}

// serve is one session.
func (m *mailHosts) serve(conn net.Conn, h mailHost) {
	defer func() { conn.Close() }()
	conn.SetDeadline(time.Now().Add(time.Minute))
	m.count(&m.sessions)
	say := func(line string) { fmt.Fprintf(conn, "%s\r\n", line) }
	if !h.mute {
		say(or(h.greeting, "220 mail.test"))
	}
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		verb, rest, _ := strings.Cut(lines.Text(), " ")
		switch strings.ToUpper(verb) {
		case "EHLO":
			if h.tls {
				say("250-mail.test")
				say("250 STARTTLS")
			} else {
				say("250 mail.test")
			}
		case "STARTTLS":
			say("220 go on")
			secured := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{m.certificate}})
			conn, h.tls = secured, false
			lines = bufio.NewScanner(conn)
		case "RCPT":
			say(or(h.recipient, h.judge(rest)))
		case "DATA":
			m.count(&m.data)
			say("354 go on")
		case "QUIT":
			m.count(&m.quits)
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

// judge takes a recipient, or not if the host isn't the best MX of its domain.
func (h mailHost) judge(rest string) string {
	if h.bestOnly == "" {
		return "250 ok"
	}
	_, domain, _ := strings.Cut(strings.TrimSuffix(rest, ">"), "@")
	m, _, err := new(dns.Client).Exchange(new(dns.Msg).SetQuestion(dns.Fqdn(domain), dns.TypeMX), resolver+":53")
	if err != nil {
		return "451 no DNS"
	}
	best := recordsOf[*dns.MX](m, dns.Fqdn(domain))[0]
	for _, mx := range recordsOf[*dns.MX](m, dns.Fqdn(domain)) {
		if mx.Preference < best.Preference {
			best = mx
		}
	}
	a, _, err := new(dns.Client).Exchange(new(dns.Msg).SetQuestion(best.Mx, dns.TypeA), resolver+":53")
	if err != nil {
		return "451 no DNS"
	}
	for _, rr := range recordsOf[*dns.A](a, best.Mx) {
		if rr.A.String() == h.bestOnly {
			return "250 ok"
		}
	}
	return "550 relay not permitted"
}

func or(text, usual string) string {
	if text != "" {
		return text
	}
	return usual
}

// certificate makes a self-signed one.
func certificate(t *testing.T, names ...string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: names[0]}, DNSNames: names,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// digest is that of a TLSA record 3 1 1.
func digest(c tls.Certificate) string {
	sum := sha256.Sum256(c.Leaf.RawSubjectPublicKeyInfo)
	return hex.EncodeToString(sum[:])
}

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

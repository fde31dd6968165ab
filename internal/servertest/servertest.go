// Package servertest runs CoreDNS servers with fakemx inside a test, on free ports of
// 127.0.0.1.
package servertest

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/fakemx/fakemx/internal/order"
	"github.com/miekg/dns"

	// Plugins for the Corefiles of tests.
	_ "github.com/coredns/coredns/plugin/acl"
	_ "github.com/coredns/coredns/plugin/any"
	_ "github.com/coredns/coredns/plugin/auto"
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/bufsize"
	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/debug"
	_ "github.com/coredns/coredns/plugin/dnssec"
	_ "github.com/coredns/coredns/plugin/erratic"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/file"
	_ "github.com/coredns/coredns/plugin/forward"
	_ "github.com/coredns/coredns/plugin/header"
	_ "github.com/coredns/coredns/plugin/hosts"
	_ "github.com/coredns/coredns/plugin/loadbalance"
	_ "github.com/coredns/coredns/plugin/log"
	_ "github.com/coredns/coredns/plugin/metadata"
	_ "github.com/coredns/coredns/plugin/metrics"
	_ "github.com/coredns/coredns/plugin/minimal"
	_ "github.com/coredns/coredns/plugin/reload"
	_ "github.com/coredns/coredns/plugin/rewrite"
	_ "github.com/coredns/coredns/plugin/root"
	_ "github.com/coredns/coredns/plugin/secondary"
	_ "github.com/coredns/coredns/plugin/sign"
	_ "github.com/coredns/coredns/plugin/template"
	_ "github.com/coredns/coredns/plugin/transfer"
	_ "github.com/coredns/coredns/plugin/tsig"
	_ "github.com/coredns/coredns/plugin/view"
	_ "github.com/coredns/coredns/plugin/whoami"
	_ "github.com/fakemx/fakemx"
)

// Prepare puts fakemx into the order of plugins, once in a process.
var Prepare = sync.OnceValue(func() error {
	dnsserver.Quiet = true
	caddy.Quiet = true
	directives, err := order.Insert(dnsserver.Directives)
	if err != nil {
		return err
	}
	return dnsserver.SetDirectives(directives)
})

// lifecycle keeps servers from starting and stopping at once: caddy and some
// plugins have state of the process that they do not guard. Serving is not
// concerned, so tests may be parallel.
var lifecycle sync.Mutex

// Server is a running CoreDNS.
type Server struct {
	t        testing.TB
	instance *caddy.Instance
	stopped  bool
	port     string
	// UDP and TCP are the addresses of the first server block.
	UDP, TCP string
}

// Start runs a Corefile until the test ends. Its server blocks have the port 0,
// which stands for a free one, and listen on 127.0.0.1 by a bind of their own or
// all on one wildcard address.
func Start(t testing.TB, corefile string) *Server {
	t.Helper()
	s, err := TryStart(t, corefile)
	if err != nil {
		t.Fatalf("starting a server: %v", err)
	}
	return s
}

// TryStart is Start for a Corefile that may be refused.
func TryStart(t testing.TB, corefile string) (*Server, error) {
	t.Helper()
	if err := Prepare(); err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t, port: FreePort(t)}
	instance, err := startInstance(Input(s.withPort(corefile)))
	if err != nil {
		return nil, err
	}
	s.use(instance)
	t.Cleanup(s.Stop)
	return s, nil
}

// startInstance waits for a port that is taken: name servers send queries of their
// own from random ports, also from those that a test has chosen, for a moment.
func startInstance(input caddy.Input) (*caddy.Instance, error) {
	for tries := 0; ; tries++ {
		lifecycle.Lock()
		instance, err := caddy.Start(input)
		lifecycle.Unlock()
		if err == nil || tries == 50 || !strings.Contains(err.Error(), syscall.EADDRINUSE.Error()) {
			return instance, err
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// portZero is the port 0 of a server block's address, at the line's end.
var portZero = regexp.MustCompile(`(?m)([^\s:]):0((?:,?[ \t]+\S+)*[ \t]*[{,])$`)

// withPort replaces the port 0. CoreDNS listens with SO_REUSEPORT, and then the
// system may choose a port for 0 that another server has, which gets a part of
// the queries.
func (s *Server) withPort(corefile string) string {
	for portZero.MatchString(corefile) {
		corefile = portZero.ReplaceAllString(corefile, "${1}:"+s.port+"${2}")
	}
	return corefile
}

// Input is a Corefile by the name of Corefile.
func Input(corefile string) caddy.Input {
	return caddy.CaddyfileInput{Contents: []byte(corefile), Filepath: "Corefile", ServerTypeName: "dns"}
}

func (s *Server) use(instance *caddy.Instance) {
	s.instance = instance
	first := instance.Servers()[0]
	s.UDP, s.TCP = first.LocalAddr().String(), first.Addr().String()
}

// Reload does what SIGUSR1 does. On an error the old Corefile is still served.
func (s *Server) Reload(corefile string) error {
	lifecycle.Lock()
	defer lifecycle.Unlock()
	done := make(chan struct{})
	defer close(done)
	go call(s.TCP, done)
	instance, err := s.instance.Restart(Input(s.withPort(corefile)))
	if err == nil {
		s.use(instance)
	}
	return err
}

// call connects to a server every now and then until done. While a listener is
// handed to the server that follows, its socket blocks for a moment
// ([net.FileListener] makes it so, and undoes it): a server that comes to wait for
// a client just then does not end before there is one.
func call(address string, done <-chan struct{}) {
	often := time.NewTicker(3 * time.Second)
	defer often.Stop()
	for {
		select {
		case <-often.C:
			if c, err := net.DialTimeout("tcp", address, time.Second); err == nil {
				_ = c.Close()
			}
		case <-done:
			return
		}
	}
}

// Stop ends the server. It may be called more than once.
func (s *Server) Stop() {
	lifecycle.Lock()
	defer lifecycle.Unlock()
	if s.stopped {
		return // the file plugin would wait for its end a second time, for ever
	}
	s.stopped = true
	s.instance.ShutdownCallbacks()
	if err := s.instance.Stop(); err != nil {
		s.t.Logf("stopping a server: %v", err)
	}
}

// Query returns a query for name and the type, without EDNS.
func Query(name string, qtype uint16) *dns.Msg {
	m := new(dns.Msg).SetQuestion(dns.Fqdn(name), qtype)
	m.RecursionDesired = false
	return m
}

// EDNS adds an OPT record to a query.
func EDNS(m *dns.Msg, size uint16, do bool) *dns.Msg {
	return m.SetEdns0(size, do)
}

// Ask sends m over UDP and returns the answer.
func (s *Server) Ask(m *dns.Msg) *dns.Msg {
	s.t.Helper()
	return s.exchange(m, "udp", s.UDP)
}

// AskTCP sends m over TCP and returns the answer.
func (s *Server) AskTCP(m *dns.Msg) *dns.Msg {
	s.t.Helper()
	return s.exchange(m, "tcp", s.TCP)
}

func (s *Server) exchange(m *dns.Msg, network, address string) *dns.Msg {
	s.t.Helper()
	client := &dns.Client{Net: network, Timeout: 10 * time.Second, UDPSize: dns.MaxMsgSize}
	answer, _, err := client.Exchange(m, loopback(address))
	if err != nil && answer == nil {
		s.t.Fatalf("asking %s for %s: %v", network, m.Question[0].String(), err)
	}
	return answer
}

// loopback replaces a wildcard address by 127.0.0.1.
func loopback(address string) string {
	host, port, _ := net.SplitHostPort(address)
	if ip := net.ParseIP(host); ip.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return address
}

// Zone writes a zone file for origin and returns its path. The text has no SOA
// and NS records: these are added, with the serial 1 and two name servers.
func Zone(t testing.TB, origin, text string) string {
	t.Helper()
	head := "$ORIGIN " + dns.Fqdn(origin) + "\n$TTL 3600\n" +
		"@ IN SOA ns1 hostmaster 1 7200 900 1209600 300\n@ IN NS ns1\n@ IN NS ns2\n" +
		"ns1 IN A 192.0.2.53\nns2 IN A 198.51.100.53\n"
	return File(t, "db."+strings.TrimSuffix(origin, "."), head+text)
}

// Flush takes the indentation from zone text that stands in the source of a
// test. So each record needs its owner written.
func Flush(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(strings.TrimLeft(line, " \t"))
	}
	return b.String() + "\n"
}

// File writes a file into a directory of the test and returns its path.
func File(t testing.TB, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

package servertest

import (
	"net"
	"os"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/miekg/dns"
)

// Serve runs a DNS server that is not CoreDNS, for *forward* to ask, over UDP
// and TCP of one port until the test ends. It returns its address.
func Serve(t testing.TB, handler dns.HandlerFunc) string {
	t.Helper()
	conn, listener := listenBoth(t)
	for _, server := range []*dns.Server{{PacketConn: conn, Handler: handler}, {Listener: listener, Handler: handler}} {
		started := make(chan struct{})
		server.NotifyStartedFunc = func() { close(started) }
		done := make(chan error, 1)
		go func() { done <- server.ActivateAndServe() }()
		select {
		case <-started:
		case err := <-done:
			t.Fatalf("starting a server: %v", err)
		}
		t.Cleanup(func() {
			if err := server.Shutdown(); err != nil {
				t.Logf("stopping a server: %v", err)
			}
			<-done
		})
	}
	return conn.LocalAddr().String()
}

// The ports lie below those that the system gives out by itself. Each test process
// begins somewhere else, and gives out none twice.
const (
	firstPort, ports = 10_000, 20_000
	// apart is how far those of two processes with successive numbers are.
	apart = 401
)

var givenPorts atomic.Int64

// FreePort returns a port of 127.0.0.1 for a server that is started later and may
// take its time: it is free for UDP and TCP, and nobody else gets it meanwhile.
func FreePort(t testing.TB) string {
	t.Helper()
	for range ports {
		port := strconv.Itoa(firstPort + (os.Getpid()*apart+int(givenPorts.Add(1)))%ports)
		conn, err := net.ListenPacket("udp", "127.0.0.1:"+port)
		if err != nil {
			continue
		}
		listener, err := net.Listen("tcp", "127.0.0.1:"+port)
		conn.Close()
		if err != nil {
			continue
		}
		listener.Close()
		return port
	}
	t.Fatalf("no port is free from %d on", firstPort)
	return ""
}

// listenBoth listens on one port, which the system chooses for UDP.
func listenBoth(t testing.TB) (net.PacketConn, net.Listener) {
	t.Helper()
	var failed error
	for range 20 {
		conn, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		listener, err := net.Listen("tcp", conn.LocalAddr().String())
		if err == nil {
			return conn, listener
		}
		failed = err
		conn.Close()
	}
	t.Fatalf("no port that is free for UDP and TCP: %v", failed)
	return nil, nil
}

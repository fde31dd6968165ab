package servertest

import (
	"net"
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

// FreePort returns a port of 127.0.0.1 that was free for UDP and TCP.
func FreePort(t testing.TB) string {
	t.Helper()
	conn, listener := listenBoth(t)
	defer conn.Close()
	defer listener.Close()
	_, port, err := net.SplitHostPort(conn.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
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

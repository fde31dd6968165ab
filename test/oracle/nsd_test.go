package oracle

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// startNSD serves zones with NSD, a second reading of the RFCs beside that of *file*.
func startNSD(t *testing.T, zones []*zone) string {
	t.Helper()
	program, err := exec.LookPath("nsd")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("nsd is missing, and CI needs it: apt-get install nsd")
		}
		t.Skip("skipped: nsd is missing (apt-get install nsd)")
	}
	dir := t.TempDir()
	address := freeAddress(t)
	host, port, _ := net.SplitHostPort(address)
	config := filepath.Join(dir, "nsd.conf")
	text := fmt.Sprintf(`server:
	ip-address: %[1]s
	port: %[2]s
	server-count: 1
	username: ""
	zonesdir: %[3]q
	database: ""
	pidfile: "%[3]s/pid"
	xfrdfile: "%[3]s/xfrd"
	zonelistfile: "%[3]s/zonelist"
	cookie-secret-file: "%[3]s/cookie"
remote-control:
	control-enable: no
`, host, port, dir)
	for _, z := range zones {
		if err := os.WriteFile(filepath.Join(dir, z.origin), []byte(z.text()), 0o600); err != nil {
			t.Fatal(err)
		}
		text += fmt.Sprintf("zone:\n\tname: %[1]q\n\tzonefile: %[1]q\n", z.origin)
	}
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	nsd := exec.Command(program, "-d", "-c", config)
	output, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	nsd.Stdout, nsd.Stderr = output, output
	if err := nsd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		nsd.Process.Signal(os.Interrupt)
		nsd.Wait()
		output.Close()
		if t.Failed() {
			log, _ := os.ReadFile(output.Name())
			t.Logf("nsd: %s", log)
		}
	})
	for _, z := range zones {
		waitFor(t, address, z.origin)
	}
	return address
}

// freeAddress returns a loopback address whose port is free on UDP and TCP.
func freeAddress(t *testing.T) string {
	t.Helper()
	for range 20 {
		tcp, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		address := tcp.Addr().String()
		udp, err := net.ListenPacket("udp", address)
		tcp.Close()
		if err == nil {
			udp.Close()
			return address
		}
	}
	t.Fatal("no port is free on both UDP and TCP")
	return ""
}

func waitFor(t *testing.T, address, zone string) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		m, err := dns.Exchange(new(dns.Msg).SetQuestion(zone, dns.TypeSOA), address)
		if err == nil && m.Rcode == dns.RcodeSuccess && len(m.Answer) == 1 {
			return
		}
	}
	t.Fatalf("no server of %s at %s within %v", zone, address, patience)
}

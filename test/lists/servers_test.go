package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/fakemx/fakemx/internal/servertest"
	"github.com/fakemx/fakemx/internal/sink/dnsl"
)

// newWriter makes a list in a directory that servers with users of their own can
// read.
func newWriter(t *testing.T) (*dnsl.Writer, string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "lists") //nolint:usetesting // its parent is closed to others
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	w, err := dnsl.New(dnsl.Config{Dir: dir, Zone: zone})
	if err != nil {
		t.Fatal(err)
	}
	return w, dir
}

func write(t *testing.T, w *dnsl.Writer, now time.Time, list []dnsl.Entry) dnsl.Written {
	t.Helper()
	done, err := w.Write(now, list)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// startFile serves the zone by the plugin file, which looks for a new one after
// each interval, and lets everybody transfer it.
func startFile(t *testing.T, w *dnsl.Writer, interval string) *servertest.Server {
	t.Helper()
	return servertest.Start(t, zone+":0 {\nbind 127.0.0.1\nfile "+w.ZonePath()+" {\nreload "+interval+"\n}\ntransfer {\nto *\n}\n}")
}

// startRbldnsd returns its address.
func startRbldnsd(t *testing.T, dir string) string {
	t.Helper()
	port := servertest.FreePort(t)
	launch(t, rbldnsd(program(t, "rbldnsd", "rbldnsd"), dir, port)...)
	return awaited(t, "127.0.0.1:"+port)
}

const nsdConf = `
server:
	ip-address: 127.0.0.1@{PORT}
	username: ""
	zonesdir: "{DIR}"
	database: ""
	pidfile: ""
	xfrdfile: "{DIR}/xfrd.state"
	zonelistfile: "{DIR}/zone.list"
	xfrdir: "{DIR}"
	server-count: 1
	rrl-ratelimit: 0
remote-control:
	control-enable: no
zone:
	name: {ZONE}
	zonefile: "{DIR}/zone"
	request-xfr: AXFR 127.0.0.1@{PRIMARY} NOKEY
`

// startNSD transfers the zone from a primary and returns its address.
func startNSD(t *testing.T, primary string) string {
	t.Helper()
	path := program(t, "nsd", "nsd")
	dir, port := t.TempDir(), servertest.FreePort(t)
	conf := filepath.Join(dir, "nsd.conf")
	_, primaryPort, _ := strings.Cut(primary, ":")
	text := strings.NewReplacer("{PORT}", port, "{DIR}", dir, "{ZONE}", zone, "{PRIMARY}", primaryPort).Replace(nsdConf)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	launch(t, path, "-d", "-c", conf)
	return awaited(t, "127.0.0.1:"+port)
}

// awaited returns the address of a server as soon as it has the zone.
func awaited(t *testing.T, server string) string {
	t.Helper()
	eventually(t, server+" has "+zone, func() bool {
		answer, _, err := new(dns.Client).Exchange(servertest.Query(zone, dns.TypeSOA), server)
		return err == nil && answer.Rcode == dns.RcodeSuccess
	})
	return server
}

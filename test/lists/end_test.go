package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/fakemx/fakemx/internal/servertest"
	"github.com/fakemx/fakemx/internal/sink/dnsl"
)

// TestListsEnd writes lists once and never again, as a sink that has died.
func TestListsEnd(t *testing.T) {
	t.Parallel()
	name := dnsl.Owner(made(0), zone)

	t.Run("rbldnsd serves no list whose life is over", func(t *testing.T) {
		w, dir := newWriter(t)
		// Long enough for a slow machine to see it alive.
		const left = 14 * time.Second
		written := time.Now().Add(left - dnsl.DefaultLife)
		write(t, w, written, entries(0, 10, time.Now().Add(24*time.Hour)))
		server := startRbldnsd(t, dir)
		if got := oneAnswer(t, server, name, dns.TypeA); !strings.HasPrefix(got, "NOERROR") {
			t.Fatalf("at first: %s", got)
		}
		eventually(t, "no service", func() bool { return strings.HasPrefix(oneAnswer(t, server, name, dns.TypeA), "SERVFAIL") })
		if early := time.Until(written.Add(dnsl.DefaultLife)); early > 0 {
			t.Errorf("ended %v early", early)
		}
		write(t, w, time.Now(), entries(0, 10, time.Now().Add(24*time.Hour)))
		eventually(t, "service again once the sink lives", func() bool { return strings.HasPrefix(oneAnswer(t, server, name, dns.TypeA), "NOERROR") })
	})

	t.Run("auto drops a zone whose file is removed for its age", func(t *testing.T) {
		w, dir := newWriter(t)
		write(t, w, time.Now(), entries(0, 10, time.Now().Add(24*time.Hour)))
		server := servertest.Start(t, zone+":0 {\nbind 127.0.0.1\nauto {\ndirectory "+dir+"\nreload 50ms\n}\n}").UDP
		eventually(t, "the zone", func() bool { return strings.HasPrefix(oneAnswer(t, server, name, dns.TypeA), "NOERROR") })
		old := time.Now().Add(-2 * dnsl.DefaultLife)
		if err := os.Chtimes(w.ZonePath(), old, old); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("find", dir, "-type", "f", "-mmin", "+60", "-delete").CombinedOutput()
		if err != nil {
			t.Fatalf("find: %v: %s", err, out)
		}
		eventually(t, "no zone", func() bool { return strings.HasPrefix(oneAnswer(t, server, name, dns.TypeA), "REFUSED") })
	})

	t.Run("elements of nftables end by themselves", func(t *testing.T) {
		w, dir := newWriter(t)
		now := time.Now()
		long, short := entries(0, 1000, now.Add(48*time.Hour)), entries(1000, 2000, now.Add(time.Second))
		write(t, w, now, append(long, short...))
		out := inNetwork(t, `
			nft -f `+filepath.Join(dir, dnsl.NFT)+`
			nft -f `+filepath.Join(dir, dnsl.NFT)+`
			sleep 3
			nft list set inet fakemx listed
			nft list set inet fakemx listed6`)
		for i := range 2000 {
			addr, held := made(i).String(), i < len(long)
			if strings.Contains(out, " "+addr+" ") != held {
				t.Fatalf("%s, number %d: expected held %v in\n%.2000s", addr, i, held, out)
			}
		}
	})

	t.Run("an address that is taken off leaves nftables with the next list", func(t *testing.T) {
		w, dir := newWriter(t)
		now := time.Now()
		write(t, w, now, entries(0, 2, now.Add(time.Hour)))
		before, err := os.ReadFile(filepath.Join(dir, dnsl.NFT))
		if err != nil {
			t.Fatal(err)
		}
		write(t, w, now, entries(1, 2, now.Add(time.Hour)))
		first := filepath.Join(dir, "before")
		if err := os.WriteFile(first, before, 0o600); err != nil {
			t.Fatal(err)
		}
		out := inNetwork(t, "nft -f "+first+"\nnft -f "+filepath.Join(dir, dnsl.NFT)+"\nnft list ruleset")
		if strings.Contains(out, made(0).String()) || !strings.Contains(out, made(1).String()) {
			t.Errorf("%s was taken off, %s was not:\n%s", made(0), made(1), out)
		}
	})
}

// inNetwork runs commands of the shell in a network namespace of their own, which
// ends with them, and returns what they print.
func inNetwork(t *testing.T, commands string) string {
	t.Helper()
	program(t, "nft", "nftables")
	cmd := exec.Command("sh", "-ec", commands)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	if err == nil {
		return string(out)
	}
	if cmd.ProcessState == nil && os.Getenv("CI") != "true" {
		t.Skipf("no network namespaces here: %v", err)
	}
	t.Fatalf("%v: %s", err, out)
	return ""
}

package main

import (
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/fakemx/fakemx/test/bench/load"
)

// profile shows what a server's time and memory go to under full load.
func profile(args []string) error {
	flags := flag.NewFlagSet("profile", flag.ExitOnError)
	binary := flags.String("coredns", "", "CoreDNS with fakemx; built if empty")
	out := flags.String("o", ".", "directory for the profiles, for go tool pprof")
	subject := flags.String("subject", "fakemx", "fakemx over the plain zone, edited or plain (each without fakemx)")
	ask := flags.String("ask", "mx", "mx, other or sink")
	network := flags.String("net", "udp", "udp or tcp")
	duration := flags.Duration("for", 10*time.Second, "length of the CPU profile")
	lines := flags.Int("lines", 40, "functions to print")
	flags.Parse(args)

	stack, ok := map[string][]string{
		"fakemx": {stanza, "file " + plainFile},
		"edited": {"file " + editFile},
		"plain":  {"file " + plainFile},
	}[*subject]
	if !ok {
		return fmt.Errorf("subject %q: expected fakemx, edited or plain", *subject)
	}
	queries, ok := map[string][]load.Query{"mx": askMX, "other": askOther, "sink": askSink}[*ask]
	if !ok {
		return fmt.Errorf("ask %q: expected mx, other or sink", *ask)
	}
	env, err := newEnvironment(*binary)
	if err != nil {
		return err
	}
	defer env.remove()
	if err := env.describe(os.Stdout); err != nil {
		return err
	}
	if err := os.MkdirAll(*out, 0o755); err != nil {
		return err
	}
	files, err := takeProfiles(env, filepath.Join(*out, *subject+"-"+*ask+"-"+*network), stack, *network, queries, *duration)
	if err != nil {
		return err
	}
	if err := printShares(env.binary, files[0]); err != nil {
		return err
	}
	for _, file := range files {
		index := "cpu"
		if strings.HasSuffix(file, ".allocs") {
			index = "alloc_objects"
		}
		show := exec.Command("go", "tool", "pprof", "-top", "-cum", "-sample_index="+index, fmt.Sprintf("-nodecount=%d", *lines), env.binary, file)
		show.Stdout, show.Stderr = os.Stdout, os.Stderr
		fmt.Printf("### %s\n\n", file)
		if err := show.Run(); err != nil {
			return fmt.Errorf("go tool pprof: %w", err)
		}
		fmt.Println()
	}
	return nil
}

// takeProfiles runs the server under load and stores its CPU and allocation
// profiles. The names of the files begin with base.
func takeProfiles(env *environment, base string, stack []string, network string, queries []load.Query, duration time.Duration) (files []string, err error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	serverPlace, generatorPlace := places(1)
	lines := append([]string{fmt.Sprintf("pprof 127.0.0.1:%d", port)}, stack...)
	p, err := env.coredns("profile", serverPlace, dns.Question{Name: zoneName, Qtype: dns.TypeMX}, lines...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()

	loaded := make(chan error, 1)
	go func() {
		report, err := generate(generatorPlace, load.Config{
			Server: p.addr(), Network: network, Conns: sockets, Window: window,
			Duration: duration + 2*time.Second, Timeout: 5 * time.Second,
		}, &load.Plan{Queries: queries})
		if err == nil {
			err = report.Failed()
		}
		loaded <- err
	}()
	time.Sleep(time.Second)
	client := http.Client{Timeout: duration + time.Minute}
	for _, kind := range []struct{ suffix, path string }{
		{".cpu", fmt.Sprintf("profile?seconds=%d", int(duration.Seconds()))},
		{".allocs", "allocs"},
	} {
		text, err := scrape(client, fmt.Sprintf("http://127.0.0.1:%d/debug/pprof/%s", port, kind.path))
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(base+kind.suffix, text, 0o600); err != nil {
			return nil, err
		}
		files = append(files, base+kind.suffix)
	}
	return files, <-loaded
}

package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/fakemx/fakemx/internal/servertest"
	"github.com/fakemx/fakemx/internal/sink/dnsl"
)

// rewrites is how often the lists are replaced while they are read.
const rewrites = 30

// rewriting replaces the lists again and again by the one and the other in turn,
// while all readers read, each as often as it can and at least once between any
// two rewrites.
func rewriting(t *testing.T, w *dnsl.Writer, one, other []dnsl.Entry, readers ...func()) {
	t.Helper()
	now := time.Now()
	stop := make(chan struct{})
	var reading sync.WaitGroup
	read := make(chan struct{}, len(readers))
	for _, reader := range readers {
		reading.Go(func() {
			for {
				reader()
				select {
				case <-stop:
					return
				case read <- struct{}{}:
				default:
				}
			}
		})
	}
	for i := range rewrites {
		list := one
		if i%2 == 0 {
			list = other
		}
		if _, err := w.Write(now.Add(time.Duration(i)*time.Second), list); err != nil {
			t.Error(err)
			break
		}
		for range readers {
			<-read
		}
	}
	close(stop)
	reading.Wait()
}

// lists are two that have some addresses in common.
func lists() (one, other []dnsl.Entry) {
	const size = 1000
	until := time.Now().Add(24 * time.Hour)
	return entries(0, size, until), entries(size/2, 2*size, until)
}

func TestFilesAreWhole(t *testing.T) {
	w, dir := newWriter(t)
	one, other := lists()
	// A file is known by its addresses: the lines after those that tell of its time.
	names := []string{filepath.Base(w.ZonePath()), dnsl.IP4Set, dnsl.IP6Trie, dnsl.NFT, dnsl.Rspamd}
	whole := map[string][]string{}
	for _, list := range [][]dnsl.Entry{other, one} {
		write(t, w, time.Now(), list)
		for _, name := range names {
			whole[name] = append(whole[name], addresses(t, filepath.Join(dir, name)))
		}
	}
	readers := make([]func(), 0, len(names))
	for _, name := range names {
		if slices.Contains(whole[name], "") || whole[name][0] == whole[name][1] {
			t.Fatalf("%s: the two lists can't be told apart", name)
		}
		readers = append(readers, func() {
			if got := addresses(t, filepath.Join(dir, name)); !slices.Contains(whole[name], got) {
				t.Errorf("%s: %d octets that are neither list", name, len(got))
			}
		})
	}
	rewriting(t, w, one, other, readers...)
	found, err := os.ReadDir(dir)
	if err != nil || len(found) != len(names) {
		t.Errorf("in the directory: %v, %v", found, err)
	}
}

// addresses is what a file says of addresses.
func addresses(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
		return ""
	}
	var b strings.Builder
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, "timeout ") {
			for field := range strings.FieldsSeq(line) {
				if strings.ContainsAny(field, ".:") {
					b.WriteString(field + "\n")
				}
			}
			continue
		}
		if !strings.ContainsAny(line[:1], "#;$@") {
			b.WriteString(line)
		}
	}
	return b.String()
}

func TestZonesAreWhole(t *testing.T) {
	w, dir := newWriter(t)
	one, other := lists()
	write(t, w, time.Now(), one)
	log := servertest.CaptureLog(t)
	file := startFile(t, w, "10ms")

	// Transfers, by the names that they hold.
	whole := []map[string]bool{owners(one), owners(other)}
	transfer := func() {
		if got := transferred(t, file.TCP); !slices.ContainsFunc(whole, func(w map[string]bool) bool { return maps.Equal(w, got) }) {
			t.Errorf("a transfer of %d names that is neither list", len(got))
		}
	}
	listed := func(server string) func() {
		name := dnsl.Owner(made(750), zone) // in both
		return func() {
			answer, _, err := new(dns.Client).Exchange(servertest.Query(name, dns.TypeA), server)
			if err == nil && len(answer.Answer) != 1 {
				t.Errorf("%s: an address that is in both lists is not found: %v", server, answer)
			}
		}
	}
	readers := []func(){transfer, listed(file.UDP)}
	t.Run("of file", func(t *testing.T) { rewriting(t, w, one, other, readers...) })
	if lines := log.Lines("Parsing zone"); len(lines) > 0 {
		t.Errorf("file complains: %s", lines[0])
	}
	if len(log.Lines("Successfully reloaded zone")) == 0 {
		t.Error("file has not read the zone again")
	}
	t.Run("of rbldnsd", func(t *testing.T) {
		rewriting(t, w, one, other, listed(startRbldnsd(t, dir)))
	})
}

// owners are the names that a list stands for.
func owners(list []dnsl.Entry) map[string]bool {
	found := map[string]bool{}
	for _, e := range list {
		found[dnsl.Owner(e.Addr, zone)] = true
	}
	return found
}

// transferred are the names in a transfer that stand for addresses, without the
// test entries.
func transferred(t *testing.T, server string) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	envelopes, err := new(dns.Transfer).In(new(dns.Msg).SetAxfr(zone), server)
	if err != nil {
		t.Error(err)
		return found
	}
	for e := range envelopes {
		if e.Error != nil {
			t.Error(e.Error)
		}
		for _, rr := range e.RR {
			if name := rr.Header().Name; rr.Header().Rrtype == dns.TypeA &&
				!strings.HasPrefix(name, "2.0.0.127.") && !strings.HasPrefix(name, "2.0.0.0.0.0.f.7.") {
				found[name] = true
			}
		}
	}
	return found
}

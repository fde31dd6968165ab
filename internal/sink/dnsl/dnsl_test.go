package dnsl

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func entry(addr string, until time.Duration) Entry {
	return Entry{Addr: netip.MustParseAddr(addr), Listed: noon, Until: noon.Add(until)}
}

func newWriter(t *testing.T, c Config) *Writer {
	t.Helper()
	if c.Dir == "" {
		c.Dir = t.TempDir()
	}
	if c.Zone == "" {
		c.Zone = "bl.example.org"
	}
	w, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func write(t *testing.T, w *Writer, now time.Time, entries ...Entry) Written {
	t.Helper()
	done, err := w.Write(now, entries)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func read(t *testing.T, w *Writer, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(w.config.Dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestFiles(t *testing.T) {
	w := newWriter(t, Config{Text: `costs $5`, Life: 2 * time.Hour, NameServer: "ns.example.org"})
	write(t, w, noon, entry("192.0.2.10", 48*time.Hour), entry("2001:db8::1", time.Hour), entry("192.0.2.9", 1500*time.Millisecond))
	for name, want := range map[string]string{
		"db.bl.example.org": `$ORIGIN bl.example.org.
$TTL 300
@ SOA ns.example.org. hostmaster.bl.example.org. 1795608000 300 60 7200 300
@ NS ns.example.org.
2.0.0.127 A 127.0.0.2
2.0.0.127 TXT "costs $5"
2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 A 127.0.0.2
2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 TXT "costs $5"
9.2.0.192 A 127.0.0.2
9.2.0.192 TXT "costs $5"
10.2.0.192 A 127.0.0.2
10.2.0.192 TXT "costs $5"
1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2 A 127.0.0.2
1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2 TXT "costs $5"
`,
		"ip4set": `# fakemx list
$TIMESTAMP - 2026-11-25-14:00:00
$SOA 300 ns.example.org. hostmaster.bl.example.org. 1795608000 300 60 7200 300
$NS 300 ns.example.org.
$TTL 300
:127.0.0.2:costs $$5
127.0.0.2
192.0.2.9
192.0.2.10
`,
		"ip6trie": `# fakemx list
$TIMESTAMP - 2026-11-25-14:00:00
$SOA 300 ns.example.org. hostmaster.bl.example.org. 1795608000 300 60 7200 300
$NS 300 ns.example.org.
$TTL 300
:127.0.0.2:costs $$5
0:0:0:0:0:ffff:7f00:2
2001:db8:0:0:0:0:0:1
`,
		"list.nft": `# fakemx list
add table inet fakemx
add set inet fakemx listed { type ipv4_addr; flags timeout; }
flush set inet fakemx listed
add element inet fakemx listed { 192.0.2.9 timeout 2s, 192.0.2.10 timeout 172800s }
add set inet fakemx listed6 { type ipv6_addr; flags timeout; }
flush set inet fakemx listed6
add element inet fakemx listed6 { 2001:db8::1 timeout 3600s }
`,
		"rspamd.map": `# fakemx list of 2026-11-25T12:00:00Z
192.0.2.9
192.0.2.10
2001:db8::1
`,
	} {
		t.Run(name, func(t *testing.T) {
			got := read(t, w, name)
			if name == "db.bl.example.org" {
				_, got, _ = strings.Cut(got, "\n") // what begins it is tested with the serial
			}
			if got != want {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
			info, err := os.Stat(filepath.Join(w.config.Dir, name))
			if err != nil || info.Mode() != mode {
				t.Errorf("mode %v, want %v (%v)", info.Mode(), os.FileMode(mode), err)
			}
		})
	}
	t.Run("and no other", func(t *testing.T) {
		const files = 5
		if found, err := os.ReadDir(w.config.Dir); err != nil || len(found) != files {
			t.Errorf("found %v, %v", found, err)
		}
	})
}

func TestWhatIsListed(t *testing.T) {
	for _, c := range []struct {
		what    string
		entries []Entry
		want    string
	}{
		{"nothing", nil, ""},
		{"what has ended isn't", []Entry{entry("192.0.2.1", 0), entry("192.0.2.2", -time.Hour), entry("192.0.2.3", time.Nanosecond)}, "192.0.2.3"},
		{"an address once, until the later end", []Entry{entry("192.0.2.1", time.Hour), entry("192.0.2.1", -time.Hour), entry("192.0.2.1", 2*time.Hour)}, "192.0.2.1"},
		{"IPv4 in IPv6 is IPv4", []Entry{entry("::ffff:192.0.2.1", time.Hour)}, "192.0.2.1"},
		{"the entry that must not be listed isn't", []Entry{entry("127.0.0.1", time.Hour), entry("::ffff:127.0.0.1", time.Hour), entry("::1", time.Hour)}, ""},
		{"what is no client's isn't", []Entry{entry("0.0.0.0", time.Hour), entry("224.0.0.1", time.Hour), entry("fe80::1%eth0", time.Hour), {Until: noon.Add(1)}}, ""},
	} {
		t.Run(c.what, func(t *testing.T) {
			w := newWriter(t, Config{})
			write(t, w, noon, c.entries...)
			_, listed, _ := strings.Cut(read(t, w, Rspamd), "\n")
			if got := strings.TrimSpace(listed); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if strings.Contains(read(t, w, "db.bl.example.org"), "1.0.0.127") {
				t.Error("127.0.0.1 is listed")
			}
		})
	}
}

func TestWarnings(t *testing.T) {
	many := make([]Entry, Most+1)
	for i := range many {
		many[i] = Entry{
			Addr:   netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}),
			Listed: noon.Add(time.Duration(i)), Until: noon.Add(time.Hour),
		}
	}
	for _, c := range []struct {
		what    string
		entries []Entry
		want    []string
	}{
		{"none for a small list", many[:FileLimit], nil},
		{"one for a list that outgrows file", many[:FileLimit+1], []string{"by rbldnsd"}},
		{"one more for a list that outgrows everything", many, []string{"1 addresses that were listed first are left out", "by rbldnsd"}},
		{"one for odd addresses", []Entry{entry("127.0.0.1", time.Hour), entry("127.0.0.2", time.Hour)}, []string{"127.0.0.1 is no address of a client and is not listed; so it is with 2 in all"}},
	} {
		t.Run(c.what, func(t *testing.T) {
			list, warnings := choose(noon, c.entries)
			if len(list) > FileLimit {
				warnings = append(warnings, tooMany(&Config{Dir: "/lists"}, len(list)))
			}
			if len(warnings) != len(c.want) {
				t.Fatalf("got %q, want %q", warnings, c.want)
			}
			for i, want := range c.want {
				if !strings.Contains(warnings[i], want) {
					t.Errorf("got %q, want %q", warnings[i], want)
				}
			}
		})
	}
	t.Run("those listed first are left out", func(t *testing.T) {
		list, _ := choose(noon, many)
		if len(list) != Most || list[0].Addr != many[1].Addr {
			t.Errorf("%d entries from %v on", len(list), list[0].Addr)
		}
	})
}

func TestSerial(t *testing.T) {
	dir := t.TempDir()
	clock := noon
	var last uint32
	step := func(what string, d time.Duration, moves bool, entries ...Entry) {
		t.Helper()
		clock = clock.Add(d)
		w := newWriter(t, Config{Dir: dir}) // as after a restart
		got := write(t, w, clock, entries...).Serial
		if soa := zoneSOA(t, w); soa.Serial != got {
			t.Errorf("%s: the SOA has %d, told was %d", what, soa.Serial, got)
		}
		if moved := int32(got-last) > 0; moved != moves || (!moved && got != last) {
			t.Errorf("%s: from %d to %d", what, last, got)
		}
		last = got
	}
	a, b := entry("192.0.2.1", 90*24*time.Hour), entry("192.0.2.2", 90*24*time.Hour)
	last = uint32(noon.Unix()) - 1
	step("the first list", 0, true, a)
	step("the same list later", time.Hour, false, a)
	step("an address more", 0, true, a, b)
	step("another list within the second", 0, true, b)
	step("a clock that went back", -24*time.Hour, true, a)
	step("a clock that went back, the same list", -time.Hour, false, a)
	step("a clock that is right again", 25*time.Hour, true, a, b)

	t.Run("after the end of the numbers", func(t *testing.T) {
		for _, c := range []struct {
			last uint32
			now  int64
			want uint32
		}{
			{0xffffffff, 1<<32 - 1, 0},
			{0xffffffff, 1<<32 + 5, 5},
			{10, 1<<32 - 1, 11},
		} {
			s := state{serial: c.last, known: true}
			if got := s.next(time.Unix(c.now, 0), [32]byte{1}).serial; got != c.want {
				t.Errorf("from %d at %d to %d, want %d", c.last, c.now, got, c.want)
			}
		}
	})
}

// zoneSOA parses the zone file to its end.
func zoneSOA(t *testing.T, w *Writer) *dns.SOA {
	t.Helper()
	f, err := os.Open(w.ZonePath())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	parser := dns.NewZoneParser(f, ".", w.ZonePath())
	var soa *dns.SOA
	for rr, ok := parser.Next(); ok; rr, ok = parser.Next() {
		if s, is := rr.(*dns.SOA); is {
			soa = s
		}
	}
	if parser.Err() != nil || soa == nil {
		t.Fatalf("SOA %v, error %v", soa, parser.Err())
	}
	return soa
}

func TestFailures(t *testing.T) {
	t.Run("a file that can't be replaced is named, and the others are written", func(t *testing.T) {
		w := newWriter(t, Config{})
		if err := os.MkdirAll(filepath.Join(w.config.Dir, IP4Set, "in-the-way"), 0o755); err != nil {
			t.Fatal(err)
		}
		_, err := w.Write(noon, []Entry{entry("192.0.2.1", time.Hour)})
		if err == nil || !strings.Contains(err.Error(), IP4Set) {
			t.Errorf("error %v", err)
		}
		if text := read(t, w, Rspamd); !strings.Contains(text, "192.0.2.1") {
			t.Errorf("the map has %q", text)
		}
		if left, _ := filepath.Glob(filepath.Join(w.config.Dir, temporary)); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	})
	t.Run("what a killed process left is removed", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, ".new-123"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		newWriter(t, Config{Dir: dir})
		if found, _ := os.ReadDir(dir); len(found) > 0 {
			t.Errorf("still there: %v", found)
		}
	})
	for _, c := range []struct {
		what  string
		file  string // the zone's
		c     Config
		words string
	}{
		{"no directory", "", Config{Dir: "/nonexistent"}, "/nonexistent"},
		{"no zone", "", Config{Zone: "."}, `zone "."`},
		{"a zone with an odd octet", "", Config{Zone: "bl$.example.org"}, "letters"},
		{"a zone too long for nibbles", "", Config{Zone: strings.Repeat("x.", 95) + "example.org"}, "at most 190"},
		{"a name server in the zone", "", Config{NameServer: "ns.bl.example.org"}, "outside bl.example.org."},
		{"a text that ends the string", "", Config{Text: `a" b`}, "without quotes"},
		{"a text too long", "", Config{Text: strings.Repeat("x", 256)}, "1 to 255"},
		{"a life too short", "", Config{Life: time.Second}, "10m0s to 168h0m0s"},
		{"another's zone file", "$ORIGIN bl.example.org.\n", Config{}, "move it away"},
		{"an empty zone file", "-", Config{}, "move it away"},
		{"a digest cut short", fmt.Sprintf(stamp, 1, []byte{1, 2}), Config{}, "move it away"},
	} {
		t.Run(c.what, func(t *testing.T) {
			if c.c.Dir == "" {
				c.c.Dir = t.TempDir()
			}
			if c.c.Zone == "" {
				c.c.Zone = "bl.example.org"
			}
			if c.file != "" {
				if err := os.WriteFile(filepath.Join(c.c.Dir, "db.bl.example.org"), []byte(strings.Trim(c.file, "-")), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := New(c.c); err == nil || !strings.Contains(err.Error(), c.words) {
				t.Errorf("error %v, want %q", err, c.words)
			}
		})
	}
}

package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/coredns/caddy"
	"github.com/fakemx/fakemx/internal/dnsname"
)

func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// withList returns the stanzas of a block for base.test whose line 3 is a
// zones_from with the path.
func withList(t testing.TB, path string, properties ...string) []*Stanza {
	t.Helper()
	return stanzas(t, "base.test org:0 {\nfakemx base.test {\nzones_from "+path+"\n"+strings.Join(properties, "\n")+"\n}\n}")
}

// loadLists reads the lists of the stanzas as at start.
func loadLists(stanzas []*Stanza) ([]*List, error) {
	var all []*List
	err := Lists(caddy.NewTestController("dns", ""), stanzas, func(lists []*List) { all = lists })
	return all, err
}

func TestWhatAListMayHold(t *testing.T) {
	for _, tc := range []struct{ about, content, want string }{
		{"names, comments, space and capital letters", "\n# zones\nexample.org\n\tExample.NET. # another\r\n", "example.org. example.net."},
		{"a last line without an end", "example.org\nexample.net", "example.org. example.net."},
		{"a byte order mark before the first name", "\ufeffexample.org\n", "example.org."},
		{"a byte order mark before a comment", "\ufeff# zones\nexample.org\n", "example.org."},
		{"files that were put together, each with its mark", "\ufeffexample.org\n\ufeffexample.net\n", "example.org. example.net."},
		{"a name twice, which is taken once", "example.org\nexample.net\nEXAMPLE.org.\nexample.com\nexample.net\n", "example.org. example.net. example.com."},
		{"the root", ".\n", "."},
		{"a line of 1,024 octets", "example.org #" + strings.Repeat("x", 1011) + "\nexample.net\n", "example.org. example.net."},
		{"nothing", "", ""},
		{"comments only", "# none\n", ""},
	} {
		t.Run(tc.about, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "zones")
			write(t, path, tc.content)
			lists, err := loadLists(withList(t, path, "highest fake.base.test. 9.9.9.9"))
			if err != nil {
				t.Fatal(err)
			}
			names := slices.Collect(lists[0].All())
			if got := strings.Join(names, " "); got != tc.want || lists[0].Len() != len(names) {
				t.Errorf("got %d names, %s, want %s", lists[0].Len(), got, tc.want)
			}
		})
	}
}

func TestMistakesInAListAtStart(t *testing.T) {
	for _, tc := range []struct{ mistake, list, properties, want string }{
		{
			"two names on a line", "example.org\nexample.net example.com\n", "highest a 198.51.100.1",
			`FILE:2 - bad zone "example.net example.com": expected one name, not several words`,
		},
		{
			"an empty label", "# zones\n\nexample..org\n", "highest a 198.51.100.1",
			`FILE:3 - bad zone "example..org": expected labels of up to 63 letters, digits, hyphens or underscores`,
		},
		{
			"a line of 1,025 octets", "example.org\n#" + strings.Repeat("x", 1024) + "\n", "highest a 198.51.100.1",
			`FILE:2 - line of more than 1024 octets "#` + strings.Repeat("x", 59) + `"...: expected one domain name`,
		},
		{
			"a bad name of 1,000 octets", strings.Repeat("x", 1000) + "\n", "highest a 198.51.100.1",
			`FILE:1 - bad zone "` + strings.Repeat("x", 60) + `"...: expected a name of at most 255 octets`,
		},
		{
			"UTF-16", "\xff\xfee\x00x\x00.\x00o\x00r\x00g\x00\n\x00", "highest a 198.51.100.1",
			`FILE:1 - bad zone "\xff\xfee\x00x\x00.\x00o\x00r\x00g\x00": expected a domain name in ASCII, this looks like UTF-16`,
		},
		{
			"UTF-16 with a comment first", "\xff\xfe#\x00x\x00\n\x00", "highest a 198.51.100.1",
			`FILE:1 - bad zone "\xff\xfe": expected a domain name in ASCII, this looks like UTF-16`,
		},
		{
			"a zone with which a sink is too long", "org\n" + longName + ".org\n", "highest " + label63 + " 198.51.100.1",
			`FILE:2 - Corefile:4 - Error during parsing: sink "` + label63 + `" is longer than 255 octets in zone "` + longName + `.org.": expected a shorter name`,
		},
		{
			"a zone with which the longest of the sinks is too long", "org\n" + longName + ".org\n", "highest a " + " 198.51.100.1\nhighest " + label63 + " 198.51.100.1",
			`FILE:2 - Corefile:5 - Error during parsing: sink "` + label63 + `" is longer than 255 octets in zone "` + longName + `.org.": expected a shorter name`,
		},
		{
			"a sink that is a listed zone", "example.org\na.example.org\n", "highest a 198.51.100.1",
			`FILE:2 - Corefile:4 - Error during parsing: sink "a" is the listed zone "a.example.org.": expected a host below a zone`,
		},
		{
			"a sink of two labels that is a listed zone", "example.org\na.mx.example.org\n", "highest a.mx 198.51.100.1",
			`FILE:2 - Corefile:4 - Error during parsing: sink "a.mx" is the listed zone "a.mx.example.org.": expected a host below a zone`,
		},
		{
			"an absolute sink that is a listed zone", "example.org\na.example.org\n", "highest a.example.org. 198.51.100.1",
			`FILE:2 - Corefile:4 - Error during parsing: sink "a.example.org." is the zone itself: expected a host below it`,
		},
		{
			"a sink of a zone of the Corefile that is a listed zone", "example.org\na.base.test\n", "highest a 198.51.100.1",
			`FILE:2 - Corefile:4 - Error during parsing: sink "a" is the listed zone "a.base.test.": expected a host below a zone`,
		},
		{
			"a sink twice in a listed zone, relative and absolute", "example.org\n", "highest a 198.51.100.1\nhighest a.example.org. 198.51.100.1",
			`FILE:1 - Corefile:5 - Error during parsing: sink "a.example.org." is given twice in zone "example.org.": expected once`,
		},
		{
			"a sink in a subtree of except in a listed zone", "example.net\nexample.org\n", "highest a.sub 198.51.100.1\nexcept sub.example.org.",
			`FILE:2 - Corefile:4 - Error during parsing: sink "a.sub.example.org." is in a subtree of except: expected a name outside`,
		},
		{
			"the root zone with a relative sink", ".\n", "highest a 198.51.100.1",
			`FILE:1 - Corefile:4 - Error during parsing: sink "a" is relative to the root zone: expected a name with a final dot`,
		},
		{
			"an absolute sink in a listed zone, without an address", "example.org\n", "highest a.example.org.",
			`Corefile:4 - Error during parsing: sink "a.example.org." has no address: expected at least one, some senders bounce mail without`,
		},
		{
			"an absolute sink outside all zones, with an address", "example.org\n", "highest a.example.net. 198.51.100.1",
			`Corefile:4 - Error during parsing: sink "a.example.net." is outside the zones and has addresses: expected none, somebody else serves it`,
		},
	} {
		t.Run(tc.mistake, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "zones")
			write(t, path, tc.list)
			_, err := loadLists(withList(t, path, tc.properties))
			if err == nil {
				t.Fatal("it is taken")
			}
			if want := strings.Replace(tc.want, "FILE", path, 1); err.Error() != want {
				t.Errorf("got\n%s\nwant\n%s", err, want)
			}
		})
	}
}

// A sink of one stanza may be a zone in the list of another.
func TestASinkOfAnotherStanzaThatIsAListedZone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "zones")
	write(t, path, "a.example.org\n")
	_, err := loadLists(stanzas(t, "org {\nfakemx example.org {\nhighest a 9.9.9.9\n}\nfakemx base.org {\nzones_from "+path+"\nhighest b 9.9.9.9\n}\n}"))
	want := path + `:1 - Corefile:3 - Error during parsing: sink "a" is the listed zone "a.example.org.": expected a host below a zone`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

func TestTheRootInAListOfAStanzaThatNamesNoZones(t *testing.T) {
	path := filepath.Join(t.TempDir(), "zones")
	write(t, path, ".\n")
	_, err := loadLists(stanzas(t, stanzaWith("zones_from "+path, "highest a 9.9.9.9")))
	want := path + `:1 - Corefile:4 - Error during parsing: sink "a" is relative to the root zone: expected a name with a final dot`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

// An except that leaves a whole zone alone leaves the sink in it alone too.
func TestAListedZoneThatIsExceptedWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "zones")
	write(t, path, "sub.example.org\nexample.net\n")
	if _, err := loadLists(withList(t, path, "highest a 9.9.9.9", "except example.org.")); err != nil {
		t.Error(err)
	}
}

// What is no regular file is refused at once. Opening it may take for ever.
func TestOnlyRegularFilesAreRead(t *testing.T) {
	dir := t.TempDir()
	fifo, socket, sparse, locked := filepath.Join(dir, "fifo"), filepath.Join(dir, "socket"), filepath.Join(dir, "sparse"), filepath.Join(dir, "loop")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	write(t, sparse, "")
	if err := os.Truncate(sparse, maxList+1); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(locked, locked); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(fifo, link); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ about, path, want string }{
		{"a FIFO", fifo, "a FIFO: expected a regular file"},
		{"a link to a FIFO", link, "a FIFO: expected a regular file"},
		{"a directory", dir, "a directory: expected a regular file"},
		{"a socket", socket, "a socket: expected a regular file"},
		{"a device", "/dev/zero", "a device: expected a regular file"},
		{"a file of more than 1 GiB", sparse, "1073741825 octets: expected at most 1 GiB"},
		{"a file that is not there", filepath.Join(dir, "none"), "no such file or directory: expected a file that can be read"},
		{"links in a circle", locked, "too many levels of symbolic links: expected a file that can be read"},
	} {
		t.Run(tc.about, func(t *testing.T) {
			_, err := loadLists(withList(t, tc.path, "highest fake.invalid."))
			want := "Corefile:3 - Error during parsing: zones_from: " + tc.path + ": " + tc.want
			if err == nil || err.Error() != want {
				t.Errorf("got\n%v\nwant\n%s", err, want)
			}
		})
	}
	t.Run("a FIFO that takes the place of the file before it is opened", func(t *testing.T) {
		file, _, err := openFound(fifo)
		if err == nil {
			file.Close()
			t.Fatal("it is taken")
		}
		if err.Error() != "a FIFO: expected a regular file" {
			t.Errorf("got %v", err)
		}
	})
}

// endless gives the same octet for ever, and counts what was taken.
type endless struct {
	octet byte
	taken int
}

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = e.octet
	}
	e.taken += len(p)
	return len(p), nil
}

func TestReadingIsBounded(t *testing.T) {
	t.Run("a line without end is not read to its end", func(t *testing.T) {
		from := &endless{octet: 'x'}
		_, err := readZones(from, maxList)
		want := `1 - line of more than 1024 octets "` + strings.Repeat("x", 60) + `"...: expected one domain name`
		if err == nil || err.Error() != want {
			t.Errorf("got\n%v\nwant\n%s", err, want)
		}
		if from.taken > 1<<17 {
			t.Errorf("read %d octets", from.taken)
		}
	})
	t.Run("nor is a list that grows while it is read", func(t *testing.T) {
		lines := io.MultiReader(strings.NewReader(strings.Repeat("#\n", 1000)), strings.NewReader("example.org\n"))
		limited := &io.LimitedReader{R: lines, N: 2000}
		if err := new(reading).readLines(limited, new(strings.Builder)); err == nil || err.Error() != "more than 1 GiB: expected less" {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a reader that fails is named", func(t *testing.T) {
		failed := errors.New("input/output error")
		_, err := readZones(io.MultiReader(strings.NewReader("example.org\n"), failing{failed}), 10)
		if !errors.Is(err, failed) || !errors.Is(err, errUnreadable) {
			t.Errorf("got %v, want what the reader says, as unreadable", err)
		}
	})
	t.Run("it ends when nobody waits any more", func(t *testing.T) {
		quit := make(chan struct{})
		close(quit)
		if _, err := readZones(stoppable{&endless{octet: '\n'}, quit}, 10); !errors.Is(err, errStopped) {
			t.Errorf("got %v, want that it was stopped", err)
		}
	})
	t.Run("also when it is being checked", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "zones")
		var content bytes.Buffer
		for i := range 5000 {
			fmt.Fprintf(&content, "zone%d.org\n", i)
		}
		write(t, path, content.String())
		lists, err := loadLists(withList(t, path, "highest fake.invalid."))
		if err != nil {
			t.Fatal(err)
		}
		r, err := readZones(&content, 0)
		if err != nil {
			t.Fatal(err)
		}
		quit := make(chan struct{})
		close(quit)
		if err := lists[0].checkZones(r, quit); !errors.Is(err, errStopped) {
			t.Errorf("got %v, want that it was stopped", err)
		}
	})
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestZonesInSeveralListsAreCountedOnce(t *testing.T) {
	s := new(Stanza)
	a, b := NewList(s, []string{"a.", "b.", "c."}), NewList(s, []string{"b.", "d."})
	for _, tc := range []struct {
		about string
		lists []*List
		want  int
	}{
		{"no list", nil, 0},
		{"one list", []*List{a}, 3},
		{"one that is empty", []*List{a, NewList(s, nil)}, 3},
		{"two lists", []*List{a, b}, 4},
		{"the same list twice", []*List{a, a, b}, 4},
	} {
		t.Run(tc.about, func(t *testing.T) {
			if got := distinct(tc.lists); got != tc.want {
				t.Errorf("got %d, want %d", got, tc.want)
			}
		})
	}
}

// BenchmarkList reads a million zones and checks them for sinks of all kinds.
func BenchmarkList(b *testing.B) {
	path := filepath.Join(b.TempDir(), "zones")
	var content bytes.Buffer
	for i := range 1_000_000 {
		fmt.Fprintf(&content, "zone%d.org\n", i)
	}
	write(b, path, content.String())
	for _, tc := range []struct{ about, properties string }{
		{"a fake", "highest fake 9.9.9.9"},
		{"all kinds", "lowest fake0 9.9.9.9\nhighest decoy[1-48].mx 9.9.9.9\nhighest abs.base.test 9.9.9.9\nexcept sub a.org. b.c"},
	} {
		b.Run(tc.about, func(b *testing.B) {
			s := withList(b, path, tc.properties)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := loadLists(s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func FuzzList(f *testing.F) {
	for _, seed := range []string{"example.org\nexample.net", "\ufeff# x\n.\n", "a\na\nA.\n", "x y\n", "\xff\xfea\x00\n\x00", "*.a\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		r, err := readZones(bytes.NewReader(content), int64(len(content)))
		if err != nil {
			if len(err.Error()) > 3000 || strings.ContainsAny(err.Error(), "\n\r") {
				t.Errorf("the message is not one short line: %s", err)
			}
			return
		}
		seen := make(map[string]bool)
		for name := range r.All() {
			if !dnsname.Fits(name) || dnsname.Canonical(name) != name {
				t.Errorf("%q is no canonical name", name)
			}
			if seen[name] {
				t.Errorf("%q is there twice", name)
			}
			seen[name] = true
		}
		if len(seen) != r.Len() || len(r.lines) != r.Len() || len(r.set) != r.Len() {
			t.Errorf("%d names, of %d lines and %d in the set: want as many as there are, %d", r.Len(), len(r.lines), len(r.set), len(seen))
		}
		for i, line := range r.lines {
			if i > 0 && line <= r.lines[i-1] {
				t.Errorf("line %d is behind line %d", r.lines[i-1], line)
			}
		}
	})
}

package fakemx_test

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/fakemx/fakemx/internal/servertest"
)

var label63 = strings.Repeat("a", 63)

// A mistake is refused at start, in one line with file and line. What mistakes
// there are is tested where the Corefile is read.
func TestAMistakeInTheCorefile(t *testing.T) {
	t.Setenv("FAKEMX_UNSET", "")
	fifo := filepath.Join(t.TempDir(), "zones")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ mistake, corefile, want string }{
		{
			"in a line", "example.org:0 {\nfakemx {\nhighest a 9.9.9.9\nexcept *.sub\n}\n}",
			`Corefile:4 - Error during parsing: bad except "*.sub": expected a domain name without a wildcard, what is below it belongs to it`,
		},
		{
			"in the second server block", "example.org:0 {\nfakemx {\nhighest a 9.9.9.9\n}\n}\nexample.net:0 {\nfakemx {\nhighest\n}\n}",
			`Corefile:8 - Error during parsing: highest without a name: expected highest NAME [ADDRESS...]`,
		},
		{
			"a server block for the root", ".:0 {\nfakemx {\nhighest a 9.9.9.9\n}\n}",
			`Corefile:3 - Error during parsing: sink "a" is relative, no zone is given and the server block's is the root: expected zones after fakemx, or absolute names`,
		},
		{
			"a variable that is not set", "example.org:0 {\nfakemx {\nhighest a 9.9.9.9 {$FAKEMX_UNSET}\n}\n}",
			`Corefile:3 - Error during parsing: highest has an empty value: expected highest NAME [ADDRESS...]; perhaps a {$VARIABLE} is not set`,
		},
		{
			"a list that is a FIFO", "example.org:0 {\nfakemx {\nhighest a 9.9.9.9\nzones_from " + fifo + "\n}\n}",
			`Corefile:4 - Error during parsing: zones_from: ` + fifo + `: a FIFO: expected a regular file`,
		},
	} {
		t.Run(tc.mistake, func(t *testing.T) {
			_, err := servertest.TryStart(t, tc.corefile)
			if err == nil {
				t.Fatal("the server has started")
			}
			if got, want := err.Error(), "plugin/fakemx: "+tc.want; got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// A list that cannot be read leaves the old Corefile in force, and does not hold
// the reload up.
func TestAReloadWithAListThatIsAFIFO(t *testing.T) {
	path := filepath.Join(t.TempDir(), "zones")
	write(t, path, "example.org\n")
	s := listed(t, path, "highest fake 198.51.100.1")
	fifo := path + ".fifo"
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Reload(".:0 {\nbind 127.0.0.1\nfakemx base.test {\nzones_from " + fifo + "\nhighest fake 198.51.100.1\n}\n}"); err == nil {
		t.Error("the new Corefile is taken")
	}
	if !injected(s, "example.org") {
		t.Error("got the real set alone, want the old Corefile to be served")
	}
}

package fakemx_test

import (
	"strings"
	"testing"

	"github.com/fakemx/fakemx/internal/servertest"
)

// TestMistakesInWatchAndSerial: each is refused at start, in one line.
func TestMistakesInWatchAndSerial(t *testing.T) {
	const (
		lowest  = "lowest a 203.0.113.1"
		control = "control 198.51.100.25"
	)
	file := t.TempDir() + "/serials"
	for _, tc := range []struct{ mistake, corefile, want string }{
		{
			"watch without control", block(lowest, "watch"),
			`Corefile:4 - Error during parsing: watch without control: expected a line control ADDRESS... with hosts that accept mail on port 25, or nobody knows whether this host may call it at all`,
		},
		{
			"control without watch", block(lowest, control),
			`Corefile:4 - Error during parsing: control without watch: expected a line watch too`,
		},
		{
			"watch with nothing to look at", block("highest a 203.0.113.1", "watch", control),
			`Corefile:4 - Error during parsing: watch has nothing to look at: expected a line lowest NAME ADDRESS...`,
		},
		{
			"an interval that is too short", block(lowest, "watch 5s", control),
			`Corefile:4 - Error during parsing: bad watch "5s": expected none or an interval from 10s to 1h, such as 30s`,
		},
		{
			"an interval that is too long", block(lowest, "watch 61m", control),
			`Corefile:4 - Error during parsing: bad watch "61m": expected none or an interval from 10s to 1h, such as 30s`,
		},
		{
			"an interval without a unit", block(lowest, "watch 30", control),
			`Corefile:4 - Error during parsing: bad watch "30": expected none or an interval from 10s to 1h, such as 30s`,
		},
		{
			"two intervals", block(lowest, "watch 30s 40s", control),
			`Corefile:4 - Error during parsing: watch has 2 values: expected none or an interval from 10s to 1h, such as 30s`,
		},
		{
			"watch twice", block(lowest, "watch", "watch", control),
			`Corefile:5 - Error during parsing: watch is given twice: expected once`,
		},
		{
			"control without an address", block(lowest, "watch", "control"),
			`Corefile:5 - Error during parsing: control without an address: expected addresses of hosts that accept mail on port 25, such as that of the real MX`,
		},
		{
			"a name as control", block(lowest, "watch", "control mx.example.org"),
			`Corefile:5 - Error during parsing: bad control "mx.example.org": expected addresses of hosts that accept mail on port 25, such as that of the real MX`,
		},
		{
			"this host as control", block(lowest, "watch", "control 127.0.0.1"),
			`Corefile:5 - Error during parsing: bad control "127.0.0.1": this host can always call itself; expected addresses of hosts that accept mail on port 25, such as that of the real MX`,
		},
		{
			"a control host twice", block(lowest, "watch", "control 198.51.100.25 198.51.100.25"),
			`Corefile:5 - Error during parsing: control "198.51.100.25" is given twice: expected once`,
		},
		{
			"nine control hosts", block(lowest, "watch", "control 198.51.100.1 198.51.100.2 198.51.100.3 198.51.100.4 198.51.100.5 198.51.100.6 198.51.100.7 198.51.100.8 198.51.100.9"),
			`Corefile:5 - Error during parsing: control has 9 addresses: expected at most 8`,
		},
		{
			"a sink as control", block(lowest, "highest b 203.0.113.2", "watch", "control 203.0.113.2"),
			`Corefile:6 - Error during parsing: control "203.0.113.2" is the address of the sink "b": expected hosts that accept mail`,
		},
		{
			"serial without a file", block(lowest, "serial"),
			`Corefile:4 - Error during parsing: serial has 0 values: expected one, the path of a file to keep serial numbers in`,
		},
		{
			"serial with an empty value", block(lowest, `serial ""`),
			`Corefile:4 - Error during parsing: serial has an empty value: expected serial FILE; perhaps a {$VARIABLE} is not set`,
		},
		{
			"two files in one server block", "example.org:0 {\nfakemx {\n" + lowest + "\nserial " + file + "\n}\nfakemx c.example.org {\n" + lowest + "\nserial " + file + "2\n}\n}",
			`Corefile:8 - Error during parsing: serial "` + file + `2": line 4 of the same server block has "` + file + `"; expected one file`,
		},
		{
			"one file in two server blocks", "example.org:0 {\nfakemx {\n" + lowest + "\nserial " + file + "\n}\n}\nexample.net:0 {\nfakemx {\n" + lowest + "\nserial " + file + "\n}\n}",
			`Corefile:10 - Error during parsing: serial "` + file + `" is the file of another server block in line 4: expected a file of its own`,
		},
		{
			"one zone in two server blocks", "example.org:0 {\nfakemx {\n" + lowest + "\nserial " + file + "\n}\n}\nexample.net:0 {\nfakemx example.org {\n" + lowest + "\nserial " + file + "2\n}\n}",
			`Corefile:10 - Error during parsing: zone "example.org." has a serial in another server block in line 4: expected it in one`,
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
			if strings.Contains(err.Error(), "\n") {
				t.Error("the message has more than one line")
			}
		})
	}
}

// block returns a Corefile whose line 3 is the first of the properties.
func block(properties ...string) string {
	return "example.org:0 {\nfakemx {\n" + strings.Join(properties, "\n") + "\n}\n}"
}

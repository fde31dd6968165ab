package smtp

import (
	"regexp"
	"strings"
	"testing"
)

// wireLine is a reply line that no sender takes for a rejection. The enhanced
// status code, if there is one, is of the same class (RFC 2034 section 4).
var wireLine = regexp.MustCompile(`^(?:2\d\d[ -](?:2\.\d\.\d )?|3\d\d[ -]|4\d\d[ -]4\.\d\.\d )[\x20-\x7e]*$`)

// checkWire complains about every line of out that is not a wireLine.
func checkWire(t testing.TB, out []byte) {
	t.Helper()
	if len(out) == 0 {
		return
	}
	text, ended := strings.CutSuffix(string(out), "\r\n")
	if !ended {
		t.Fatalf("%q does not end a line", out)
	}
	for line := range strings.SplitSeq(text, "\r\n") {
		if !wireLine.MatchString(line) {
			t.Fatalf("%q goes over the wire", line)
		}
	}
}

func TestNoReplyIsARejection(t *testing.T) {
	t.Run("whatever value it has", func(t *testing.T) {
		for r := range 256 {
			checkWire(t, Reply(r).Append(nil, "sink.example.org"))
		}
	})
	t.Run("whatever value its class has", func(t *testing.T) {
		for c := range 256 {
			if d := class(c).digit(); d != '2' && d != '3' && d != '4' {
				t.Errorf("class %d writes %c", c, d)
			}
		}
	})
	t.Run("and every reply says something", func(t *testing.T) {
		for r := Greeting; r < replies; r++ {
			if len(r.Append(nil, "sink.example.org")) == 0 {
				t.Errorf("reply %d is silent", r)
			}
		}
	})
}

func TestTheRepliesThatClose(t *testing.T) {
	for r := range Reply(255) {
		code := string(r.Append(nil, "s"))
		want := strings.HasPrefix(code, "221") || strings.HasPrefix(code, "421")
		if r.Closes() != want {
			t.Errorf("%q closes: %t, want %t", code, r.Closes(), want)
		}
	}
}

func TestExtensionsOfferWhatSendersBounceWithout(t *testing.T) {
	got := string(ExtensionsAndTLS.Append(nil, "sink.example.org"))
	want := "250-sink.example.org\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n250-SIZE\r\n" +
		"250-ENHANCEDSTATUSCODES\r\n250 STARTTLS\r\n"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if plain := string(Extensions.Append(nil, "sink.example.org")); strings.Contains(plain, "STARTTLS") {
		t.Errorf("got %q, want no STARTTLS", plain)
	}
}

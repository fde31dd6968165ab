package visit

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/fakemx/fakemx/internal/sink/smtp"
)

var someKey = Key{1, 2, 3}

func hear(h *smtp.Heard) *Visit {
	v := &Visit{Time: time.Unix(1700000000, 0).UTC(), Client: netip.MustParseAddr("192.0.2.1"), Sink: netip.MustParseAddr("198.51.100.26"), End: Quit}
	v.Hear(h, someKey)
	return v
}

func TestALineHoldsNoLocalPart(t *testing.T) {
	v := hear(&smtp.Heard{
		Helo: "a.example", Recipients: 2, Commands: 4,
		Mails: []smtp.Mail{{From: smtp.Path{Local: "ann", Domain: "a.example"}, To: []smtp.Path{{Local: "bob", Domain: "example.org"}, {Local: "postmaster"}}}},
	})
	want := `{"time":"2023-11-14T22:13:20Z","client":"192.0.2.1","sink":"198.51.100.26","helo":"a.example",` +
		`"mail":[{"from":{"domain":"a.example","hash":"` + someKey.Hash("ann", "a.example") + `"},` +
		`"to":[{"domain":"example.org","hash":"` + someKey.Hash("bob", "example.org") + `"},{"hash":"` + someKey.Hash("postmaster", "") + `"}]}],` +
		`"recipients":2,"commands":4,"early":false,"tls":false,"end":"quit","octets":0,"seconds":0}` + "\n"
	if got := string(line(v)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestHash(t *testing.T) {
	if someKey.Hash("Ann", "A.example") != someKey.Hash("ann", "a.EXAMPLE") {
		t.Error("letter case makes two mailboxes of one")
	}
	if someKey.Hash("ann", "a.example") == someKey.Hash("ann", "b.example") || someKey.Hash("ann", "a") == NewKey().Hash("ann", "a") {
		t.Error("two mailboxes, or two keys, have one hash")
	}
}

func TestHostileFieldsStayInTheirLine(t *testing.T) {
	hostile := "a\"}\r\n{\"client\":\"9.9.9.9\"\x00\x1b[2J\xff\u202e\u0085\u2028"
	v := hear(&smtp.Heard{Helo: hostile, Mails: []smtp.Mail{{From: smtp.Path{Domain: hostile}}}})
	text := string(line(v))
	if strings.Count(text, "\n") != 1 {
		t.Errorf("%q is not one line", text)
	}
	for _, r := range strings.TrimSuffix(text, "\n") {
		if !unicode.IsPrint(r) {
			t.Errorf("%q holds %U", text, r)
		}
	}
	var back Visit
	if err := json.Unmarshal([]byte(text), &back); err != nil || back.Client != v.Client || back.Helo != v.Helo {
		t.Errorf("reads back as %+v, %v", back, err)
	}
}

// full is a disk that is full for a while, in the midst of a line.
type full struct {
	room int
	text bytes.Buffer
}

func (f *full) Write(p []byte) (int, error) {
	n := min(len(p), f.room)
	f.room -= n
	f.text.Write(p[:n])
	if n < len(p) {
		return n, errors.New("no space left on device")
	}
	return n, nil
}

func TestAFullDiskLosesOnlyWhatDidNotFit(t *testing.T) {
	disk := &full{room: 250}
	var complaints []error
	l := NewLog(disk, 0, func(err error) { complaints = append(complaints, err) })
	v := hear(&smtp.Heard{})
	for range 3 {
		l.Visit(v)
	}
	for l.Written()+l.Lost() < 3 {
		time.Sleep(time.Millisecond)
	}
	disk.room = 1000
	l.Visit(v)
	l.Close(10 * time.Second)
	whole := 0
	for text := range strings.SplitSeq(disk.text.String(), "\n") {
		if json.Valid([]byte(text)) {
			whole++
		}
	}
	if whole != 2 || l.Written() != 2 || l.Lost() != 2 || len(complaints) != 1 {
		t.Errorf("%d whole lines, %d said to be written, %d lost, %d complaints, want 2, 2, 2 and one; the disk holds %q",
			whole, l.Written(), l.Lost(), len(complaints), disk.text.String())
	}
}

func TestAReaderThatSleepsHoldsNobodyUp(t *testing.T) {
	read, written, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	defer written.Close()
	l := NewLog(written, 10, func(error) {})
	v := hear(&smtp.Heard{})
	for range 3 * waiting {
		l.Visit(v)
	}
	if l.Lost() == 0 {
		t.Error("nothing is counted as lost")
	}
	l.Close(time.Millisecond)
}

package servertest

import (
	"bytes"
	"io"
	"log"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Log is what the process has logged since CaptureLog.
type Log struct {
	text bytes.Buffer
}

// captures are the logs that tests collect now.
var captures struct {
	sync.Mutex
	logs []*Log
}

// fanOut gives what the process logs to all that collect it, or to where it went
// before.
type fanOut struct{ before io.Writer }

// Write implements io.Writer.
func (f fanOut) Write(p []byte) (int, error) {
	captures.Lock()
	defer captures.Unlock()
	if len(captures.logs) == 0 {
		return f.before.Write(p)
	}
	for _, l := range captures.logs {
		l.text.Write(p)
	}
	return len(p), nil
}

var fanOutOnce = sync.OnceFunc(func() {
	log.SetOutput(fanOut{log.Writer()})
	log.SetFlags(0)
})

// CaptureLog collects what the process logs until the test ends. There is one
// log in a process: beside parallel tests it has their lines too.
func CaptureLog(t testing.TB) *Log {
	t.Helper()
	fanOutOnce()
	l := new(Log)
	captures.Lock()
	defer captures.Unlock()
	captures.logs = append(captures.logs, l)
	t.Cleanup(func() {
		captures.Lock()
		defer captures.Unlock()
		captures.logs = slices.DeleteFunc(captures.logs, func(other *Log) bool { return other == l })
	})
	return l
}

// Lines returns the lines that contain part.
func (l *Log) Lines(part string) []string {
	captures.Lock()
	defer captures.Unlock()
	lines := strings.Split(strings.TrimSuffix(l.text.String(), "\n"), "\n")
	return slices.DeleteFunc(lines, func(line string) bool { return !strings.Contains(line, part) })
}

// Wait returns the lines that contain part as soon as there is one: a server
// logs a query after it has answered it.
func (l *Log) Wait(t testing.TB, part string) []string {
	t.Helper()
	var lines []string
	Eventually(t, 10*time.Second, "a line with "+part, func() bool {
		lines = l.Lines(part)
		return len(lines) > 0
	})
	return lines
}

// Eventually returns once condition holds, and fails the test if it does not
// within the time.
func Eventually(t testing.TB, within time.Duration, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(within); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for %s", within, what)
		}
	}
}

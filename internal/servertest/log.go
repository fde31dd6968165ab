package servertest

import (
	"bytes"
	"log"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Log is what the process has logged since CaptureLog.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// CaptureLog collects what the process logs until the test ends. There is one
// log in a process, so such a test must not be parallel.
func CaptureLog(t testing.TB) *Log {
	t.Helper()
	l := new(Log)
	output, flags := log.Writer(), log.Flags()
	log.SetOutput(l)
	log.SetFlags(0)
	t.Cleanup(func() {
		log.SetOutput(output)
		log.SetFlags(flags)
	})
	return l
}

// Write implements io.Writer.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// Lines returns the lines that contain part.
func (l *Log) Lines(part string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
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

package visit

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"sync/atomic"
	"time"
)

// waiting is how many lines may wait for a slow reader of the log, besides one
// for each client that is there. What comes beyond is lost, and counted: mail
// servers must not wait for a log.
const waiting = 8192

// A Log writes one line a visit. It never makes a caller wait.
type Log struct {
	lines chan []byte
	done  chan struct{}
	out   io.Writer
	torn  bool // the last line was written in part

	written, lost atomic.Uint64
	complain      func(error)
}

// NewLog starts writing to out. So many clients may leave at once, as they do
// when the server stops, without a line lost. The first error of a row of
// failures is given to complain.
func NewLog(out io.Writer, clients int, complain func(error)) *Log {
	l := &Log{lines: make(chan []byte, waiting+clients), done: make(chan struct{}), out: out, complain: complain}
	go l.run()
	return l
}

// Visit adds a line.
func (l *Log) Visit(v *Visit) {
	select {
	case l.lines <- line(v):
	default:
		l.lost.Add(1)
	}
}

// Lost is how many lines could not be written.
func (l *Log) Lost() uint64 { return l.lost.Load() }

// Written is how many lines were written.
func (l *Log) Written() uint64 { return l.written.Load() }

// Close writes what waits, for at most the given time. No Visit may come after it.
func (l *Log) Close(within time.Duration) {
	close(l.lines)
	select {
	case <-l.done:
	case <-time.After(within):
	}
}

func (l *Log) run() {
	defer close(l.done)
	failing := false
	for text := range l.lines {
		err := l.write(text)
		switch {
		case err == nil:
			failing = false
			l.written.Add(1)
			continue
		case !failing:
			l.complain(err)
		}
		failing = true
		l.lost.Add(1)
	}
}

// write writes a line. After one that a full disk has cut off, the next begins
// on a line of its own.
func (l *Log) write(text []byte) error {
	if l.torn {
		text = append([]byte("\n"), text...)
	}
	n, err := l.out.Write(text)
	if err == nil || n > 0 {
		l.torn = err != nil
	}
	return err
}

// line is v as JSON. A name may hold <, > and &, which need no escape here.
func line(v *Visit) []byte {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		// Times, addresses and text that is UTF-8 can always be encoded.
		return []byte("{}\n")
	}
	return text.Bytes()
}

// Parse reads a line of the log of another sink.
func Parse(text string) (*Visit, bool) {
	if !strings.HasPrefix(text, `{"time":`) {
		return nil, false
	}
	v := new(Visit)
	if err := json.Unmarshal([]byte(text), v); err != nil || !v.Client.IsValid() || v.Client.Zone() != "" || v.Time.IsZero() {
		return nil, false
	}
	return v, true
}

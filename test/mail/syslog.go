package main

import (
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
)

// A syslog keeps what the programs of a container log, for the report of a
// failure.
type syslog struct {
	mu    sync.Mutex
	lines []string
	tell  func(line string) // too, unless it is nil
}

// kept is how many lines a syslog remembers.
const kept = 400

// listenSyslog is the container's /dev/log.
func listenSyslog(c *container) (*syslog, error) {
	path := fmt.Sprintf("/proc/%d/root/dev/log", c.init.Process.Pid)
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o666); err != nil {
		return nil, err
	}
	l := &syslog{}
	go func() {
		buf := make([]byte, 8192)
		for {
			n, err := conn.Read(buf)
			if err != nil {
				return
			}
			l.add(strings.TrimRight(string(buf[:n]), "\x00\n"))
		}
	}()
	return l, nil
}

func (l *syslog) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tell != nil {
		l.tell(line)
	}
	l.lines = append(l.lines, line)
	if len(l.lines) > kept {
		l.lines = l.lines[len(l.lines)-kept:]
	}
}

// pass has tell called with every line from now on.
func (l *syslog) pass(tell func(line string)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tell = tell
}

// about returns the lines that hold word.
func (l *syslog) about(word string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []string
	for _, line := range l.lines {
		if strings.Contains(line, word) {
			found = append(found, line)
		}
	}
	return found
}

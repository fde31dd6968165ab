package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// openVisits returns where the lines about visits go: the file at path, or
// standard output if that is empty. On SIGHUP the file is opened anew, so that it
// can be renamed and loses no line; if that fails, complain is told and the old
// one goes on.
func openVisits(ctx context.Context, path string, stdout io.Writer, complain func(error)) (io.Writer, error) {
	if path == "" {
		return stdout, nil
	}
	v := &visitsFile{path: path}
	if err := v.reopen(); err != nil {
		return nil, err
	}
	renamed := make(chan os.Signal, 1)
	signal.Notify(renamed, syscall.SIGHUP)
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-renamed:
				if err := v.reopen(); err != nil {
					complain(err)
				}
			}
		}
	}()
	return v, nil
}

// visitsFile is a file that may be renamed while it is written.
type visitsFile struct {
	path string

	mu   sync.Mutex // one line goes to one file
	file *os.File
}

func (v *visitsFile) Write(line []byte) (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.file.Write(line)
}

// reopen opens what is at the path now, and then closes the file before.
func (v *visitsFile) reopen() error {
	file, err := os.OpenFile(v.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600) // #nosec G304 -- the operator names it
	if err != nil {
		return fmt.Errorf("-visits: %w", err)
	}
	v.mu.Lock()
	old := v.file
	v.file = file
	v.mu.Unlock()
	if old == nil {
		return nil
	}
	if err := old.Close(); err != nil {
		return fmt.Errorf("-visits: %w", err)
	}
	return nil
}

package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// maxList is the size of a list in octets, and maxLine that of one of its lines.
const (
	maxList = 1 << 30
	maxLine = 1024
)

// errUnreadable says that a list could not be read, which may pass.
var errUnreadable = errors.New("expected a file that can be read")

// openList opens a list, which must be a regular file: no other is opened, since
// that may wait for ever, or start something.
func openList(path string) (*os.File, fs.FileInfo, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, unreadable(err)
	}
	if err := checkRegular(info); err != nil {
		return nil, nil, err
	}
	return openFound(path)
}

// openFound opens what was found to be a regular file. What is there by now may
// be a FIFO, which opens at once with O_NONBLOCK only.
func openFound(path string) (*os.File, fs.FileInfo, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, unreadable(err)
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return nil, nil, unreadable(err)
	}
	if err := checkRegular(info); err != nil {
		file.Close()
		return nil, nil, err
	}
	return file, info, nil
}

// checkRegular refuses what is no list by what it is, without reading.
func checkRegular(info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s: expected a regular file", kindOf(info.Mode()))
	}
	if info.Size() > maxList {
		return fmt.Errorf("%d octets: expected at most 1 GiB", info.Size())
	}
	return nil
}

func kindOf(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "a directory"
	case mode&fs.ModeNamedPipe != 0:
		return "a FIFO"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	}
	return "no file"
}

// unreadable is err without the path, which the message names already.
func unreadable(err error) error {
	if pathError, ok := errors.AsType[*fs.PathError](err); ok {
		err = pathError.Err
	}
	return fmt.Errorf("%w: %w", err, errUnreadable)
}

// errStopped says that nobody waits for the list any more.
var errStopped = errors.New("stopped")

// stoppable is a reader that ends when quit is closed.
type stoppable struct {
	io.Reader
	quit <-chan struct{}
}

func (s stoppable) Read(p []byte) (int, error) {
	if isClosed(s.quit) {
		return 0, errStopped
	}
	return s.Reader.Read(p)
}

func isClosed(quit <-chan struct{}) bool {
	select {
	case <-quit:
		return true
	default:
		return false
	}
}

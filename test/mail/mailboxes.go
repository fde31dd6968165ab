package main

import (
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// A letter is a message in a mailbox.
type letter struct {
	junk  bool   // rspamd marked it
	score string // the sum that rspamd found, empty if it didn't look
}

// mailboxes are those of the real host.
type mailboxes struct {
	dir string // of the delivered messages

	mu      sync.Mutex
	letters map[string]letter // by the recipient's local part
	files   map[string]bool   // that are read
}

func newMailboxes(c *container) *mailboxes {
	return &mailboxes{
		dir:     filepath.Join(c.root.dir, boxes, "all", "new"),
		letters: map[string]letter{}, files: map[string]bool{},
	}
}

// read reads what has been delivered since.
func (m *mailboxes) read() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	list, err := os.ReadDir(m.dir)
	if os.IsNotExist(err) {
		return nil // nothing yet
	}
	for _, entry := range list {
		if m.files[entry.Name()] {
			continue
		}
		file, err := os.Open(filepath.Join(m.dir, entry.Name()))
		if err != nil {
			return err
		}
		message, err := mail.ReadMessage(file)
		file.Close()
		if err != nil {
			return err
		}
		id, _, _ := strings.Cut(message.Header.Get("Delivered-To"), "@")
		// default: False [5.50 / 15.00]; and why
		sum, _, _ := strings.Cut(message.Header.Get("X-Spamd-Result"), ";")
		m.letters[id] = letter{
			junk:  strings.EqualFold(message.Header.Get("X-Spam"), "yes"),
			score: sum,
		}
		m.files[entry.Name()] = true
	}
	return err
}

// find returns the message for a local part.
func (m *mailboxes) find(id string) (letter, bool, error) {
	if err := m.read(); err != nil {
		return letter{}, false, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	found, ok := m.letters[id]
	return found, ok, nil
}

// wait waits for the message for a local part.
func (m *mailboxes) wait(id string, within time.Duration) (letter, bool, error) {
	for deadline := time.Now().Add(within); ; time.Sleep(100 * time.Millisecond) {
		found, ok, err := m.find(id)
		if ok || err != nil || time.Now().After(deadline) {
			return found, ok, err
		}
	}
}

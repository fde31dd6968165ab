package dnsl

import (
	"bufio"
	"errors"
	"os"
	"path/filepath"
)

const (
	// temporary is the name of a file that is being written. It must not look like a
	// zone to the plugin auto, whose pattern db\.(.*) matches anywhere in a name.
	temporary = ".new-*"
	// mode lets the servers that read the lists read them, each with a user of its
	// own. Whether anybody else can is a matter of the directory.
	mode = 0o644
)

// replace writes a file anew: under another name, onto the disk, and then into
// the place of the old one. If anything fails the old one stays as it is.
func replace(path string, write func(*bufio.Writer)) error {
	f, err := os.CreateTemp(filepath.Dir(path), temporary)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(f, 1<<16)
	write(out)
	err = out.Flush() // the first error of all writes
	if err == nil {
		err = errors.Join(f.Chmod(mode), f.Sync())
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// syncDir puts the new names onto the disk.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// removeLeftovers removes what was being written when the process before died.
func removeLeftovers(dir string) error {
	left, err := filepath.Glob(filepath.Join(dir, temporary))
	if err != nil {
		return err
	}
	for _, path := range left {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return nil
}

package serial

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// lockTimeout is for how long the lock of a file is waited for.
const lockTimeout = 5 * time.Second

// bucket holds the states, by zone. Its name has the version of their format.
var bucket = []byte("serials 1")

// disk is a file of states.
type disk struct {
	path string
	db   *bbolt.DB
	// is tells the file from another one at its path.
	is os.FileInfo
}

// openDisk opens the file at path and reads what it has. A missing one is made.
// The error says what is wrong with the file.
func openDisk(path string) (d *disk, states map[string]State, created bool, err error) {
	before, err := os.Stat(path) //nolint:gosec // the path is the operator's
	switch {
	case errors.Is(err, fs.ErrNotExist):
		created = true
	case err != nil:
		return nil, nil, false, err
	case !before.Mode().IsRegular():
		return nil, nil, false, fmt.Errorf("%s is not a regular file", path)
	}
	d = &disk{path: path}
	err = whole(func() (err error) {
		d.db, err = bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockTimeout, FreelistType: bbolt.FreelistMapType, NoStatistics: true})
		if err != nil {
			return err
		}
		if d.is, err = os.Stat(path); err != nil { //nolint:gosec // the same path
			return err
		}
		states, err = d.load()
		return err
	})
	if err == nil {
		return d, states, created, nil
	}
	if d.db != nil {
		_ = d.db.Close()
	}
	return nil, nil, false, explain(path, err)
}

func explain(path string, err error) error {
	var damage damaged
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return fmt.Errorf("%s is locked: another process, or another block, has it; expected one owner", path)
	case errors.As(err, &damage), errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrVersionMismatch), errors.Is(err, bolterrors.ErrChecksum):
		return fmt.Errorf("%s is damaged, or not a file of serials (%w): restore it, or name another file", path, err)
	default:
		return fmt.Errorf("%s cannot be used: %w", path, err)
	}
}

// damaged is what is wrong with the content of a file.
type damaged string

func (d damaged) Error() string { return string(d) }

// whole calls f. The database reads its file through memory: where the file is
// cut short or overwritten that is a fault or a panic, which becomes an error.
func whole(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if cause := recover(); cause != nil {
			err = damaged(fmt.Sprint(cause))
		}
	}()
	return f()
}

func (d *disk) load() (map[string]State, error) {
	states := make(map[string]State)
	err := d.db.View(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucket)
		if b == nil {
			return nil
		}
		return b.ForEach(func(zone, value []byte) error {
			s, ok := decode(value)
			if !ok {
				return damaged(fmt.Sprintf("zone %q has a state of %d octets, expected %d", zone, len(value), stateSize))
			}
			states[string(zone)] = s
			return nil
		})
	})
	return states, err
}

// commit writes the states, all or none.
func (d *disk) commit(states map[string]State) error {
	if now, err := os.Stat(d.path); err != nil {
		return err
	} else if !os.SameFile(now, d.is) {
		return fmt.Errorf("%s is another file than at the start", d.path)
	}
	return whole(func() error {
		return d.db.Update(func(tx *bbolt.Tx) error {
			b, err := tx.CreateBucketIfNotExists(bucket)
			if err != nil {
				return err
			}
			// Keys that come in their order are appended; of a hundred thousand in no
			// order each would move half of the others.
			for _, zone := range slices.Sorted(maps.Keys(states)) {
				if err := b.Put([]byte(zone), states[zone].encode()); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

func (d *disk) close() error { return d.db.Close() }

// A state is 25 octets: the backend's number, the number served, the digest, and
// 1 for a signed zone.
const stateSize = 4 + 4 + len(Digest{}) + 1

func (s State) encode() []byte {
	b := make([]byte, 0, stateSize)
	b = binary.BigEndian.AppendUint32(b, s.Backend)
	b = binary.BigEndian.AppendUint32(b, s.Served)
	b = append(b, s.Digest[:]...)
	if s.Signed {
		return append(b, 1)
	}
	return append(b, 0)
}

func decode(b []byte) (s State, ok bool) {
	if len(b) != stateSize {
		return State{}, false
	}
	s.Backend, s.Served = binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	copy(s.Digest[:], b[8:])
	s.Signed = b[stateSize-1] == 1
	return s, true
}

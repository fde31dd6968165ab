package store

import (
	"bytes"
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

// The test binary plays two more parts: what is killed, and what fills its disk.
func TestMain(m *testing.M) {
	switch path := os.Getenv("FAKEMX_TEST_STORE"); os.Getenv("FAKEMX_TEST_ROLE") {
	case "load":
		load(path)
	case "full":
		if err := fillDisk(path); err != nil {
			println(err.Error())
			os.Exit(1)
		}
	default:
		os.Exit(m.Run())
	}
}

var noon = time.Date(2026, 11, 25, 12, 30, 0, 0, time.UTC)

func open(t *testing.T) *Store {
	t.Helper()
	s, err := Open(filepath.Join(t.TempDir(), "sink.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func addr(text string) netip.Addr { return netip.MustParseAddr(text) }

// visits are all records, by client and hour.
func visits(t *testing.T, s *Store) map[string]ClientHour {
	t.Helper()
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	all := map[string]ClientHour{}
	if err := s.Visits(func(h ClientHour) { all[h.Client.String()+h.Hour.Format(" 15")] = h }); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestVisitsAndSightings(t *testing.T) {
	at := func(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }
	for _, c := range []struct {
		what                     string
		client, seen             string
		visit, sighting          int // minutes
		before, later, neighbour bool
	}{
		{"seen before", "192.0.2.7", "192.0.2.7", 10, 0, true, false, true},
		{"seen in the same second", "192.0.2.7", "192.0.2.7", 0, 0, true, false, true},
		{"seen later", "192.0.2.7", "192.0.2.7", 0, 10, false, true, true},
		{"a neighbour seen before", "192.0.2.7", "192.0.2.200", 10, 0, false, false, true},
		{"a neighbour seen later", "192.0.2.7", "192.0.2.200", 0, 10, false, false, true},
		{"one of the next /24", "192.0.2.7", "192.0.3.7", 0, 10, false, false, false},
		{"IPv6, the same", "2001:db8::7", "2001:db8::7", 0, 10, false, true, true},
		{"IPv6, of the same /48", "2001:db8::7", "2001:db8:0:9::1", 0, 10, false, false, true},
		{"IPv6, of the next /48", "2001:db8::7", "2001:db8:1::1", 0, 10, false, false, false},
	} {
		t.Run(c.what, func(t *testing.T) {
			for _, first := range []string{"visit first", "sighting first"} {
				s := open(t)
				if first == "visit first" {
					s.Visit(addr(c.client), at(c.visit))
				}
				s.Seen(addr(c.seen), at(c.sighting))
				if first != "visit first" {
					s.Visit(addr(c.client), at(c.visit))
				}
				h := visits(t, s)[c.client+" 12"]
				if h.Visits != 1 || h.Before != c.before || h.Later != c.later || h.Neighbour != c.neighbour {
					t.Errorf("%s: got %+v", first, h)
				}
			}
		})
	}
	t.Run("visits are counted by the hour", func(t *testing.T) {
		s := open(t)
		for _, minutes := range []int{0, 20, 10, 60} {
			s.Visit(addr("::ffff:192.0.2.7"), at(minutes))
		}
		all := visits(t, s)
		if h := all["192.0.2.7 12"]; len(all) != 2 || h.Visits != 3 || !h.First.Equal(noon) || !h.Last.Equal(at(20)) {
			t.Errorf("got %+v", all)
		}
	})
}

func TestForget(t *testing.T) {
	s := open(t)
	s.Visit(addr("192.0.2.1"), noon.Add(-KeepVisits-2*time.Hour))
	s.Visit(addr("192.0.2.2"), noon.Add(-KeepVisits+2*time.Hour))
	s.Seen(addr("198.51.100.1"), noon.Add(-KeepSeen-time.Hour))
	s.Seen(addr("203.0.113.2"), noon.Add(-KeepSeen+time.Hour))
	s.Proof("mx1", noon.Add(-KeepVisits-2*time.Hour), true)
	s.Proof("mx1", noon, true)
	for i := range 2*chunk + 1 {
		s.Visit(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), noon.Add(-2*KeepVisits))
	}
	if err := errors.Join(s.Flush(), s.Forget(noon)); err != nil {
		t.Fatal(err)
	}
	if all := visits(t, s); len(all) != 1 || all["192.0.2.2 14"].Visits != 1 {
		t.Errorf("%d visits are left, want the young one", len(all))
	}
	proofs := 0
	if err := s.Proofs(func(Proofs) { proofs++ }); err != nil || proofs != 1 {
		t.Errorf("%d proofs are left, %v", proofs, err)
	}
	s.Visit(addr("198.51.100.1"), noon)
	s.Visit(addr("203.0.113.2"), noon)
	all := visits(t, s)
	if all["198.51.100.1 12"].Before || all["198.51.100.1 12"].Neighbour || !all["203.0.113.2 12"].Before {
		t.Errorf("got %+v, want the old sighting forgotten and the young one known", all)
	}
}

func TestProofs(t *testing.T) {
	s := open(t)
	for _, alive := range []bool{true, true, false} {
		s.Proof("mx1", noon, alive)
	}
	s.Proof("mx2", noon, true)
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	var got []Proofs
	if err := s.Proofs(func(p Proofs) { got = append(got, p) }); err != nil {
		t.Fatal(err)
	}
	hour := noon.Truncate(time.Hour)
	if want := []Proofs{{hour, "mx1", 2, 1}, {hour, "mx2", 1, 0}}; len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sink.db")
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	key := s.Key()
	s.Visit(addr("192.0.2.7"), noon)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	t.Run("the key and the visits stay", func(t *testing.T) {
		s, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if s.Key() != key || len(visits(t, s)) != 1 {
			t.Error("they don't")
		}
	})
	t.Run("one of the version before, without the harvest, is taken over", func(t *testing.T) {
		toFormat(t, path, oldFormat, watchedBucket, envelopesBucket, candidatesBucket, clientsBucket, listedBucket, acquittedBucket, allowedBucket)
		s, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if s.Key() != key || len(visits(t, s)) != 1 {
			t.Error("the key and the visits are lost")
		}
		view(t, s, func(l *Ledger) {
			if len(l.Allowed()) > 0 || string(l.tx.Bucket(metaBucket).Get(formatName)) != string(format) {
				t.Error("it is not of the new format")
			}
		})
	})
	t.Run("one of a later version is left alone", func(t *testing.T) {
		toFormat(t, path, []byte("3"))
		if s, err := Open(path); err == nil || !strings.Contains(err.Error(), `format "3"`) {
			t.Errorf("%v, %v", s, err)
		}
		toFormat(t, path, format)
	})
	t.Run("only its owner can read it", func(t *testing.T) {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info.Mode(), err)
		}
	})
	t.Run("a file that is none of ours is left alone", func(t *testing.T) {
		other := filepath.Join(t.TempDir(), "mail.log")
		text := []byte(strings.Repeat("precious\n", 10_000))
		if err := os.WriteFile(other, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if s, err := Open(other); err == nil {
			s.Close()
			t.Error("it is opened")
		}
		if now, err := os.ReadFile(other); err != nil || !bytes.Equal(now, text) {
			t.Errorf("it was changed, %v", err)
		}
	})
}

// toFormat makes a file look like one of another version, without some buckets.
func toFormat(t *testing.T, path string, name []byte, without ...[]byte) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		for _, bucket := range without {
			if err := tx.DeleteBucket(bucket); err != nil {
				return err
			}
		}
		return tx.Bucket(metaBucket).Put(formatName, name)
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestWhatFindsNoRoomIsCounted(t *testing.T) {
	s := open(t)
	for range waiting + 10 {
		s.Proof("mx1", noon, true)
	}
	if s.Lost() != 10 {
		t.Errorf("%d are counted as lost, want 10", s.Lost())
	}
}

// child runs the test binary in a part of its own.
func child(t *testing.T, role, path string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), "FAKEMX_TEST_ROLE="+role, "FAKEMX_TEST_STORE="+path)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

func TestAFullDiskLosesNothingThatWaits(t *testing.T) {
	runtime.LockOSThread() // Pdeathsig
	defer runtime.UnlockOSThread()
	cmd := child(t, "full", t.TempDir())
	cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWNS
	out, err := cmd.CombinedOutput()
	if errors.Is(err, os.ErrPermission) && os.Getenv("CI") != "true" {
		t.Skipf("mounts a disk of its own, as root: %v", err)
	}
	if err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// fillDisk writes to a full disk, and again when there is room. The disk is a
// mount of this process's own namespace and ends with it.
func fillDisk(dir string) error {
	if err := syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return err
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=2m"); err != nil {
		return err
	}
	s, err := Open(filepath.Join(dir, "sink.db"))
	if err != nil {
		return err
	}
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 4<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		return errors.New("the disk is not full")
	}
	const clients = 5000
	for i := range clients {
		s.Visit(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), noon)
		if i%1000 == 999 {
			if err := s.Flush(); err == nil || !s.Failing() {
				return errors.New("a full disk is not noticed")
			}
		}
	}
	if err := os.Remove(ballast); err != nil {
		return err
	}
	if err := s.Flush(); err != nil {
		return err
	}
	n := 0
	if err := s.Visits(func(ClientHour) { n++ }); err != nil {
		return err
	}
	if n != clients || s.Failing() || s.Lost() > 0 {
		return errors.New("not everything was written when there was room")
	}
	return s.Close()
}

package dnsl

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"time"
)

const (
	// ttl is of all records and, as the SOA's minimum, of "not listed". An address
	// that is taken off is forgotten everywhere after it.
	ttl = 300
	// A secondary asks this often, in seconds, and so often while it gets no answer.
	refresh = 300
	retry   = 60
	// code is what a listed address has as its A record, RFC 5782 section 2.1.
	code = "127.0.0.2"
)

// The test entries of RFC 5782 section 5. Their counterparts 127.0.0.1 and
// ::ffff:127.0.0.1 must not be listed.
var (
	test4 = netip.MustParseAddr("127.0.0.2")
	test6 = netip.MustParseAddr("::ffff:127.0.0.2")
)

// zone is a list that is about to be written.
type zone struct {
	*Config
	list []Entry
}

// state tells one version of a zone from the next.
type state struct {
	serial uint32
	digest [sha256.Size]byte // of all but the serial
	known  bool
}

// next is the state of a zone with that digest after s. The serial moves if the
// zone has changed, to the time in seconds of Unix if that is a step forward by
// RFC 1982, else by one.
func (s state) next(now time.Time, digest [sha256.Size]byte) state {
	clock := uint32(now.Unix())
	switch {
	case s.known && digest == s.digest:
		return s
	case s.known && int32(clock-s.serial) <= 0:
		return state{s.serial + 1, digest, true}
	default:
		return state{clock, digest, true}
	}
}

// stamp is the first line of a zone file.
const stamp = "; fakemx list, serial %d, of records %x\n"

// readState reads the first line of a zone file. Where there is no file all
// serials are free.
func readState(path string) (state, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return state{}, nil
	}
	if err != nil {
		return state{}, err
	}
	defer f.Close()
	const longest = 200
	line, err := bufio.NewReader(io.LimitReader(f, longest)).ReadString('\n')
	s := state{known: true}
	var digest []byte
	if err == nil {
		_, err = fmt.Sscanf(line, stamp, &s.serial, &digest)
	}
	if err != nil || copy(s.digest[:], digest) != len(s.digest) {
		return state{}, fmt.Errorf("%s: expected a zone file that begins as fakemx writes it; move it away, and the serial begins at the time of day", path)
	}
	return s, nil
}

// digest is equal for zones that differ in nothing but their serial.
func (z zone) digest() [sha256.Size]byte {
	h := sha256.New()
	out := bufio.NewWriter(h)
	z.records(out, 0)
	_ = out.Flush() // a hash takes everything
	return [sha256.Size]byte(h.Sum(nil))
}

func (z zone) write(out *bufio.Writer, s state) {
	fmt.Fprintf(out, stamp, s.serial, s.digest)
	z.records(out, s.serial)
}

// records writes the zone, the SOA first.
func (z zone) records(out *bufio.Writer, serial uint32) {
	fmt.Fprintf(out, "$ORIGIN %s\n$TTL %d\n", z.Zone, ttl)
	fmt.Fprintf(out, "@ SOA %s %s %d %d %d %.0f %d\n", z.NameServer, z.Hostmaster, serial, refresh, retry, z.Life.Seconds(), ttl)
	fmt.Fprintf(out, "@ NS %s\n", z.NameServer)
	z.listed(out, test4)
	z.listed(out, test6)
	for _, e := range z.list {
		z.listed(out, e.Addr)
	}
}

// listed writes the records of one address. The text is the same for all: who
// wrote to whom is nobody's business.
func (z zone) listed(out *bufio.Writer, a netip.Addr) {
	var buffer [80]byte
	owner := bytes.TrimSuffix(appendOwner(buffer[:0], a), []byte("."))
	for _, rdata := range [][2]string{{" A ", code + "\n"}, {` TXT "`, z.Text + "\"\n"}} {
		_, _ = out.Write(owner)
		_, _ = out.WriteString(rdata[0])
		_, _ = out.WriteString(rdata[1])
	}
}

// Owner returns the name that is asked for an address in a zone: its octets in
// reverse for IPv4 (RFC 5782 section 2.1), its 32 nibbles in reverse for IPv6
// (section 2.4).
func Owner(a netip.Addr, zone string) string {
	return string(appendOwner(nil, a)) + zone
}

func appendOwner(b []byte, a netip.Addr) []byte {
	if a.Is4() {
		o := a.As4()
		return fmt.Appendf(b, "%d.%d.%d.%d.", o[3], o[2], o[1], o[0])
	}
	const digits = "0123456789abcdef"
	octets := a.As16()
	for i := len(octets) - 1; i >= 0; i-- {
		b = append(b, digits[octets[i]&0xf], '.', digits[octets[i]>>4], '.')
	}
	return b
}

package transfer

import (
	"errors"
	"fmt"

	"github.com/fakemx/fakemx/internal/primary"
	"github.com/fakemx/fakemx/internal/serial"
	"github.com/miekg/dns"
)

// errNoVersion says that the plugins behind do not answer for the SOA record of a
// zone that one of them can transfer.
var errNoVersion = errors.New("the plugins behind do not give its SOA record: expected another try")

// numbered transfers a zone with the serial number that the file of serial has for
// it. There are no differences: who has the number in force, or a newer one, gets
// the SOA record alone, and any other the whole zone (RFC 1995 section 2 and 4).
// A signed zone keeps its number, and its differences.
func (e *Editor) numbered(name, apex string, have uint32) (<-chan []dns.RR, error) {
	for range tries {
		soa, signed := e.Answers.Version(apex)
		if signed {
			return e.transfer(name, apex, have)
		}
		if soa == nil {
			// The backend's number alone would go back.
			in, err := e.open(name, have)
			if err == nil {
				in.drain()
				err = fmt.Errorf("zone %q: %w", apex, errNoVersion)
			}
			return nil, err
		}
		in, err := e.reopen(name, soa)
		switch {
		case errors.Is(err, errChanged):
			continue
		case err != nil:
			return nil, err
		}
		whole := e.Answers.Whole(apex, soa)
		number, kept, err := e.Primary.Number(whole, apex, soa, signed)
		if err != nil {
			in.drain()
			return nil, fmt.Errorf("zone %q: %w", apex, err)
		}
		if kept {
			number = soa.Serial
		}
		if have != 0 && (have == number || serial.After(have, number)) {
			in.drain()
			return alone(primary.Stamped(soa, number)), nil
		}
		out, err := e.edited(name, apex, soa, whole, in)
		if errors.Is(err, errChanged) {
			continue
		}
		if err != nil {
			return nil, err
		}
		return stamped(out, number), nil
	}
	return nil, fmt.Errorf("zone %q: %w", apex, errChanged)
}

// alone is a transfer of nothing but the SOA record.
func alone(soa *dns.SOA) <-chan []dns.RR {
	out := make(chan []dns.RR, 1)
	out <- []dns.RR{soa}
	close(out)
	return out
}

// stamped is the transfer in with the number in its SOA records.
func stamped(in <-chan []dns.RR, number uint32) <-chan []dns.RR {
	out := make(chan []dns.RR)
	go func() {
		defer close(out)
		for batch := range in {
			var copied []dns.RR
			for i, rr := range batch {
				if soa, ok := rr.(*dns.SOA); ok {
					if copied == nil {
						copied = append(copied, batch...)
					}
					copied[i] = primary.Stamped(soa, number)
				}
			}
			if copied != nil {
				batch = copied
			}
			out <- batch
		}
	}()
	return out
}

// Has reports whether a plugin behind can transfer the zone apex in the version of
// soa.
func (e *Editor) Has(apex string, soa *dns.SOA) bool {
	// With the number that it has, the answer is the SOA record alone.
	in, err := e.open(apex, soa.Serial)
	if err != nil {
		return false
	}
	in.drain()
	return true
}

package config

import (
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/coredns/caddy"
	sinks "github.com/fakemx/fakemx/internal/watch"
)

// maxControls is how many control hosts a stanza may have. One is enough to see;
// each is called as often as the sinks are.
const maxControls = 8

// Watched reports whether the lowest fakes join only while their sinks refuse.
func (s *Stanza) Watched() bool { return s.Watch > 0 }

// WatchedSinks returns the addresses that watch looks at: those that are served
// for lowest fakes.
func (s *Stanza) WatchedSinks() (addrs []netip.Addr) {
	for _, f := range s.Lowest {
		for _, addr := range f.Addresses {
			if !slices.Contains(addrs, addr) {
				addrs = append(addrs, addr)
			}
		}
	}
	return addrs
}

func (s *Stanza) setWatch(l line) error {
	const expected = "none or an interval from 10s to 1h, such as 30s"
	s.Watch, s.watchAt = sinks.DefaultInterval, l.at
	switch {
	case len(l.values) == 0:
		return nil
	case len(l.values) > 1:
		return l.at.errorf("watch has %d values: expected %s", len(l.values), expected)
	}
	interval, err := time.ParseDuration(l.values[0])
	if err != nil || interval < sinks.ShortestInterval || interval > sinks.LongestInterval {
		return l.at.errorf("bad watch %s: expected %s", quoted(l.values[0]), expected)
	}
	s.Watch = interval
	return nil
}

func (s *Stanza) setControls(l line) error {
	const expected = "addresses of hosts that accept mail on port 25, such as that of the real MX"
	s.controlAt = l.at
	if len(l.values) == 0 {
		return l.at.errorf("control without an address: expected %s", expected)
	}
	if len(l.values) > maxControls {
		return l.at.errorf("control has %d addresses: expected at most %d", len(l.values), maxControls)
	}
	for _, value := range l.values {
		addr, err := netip.ParseAddr(value)
		switch {
		case err != nil || addr.Zone() != "" || addr.Is4In6() || addr.IsUnspecified() || addr.IsMulticast():
			return l.at.errorf("bad control %s: expected %s", quoted(value), expected)
		case addr.IsLoopback():
			return l.at.errorf("bad control %q: this host can always call itself; expected %s", value, expected)
		case slices.Contains(s.Controls, addr):
			return l.at.errorf("control %q is given twice: expected once", value)
		}
		s.Controls = append(s.Controls, addr)
	}
	return nil
}

func (s *Stanza) setSerial(l line) error {
	file, err := l.single("the path of a file to keep serial numbers in")
	if err != nil {
		return err
	}
	if !filepath.IsAbs(file) && l.root != "" {
		file = filepath.Join(l.root, file)
	}
	s.Serial, s.serialAt = filepath.Clean(file), l.at
	return nil
}

// checkGuard looks at what watch and control have in common with the rest of the
// stanza.
func (s *Stanza) checkGuard() error {
	switch {
	case s.Watched() && len(s.Controls) == 0:
		return s.watchAt.errorf("watch without control: expected a line control ADDRESS... with hosts that accept mail on port 25, " +
			"or nobody knows whether this host may call it at all")
	case !s.Watched() && len(s.Controls) > 0:
		return s.controlAt.errorf("control without watch: expected a line watch too")
	case !s.Watched():
		return nil
	}
	if len(s.WatchedSinks()) == 0 {
		return s.watchAt.errorf("watch has nothing to look at: expected a line lowest NAME ADDRESS...")
	}
	for _, f := range s.Fakes() {
		for _, addr := range f.Addresses {
			if slices.Contains(s.Controls, addr) {
				return s.controlAt.errorf("control %q is the address of the sink %q: expected hosts that accept mail", addr, f.Name)
			}
		}
	}
	return nil
}

// serials are the files and zones of serial in all server blocks of an instance,
// with the line that has them.
type serials struct{ files, zones map[string]position }

type serialsKey struct{}

// checkSerials looks for a file, or a zone, in two server blocks: each would move
// the numbers of the other.
func checkSerials(c *caddy.Controller, stanzas []*Stanza) error {
	all, ok := c.Get(serialsKey{}).(*serials)
	if !ok {
		all = &serials{make(map[string]position), make(map[string]position)}
		c.Set(serialsKey{}, all)
	}
	var first *Stanza
	for _, s := range stanzas {
		if s.Serial == "" {
			continue
		}
		other, taken := all.files[s.Serial]
		switch {
		case first != nil && s.Serial != first.Serial:
			return s.serialAt.errorf("serial %q: line %d of the same server block has %q; expected one file", s.Serial, first.serialAt.line, first.Serial)
		case first == nil && taken:
			return s.serialAt.errorf("serial %q is the file of another server block in line %d: expected a file of its own", s.Serial, other.line)
		case first == nil:
			first = s
		}
		for _, zone := range s.Zones {
			if other, taken := all.zones[zone]; taken {
				return s.serialAt.errorf("zone %q has a serial in another server block in line %d: expected it in one", zone, other.line)
			}
			all.zones[zone] = s.serialAt
		}
	}
	if first != nil {
		all.files[first.Serial] = first.serialAt
	}
	return nil
}

// SerialError reports what is wrong with the file of serial.
func (s *Stanza) SerialError(err error) error { return s.serialAt.errorf("serial: %w", err) }

// Front says what the plugins in front of fakemx, and beside it, mean for watch
// and serial: whether there is a cache, and transfer.
type Front struct{ Cache, Transfer bool }

// WarnFront returns what the operator has to know of them.
func (s *Stanza) WarnFront(f Front) (warnings []string) {
	warn := func(p position, format string, args ...any) {
		warnings = append(warnings, p.warning(format, args...))
	}
	var held []string
	if s.Watched() {
		held = append(held, "watch")
	}
	if s.Serial != "" {
		held = append(held, "serial")
	}
	if f.Cache && len(held) > 0 {
		p := s.watchAt
		if !s.Watched() {
			p = s.serialAt
		}
		warn(p, "cache in front of fakemx holds up the changes of %s: answers are old for as long as it keeps them", strings.Join(held, " and "))
	}
	switch {
	case s.Watched() && f.Transfer && s.Serial == "":
		warn(s.watchAt, "without serial, transfers keep the fakes that watch withdraws: secondaries go on with them")
	case s.Serial != "" && !f.Transfer:
		warn(s.serialAt, "serial without transfer in the server block: nobody can follow")
	}
	return warnings
}

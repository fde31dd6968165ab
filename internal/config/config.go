// Package config reads the fakemx stanzas of a Corefile, and the lists of zones
// that they name. What is mistaken is refused with file, line, value and what is
// expected; what has no effect, or costs mail in some cases, becomes a warning.
//
// [Parse] gives the stanzas of a server block, which never change after that.
// [Lists] reads the files of zones_from and goes on looking at them.
package config

import (
	"fmt"
	"math"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	"github.com/fakemx/fakemx/internal/dnsname"
	"github.com/miekg/dns"
)

const (
	defaultStep = 10
	defaultTTL  = 3600

	// maxTTL is from RFC 2181 section 8.
	maxTTL = math.MaxInt32
	// maxFakes keeps a mistyped range from filling the memory; an MX set of this
	// size comes near the 64 KiB of a DNS message.
	maxFakes = 1000

	// With more in front of the real MX, stock senders never reach it: Postfix
	// stops after 5 addresses of a domain, chasquid after 5 names.
	maxLowest          = 4
	maxLowestAddresses = 4
	// With more than these, some senders do not reach it while a real one is down.
	safeLowest          = 1
	safeLowestAddresses = 2
)

// Stanza is one fakemx block of a Corefile. It does not change after setup.
type Stanza struct {
	at position

	// Zones are those of the Corefile, canonical, without repetition.
	Zones  []string
	Lowest []Fake
	// Highest fakes follow the lowest ones in every slice that has both.
	Highest []Fake
	// Step is the distance between two preferences, 1 to 65535.
	Step int
	// TTL is that of the sinks' records, in seconds.
	TTL    uint32
	Except Exceptions
	// Real is the label of untouched sets, in lower case, "" without.
	Real   string
	DryRun bool
	// ListFile is the path of zones_from, "" without.
	ListFile string
	listAt   position

	// Warnings are for the operator to read once at start.
	Warnings []string
}

// Fake is one synthetic MX of a stanza, after its range was expanded.
type Fake struct {
	at position
	// Name is that of the sink, canonical: absolute with a final dot, or relative
	// to each zone.
	Name string
	// Addresses are served for the sink; none if others do that.
	Addresses []netip.Addr
}

// Absolute reports whether the name is the same in every zone.
func (f *Fake) Absolute() bool { return f.Name[len(f.Name)-1] == '.' }

// Served reports whether the stanza serves the sink.
func (f *Fake) Served() bool { return len(f.Addresses) > 0 }

// position is a line of a Corefile.
type position struct {
	file string
	line int
}

func positionOf(c *caddy.Controller) position { return position{c.File(), c.Line()} }

// errorf reports a mistake at p in the words of the Corefile's own parser.
func (p position) errorf(format string, args ...any) error {
	return fmt.Errorf("%s:%d - Error during parsing: "+format, append([]any{p.file, p.line}, args...)...)
}

// Parse reads every fakemx stanza of a server block.
func Parse(c *caddy.Controller) ([]*Stanza, error) {
	var stanzas []*Stanza
	for c.Next() {
		s, err := parseStanza(c)
		if err != nil {
			return nil, err
		}
		stanzas = append(stanzas, s)
	}
	for _, s := range stanzas {
		if err := s.check(); err != nil {
			return nil, err
		}
	}
	return stanzas, checkTogether(stanzas)
}

func parseStanza(c *caddy.Controller) (*Stanza, error) {
	s := &Stanza{at: positionOf(c), Step: defaultStep, TTL: defaultTTL}
	var err error
	if s.Zones, err = parseZones(c); err != nil {
		return nil, err
	}
	seen := make(map[string]bool)
	for c.NextBlock() {
		property := c.Val()
		p := positionOf(c)
		args := c.RemainingArgs()
		switch property {
		case "lowest", "highest", "except":
		default:
			if seen[property] {
				return nil, p.errorf("%s is given twice: expected once", property)
			}
			seen[property] = true
		}
		if err := s.set(c, p, property, args); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// set takes one line of the block.
func (s *Stanza) set(c *caddy.Controller, p position, property string, args []string) error {
	var err error
	switch property {
	case "lowest":
		s.Lowest, err = appendFakes(s.Lowest, p, property, args)
	case "highest":
		s.Highest, err = appendFakes(s.Highest, p, property, args)
	case "step":
		s.Step, err = number(p, property, args, 1, math.MaxUint16)
	case "ttl":
		var ttl int
		ttl, err = number(p, property, args, 0, maxTTL)
		s.TTL = uint32(ttl)
	case "except":
		err = s.Except.add(p, args)
	case "real":
		s.Real, err = realLabel(p, args)
	case "zones_from":
		if s.ListFile, err = single(p, property, args, "the path of a file with one zone a line"); err != nil {
			return err
		}
		if root := dnsserver.GetConfig(c).Root; !filepath.IsAbs(s.ListFile) && root != "" {
			s.ListFile = filepath.Join(root, s.ListFile)
		}
		s.listAt = p
	case "dry_run":
		if len(args) > 0 {
			err = p.errorf("dry_run has the value %q: expected none", args[0])
		}
		s.DryRun = true
	default:
		err = p.errorf("unknown property %q: expected lowest, highest, step, ttl, except, real, zones_from or dry_run", property)
	}
	return err
}

// parseZones returns the stanza's zones, canonical and without repetition.
func parseZones(c *caddy.Controller) ([]string, error) {
	p := positionOf(c)
	args := c.RemainingArgs()
	if len(args) == 0 {
		args = c.ServerBlockKeys
	}
	zones := make([]string, 0, len(args))
	seen := make(map[string]bool, len(args))
	for _, arg := range args {
		names := plugin.Host(arg).NormalizeExact()
		if len(names) == 0 {
			return nil, p.errorf("bad zone %q: expected a domain name", arg)
		}
		for _, name := range names {
			if !dnsname.Fits(name) {
				return nil, p.errorf("bad zone %q: expected a domain name", arg)
			}
			if name = dnsname.Canonical(name); !seen[name] {
				seen[name] = true
				zones = append(zones, name)
			}
		}
	}
	return zones, nil
}

func appendFakes(fakes []Fake, p position, property string, args []string) ([]Fake, error) {
	if len(args) == 0 {
		return nil, p.errorf("%s without a name: expected %s NAME [ADDRESS...]", property, property)
	}
	names, err := sinkNames(args[0])
	if err != nil {
		return nil, p.errorf("%s: %w", property, err)
	}
	var addresses []netip.Addr
	for _, arg := range args[1:] {
		addr, err := parseAddress(arg)
		if err != nil {
			return nil, p.errorf("%s %s: %w", property, args[0], err)
		}
		if slices.Contains(addresses, addr) {
			return nil, p.errorf("%s %s: address %q is given twice: expected once", property, args[0], arg)
		}
		addresses = append(addresses, addr)
	}
	if len(fakes)+len(names) > maxFakes {
		return nil, p.errorf("%s %s: more than %d fakes: expected fewer", property, args[0], maxFakes)
	}
	for _, name := range names {
		fakes = append(fakes, Fake{at: p, Name: name, Addresses: addresses})
	}
	return fakes, nil
}

func single(p position, property string, args []string, expected string) (string, error) {
	if len(args) != 1 {
		return "", p.errorf("%s has %d values: expected one, %s", property, len(args), expected)
	}
	return args[0], nil
}

func number(p position, property string, args []string, smallest, largest int) (int, error) {
	expected := fmt.Sprintf("a whole number from %d to %d", smallest, largest)
	arg, err := single(p, property, args, expected)
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(arg)
	if err != nil || n < smallest || n > largest {
		return 0, p.errorf("bad %s %q: expected %s", property, arg, expected)
	}
	return n, nil
}

func realLabel(p position, args []string) (string, error) {
	const expected = "a single label such as _realmx"
	label, err := single(p, "real", args, expected)
	if err != nil {
		return "", err
	}
	if n, ok := dns.IsDomainName(label); !ok || n != 1 || !isHostName(label) {
		return "", p.errorf("bad real %q: expected %s", label, expected)
	}
	return dnsname.Lower(label), nil
}

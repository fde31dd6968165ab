package fakemx

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

// stanza is one fakemx block of a Corefile. It does not change after setup.
type stanza struct {
	at position

	zones  []string
	lowest []fake
	// highest fakes follow the lowest ones in every slice that has both.
	highest []fake
	step    int
	ttl     uint32
	except  exceptions
	real    string
	dryRun  bool
	// listFile is the path of zones_from, "" without.
	listFile string
	listAt   position

	tree     tree
	warnings []string
}

// fake is one synthetic MX of a stanza, after its range was expanded.
type fake struct {
	at position
	// name is canonical: absolute with a final dot, or relative to each zone.
	name      string
	addresses []netip.Addr
}

func (f *fake) absolute() bool { return f.name[len(f.name)-1] == '.' }
func (f *fake) served() bool   { return len(f.addresses) > 0 }

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

// parse reads every fakemx stanza of a server block.
func parse(c *caddy.Controller) ([]*stanza, error) {
	var stanzas []*stanza
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

func parseStanza(c *caddy.Controller) (*stanza, error) {
	s := &stanza{at: positionOf(c), step: defaultStep, ttl: defaultTTL}
	var err error
	if s.zones, err = parseZones(c); err != nil {
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
func (s *stanza) set(c *caddy.Controller, p position, property string, args []string) error {
	var err error
	switch property {
	case "lowest":
		s.lowest, err = appendFakes(s.lowest, p, property, args)
	case "highest":
		s.highest, err = appendFakes(s.highest, p, property, args)
	case "step":
		s.step, err = number(p, property, args, 1, math.MaxUint16)
	case "ttl":
		var ttl int
		ttl, err = number(p, property, args, 0, maxTTL)
		s.ttl = uint32(ttl)
	case "except":
		err = s.except.add(p, args)
	case "real":
		s.real, err = realLabel(p, args)
	case "zones_from":
		if s.listFile, err = single(p, property, args, "the path of a file with one zone a line"); err != nil {
			return err
		}
		if root := dnsserver.GetConfig(c).Root; !filepath.IsAbs(s.listFile) && root != "" {
			s.listFile = filepath.Join(root, s.listFile)
		}
		s.listAt = p
	case "dry_run":
		if len(args) > 0 {
			err = p.errorf("dry_run has the value %q: expected none", args[0])
		}
		s.dryRun = true
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
			if !fits(name) {
				return nil, p.errorf("bad zone %q: expected a domain name", arg)
			}
			if name = canonical(name); !seen[name] {
				seen[name] = true
				zones = append(zones, name)
			}
		}
	}
	return zones, nil
}

func appendFakes(fakes []fake, p position, property string, args []string) ([]fake, error) {
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
		fakes = append(fakes, fake{at: p, name: name, addresses: addresses})
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
	return lower(label), nil
}

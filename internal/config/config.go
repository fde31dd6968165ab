// Package config reads the fakemx stanzas of a Corefile, and the lists of zones
// that they name. What is mistaken is refused with file, line, value and what is
// expected; what has no effect, or costs mail in some cases, becomes a warning.
//
// [Parse] gives the stanzas of a server block, and [Lists] reads the files of
// zones_from, adds what is to say about them to the warnings, and goes on looking
// at them. After that a stanza never changes.
//
// Names are host names as they stand in DNS; what is meant for another program
// is refused with the reason, since it would never match. A name without a final
// dot is relative to each zone, unless it ends in a zone of the server block.
package config

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"time"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/fakemx/fakemx/internal/dnsname"
)

const (
	defaultStep = 10
	defaultTTL  = 3600

	// maxTTL is from RFC 2181 section 8.
	maxTTL = math.MaxInt32
	// maxFakes leaves room for as many real records in the 100 that Postfix and
	// sendmail keep of a set.
	maxFakes = 50

	// With more in front of the real MX, stock senders never reach it: Postfix
	// stops after 5 addresses of a domain, chasquid after 5 names.
	maxLowest          = 4
	maxLowestAddresses = 4
	// With more than these, some senders do not reach it while a real one is down.
	safeLowest          = 1
	safeLowestAddresses = 2
	// rspamd's mx_check, 2.7 to 4.0, connects to the five highest numbers of a
	// sender's domain, and finds it bogus if none of them answers.
	safeHighest = 4
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
	TTL uint32
	// Except are the names that are left alone.
	Except Subtrees
	// Exchanges, if there are any, are those to which every real exchange of a set
	// must belong for fakes to join it.
	Exchanges Subtrees
	// Real is the label of untouched sets, in lower case, "" without.
	Real   string
	DryRun bool
	// ListFile is the path of zones_from, "" without.
	ListFile string
	listAt   position
	// Watch is the interval at which sinks of lowest fakes are looked at, 0 without,
	// and Controls are hosts that accept on port 25.
	Watch              time.Duration
	Controls           []netip.Addr
	watchAt, controlAt position
	// Serial is the path of the file with serial numbers, "" without.
	Serial   string
	serialAt position
	// block are the zones of the server block.
	block []string
	// rootByDefault says that the stanza has the root because it names no zones.
	rootByDefault bool

	// Text is what the lines say that shape a zone, one each: two stanzas with the
	// same text do the same to it.
	Text string

	// Warnings are for the operator to read once at start.
	Warnings []string
}

// Fake is one synthetic MX of a stanza, after its range was expanded.
type Fake struct {
	at position
	// Name is that of the sink, canonical: absolute with a final dot, even if it was
	// written without, or relative to each zone.
	Name string
	// Addresses are served for the sink; none if others do that.
	Addresses []netip.Addr
}

// Absolute reports whether the name is the same in every zone.
func (f *Fake) Absolute() bool { return isAbsolute(f.Name) }

// In returns the name of the sink in a zone, canonical.
func (f *Fake) In(zone string) string {
	if f.Absolute() {
		return f.Name
	}
	return dnsname.Join(f.Name, zone)
}

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
	resolve(stanzas)
	for _, s := range stanzas {
		if err := s.check(); err != nil {
			return nil, err
		}
	}
	if err := checkTogether(stanzas); err != nil {
		return nil, err
	}
	return stanzas, checkSerials(c, stanzas)
}

func parseStanza(c *caddy.Controller) (*Stanza, error) {
	s := &Stanza{at: positionOf(c), Step: defaultStep, TTL: defaultTTL, block: blockZones(c)}
	zones, given, err := zoneArguments(c)
	if err != nil {
		return nil, err
	}
	s.Zones, s.rootByDefault = zones, !given && slices.Contains(zones, ".")
	root := dnsserver.GetConfig(c).Root
	seen := make(map[string]bool)
	for c.NextBlock() {
		l := line{at: positionOf(c), property: c.Val(), root: root}
		l.values = c.RemainingArgs()
		if err := s.set(l, seen); err != nil {
			return nil, err
		}
		switch l.property {
		case "zones_from", "watch", "control", "serial":
		default:
			s.Text += fmt.Sprintf("%s %q\n", l.property, l.values)
		}
	}
	return s, nil
}

// resolve settles which names of the stanzas are absolute. The root does not
// count as a zone here: every name ends in it.
func resolve(stanzas []*Stanza) {
	zones := make(zoneSet)
	for _, s := range stanzas {
		for _, zone := range s.Zones {
			if zone != "." {
				zones[zone] = struct{}{}
			}
		}
	}
	for _, s := range stanzas {
		for _, fakes := range [][]Fake{s.Lowest, s.Highest} {
			for i := range fakes {
				fakes[i].Name = absoluteIn(fakes[i].Name, zones)
			}
		}
		s.Except.resolve(zones)
		s.Exchanges.resolve(zones)
	}
}

// Fakes returns the lowest fakes and then the highest ones.
func (s *Stanza) Fakes() []Fake { return slices.Concat(s.Lowest, s.Highest) }

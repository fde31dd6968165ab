package check

import (
	"fmt"
	"iter"
	"net/netip"
	"os"
	"path/filepath"
	"slices"

	"github.com/coredns/caddy"
	"github.com/coredns/caddy/caddyfile"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/fakemx/fakemx/internal/config"
	"github.com/fakemx/fakemx/internal/dnsname"
)

// maxControls is how many hosts of control of the Corefile are called for each
// address family.
const maxControls = 8

// Target is a name whose MX set is looked at.
type Target struct {
	// Owner is the name, canonical.
	Owner string
	// Zone is the configured zone that it lies in, and Stanza what fakemx is told
	// there. Without a stanza the set is looked at as it is served.
	Zone   string
	Stanza *config.Stanza
	// Signs says that the server block has the dnssec plugin, which signs in front
	// of fakemx.
	Signs bool
	// Shared says that the stanza has more than one zone.
	Shared bool
}

// Corefile is what the fakemx stanzas of a Corefile say.
type Corefile struct {
	// order has the zones as they come, each once.
	order []string
	zones map[string]*stanzaIn
	// warnings are those of all stanzas.
	warnings []Finding
	// controls are the hosts of control, in the order of the Corefile.
	controls []netip.Addr
}

// stanzaIn is a stanza with what its block says.
type stanzaIn struct {
	*config.Stanza

	signs bool
	list  *config.List // nil without
}

// ReadCorefile reads the fakemx stanzas of all server blocks of a Corefile with
// the plugin's own parser, imports, variables and lists of zones included. Where
// two blocks have a zone, the first has it. A mistake is an error of one line
// that names file and line.
func ReadCorefile(path string) (*Corefile, error) {
	content, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	blocks, err := caddyfile.Parse(path, content, nil)
	if err != nil {
		return nil, err
	}
	c := &Corefile{zones: make(map[string]*stanzaIn)}
	found := false
	for i, b := range blocks {
		if len(b.Tokens["fakemx"]) == 0 {
			continue
		}
		if err := c.add(path, i, b); err != nil {
			return nil, err
		}
		found = true
	}
	if !found {
		return nil, fmt.Errorf("%s: no fakemx in it: expected a server block with the plugin", path)
	}
	return c, nil
}

// add reads one server block.
func (c *Corefile) add(path string, index int, b caddyfile.ServerBlock) error {
	controller := caddy.NewTestController("dns", "")
	controller.Dispenser = caddyfile.NewDispenserTokens(path, b.Tokens["fakemx"])
	controller.ServerBlockIndex, controller.ServerBlockKeys = index, b.Keys
	if root := b.Tokens["root"]; len(root) > 1 {
		dnsserver.GetConfig(controller).Root = filepath.Clean(root[1].Text)
	}
	parsed, err := config.Parse(controller)
	if err != nil {
		return err
	}
	stanzas := make([]*stanzaIn, 0, len(parsed))
	for _, s := range parsed {
		stanzas = append(stanzas, &stanzaIn{Stanza: s, signs: len(b.Tokens["dnssec"]) > 0})
	}
	err = config.Lists(controller, parsed, func(lists []*config.List) {
		for _, l := range lists {
			i := slices.Index(parsed, l.Stanza)
			stanzas[i].list = l
		}
	})
	if err != nil {
		return err
	}
	for _, s := range stanzas {
		c.warnings = append(c.warnings, warnings(s.Stanza)...)
		c.control(s.Controls)
		for zone := range s.all() {
			if c.zones[zone] == nil {
				c.zones[zone] = s
				c.order = append(c.order, zone)
			}
		}
	}
	return nil
}

// all yields the zones of the stanza, those of the Corefile first.
func (s *stanzaIn) all() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, zone := range s.Zones {
			if !yield(zone) {
				return
			}
		}
		if s.list == nil {
			return
		}
		for zone := range s.list.All() {
			if !yield(zone) {
				return
			}
		}
	}
}

func (s *stanzaIn) size() int {
	n := len(s.Zones)
	if s.list != nil {
		n += s.list.Len()
	}
	return n
}

// Len returns the number of zones, lists included.
func (c *Corefile) Len() int { return len(c.order) }

// Warnings returns what the plugin warns about, as the reports of the domains
// have it, too. There are none where c is nil.
func (c *Corefile) Warnings() []Finding {
	if c == nil {
		return nil
	}
	return c.warnings
}

// Controls returns the hosts of control of all stanzas, each once, at most
// maxControls of an address family. There are none where c is nil.
func (c *Corefile) Controls() []netip.Addr {
	if c == nil {
		return nil
	}
	return c.controls
}

// control adds hosts of control. A few say whether port 25 can be seen; ten
// thousand stanzas may have as many hosts.
func (c *Corefile) control(hosts []netip.Addr) {
	for _, host := range hosts {
		family := 0
		for _, other := range c.controls {
			if other.Is4() == host.Is4() {
				family++
			}
		}
		if family < maxControls && !slices.Contains(c.controls, host) {
			c.controls = append(c.controls, host)
		}
	}
}

// Targets yields all zones, in the order of the Corefile and its lists.
func (c *Corefile) Targets() iter.Seq[Target] {
	return func(yield func(Target) bool) {
		for _, zone := range c.order {
			if !yield(c.zones[zone].target(zone, zone)) {
				return
			}
		}
	}
}

// Target returns the target for a name: the most specific zone wins.
func (c *Corefile) Target(name string) (Target, error) {
	owner, err := ownerName(name)
	if err != nil {
		return Target{}, err
	}
	for zone := owner; ; zone = dnsname.Parent(zone) {
		if s := c.zones[zone]; s != nil {
			return s.target(owner, zone), nil
		}
		if zone == "." {
			return Target{}, fmt.Errorf("%q lies in no zone of the Corefile: expected a name in one", name)
		}
	}
}

// FakesOf returns the canonical names of the fakes of a domain, and whether a zone
// of the Corefile has the domain.
func (c *Corefile) FakesOf(domain string) (fakes []string, ok bool) {
	target, err := c.Target(domain)
	if err != nil {
		return nil, false
	}
	for _, f := range target.Stanza.Fakes() {
		fakes = append(fakes, f.In(target.Zone))
	}
	return fakes, true
}

func (s *stanzaIn) target(owner, zone string) Target {
	return Target{Owner: owner, Zone: zone, Stanza: s.Stanza, Signs: s.signs, Shared: s.size() > 1}
}

// Plain returns the target for a name without a configuration.
func Plain(name string) (Target, error) {
	owner, err := ownerName(name)
	return Target{Owner: owner}, err
}

func ownerName(name string) (string, error) {
	owner := dnsname.Canonical(name)
	if name == "" || owner == "." || !dnsname.Fits(owner) {
		return "", fmt.Errorf("bad domain %q: expected a domain name", name)
	}
	return owner, nil
}

// has reports whether a name lies in a zone of the Corefile.
func (c *Corefile) has(name string) bool {
	if c == nil {
		return false
	}
	_, err := c.Target(name)
	return err == nil
}

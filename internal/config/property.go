package config

import (
	"fmt"
	"math"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/fakemx/fakemx/internal/dnsname"
	"github.com/miekg/dns"
)

// line is one line of a stanza's block.
type line struct {
	at       position
	property string
	values   []string
	// root is the directory of relative paths, "" for that of the process.
	root string
}

// property is what a line can set.
type property struct {
	name string
	// usage is what stands behind the name.
	usage string
	// repeatable says that the lines add up.
	repeatable bool
	set        func(*Stanza, line) error
}

var properties = []property{
	{"lowest", "NAME [ADDRESS...]", true, func(s *Stanza, l line) error { return s.addFakes(&s.Lowest, l) }},
	{"highest", "NAME [ADDRESS...]", true, func(s *Stanza, l line) error { return s.addFakes(&s.Highest, l) }},
	{"step", "N", false, (*Stanza).setStep},
	{"ttl", "SECONDS", false, (*Stanza).setTTL},
	{"except", "NAME...", true, func(s *Stanza, l line) error { return s.Except.add(l) }},
	{"exchanges", "NAME...", true, func(s *Stanza, l line) error { return s.Exchanges.add(l) }},
	{"real", "LABEL", false, (*Stanza).setReal},
	{"zones_from", "FILE", false, (*Stanza).setListFile},
	{"watch", "[INTERVAL]", false, (*Stanza).setWatch},
	{"control", "ADDRESS...", false, (*Stanza).setControls},
	{"serial", "FILE", false, (*Stanza).setSerial},
	{"dry_run", "", false, (*Stanza).setDryRun},
}

// unset is the likely cause of an empty word in a Corefile.
const unset = "; perhaps a {$VARIABLE} is not set"

// set takes one line of the block. seen are the properties before it.
func (s *Stanza) set(l line, seen map[string]bool) error {
	i := slices.IndexFunc(properties, func(p property) bool { return p.name == l.property })
	if i < 0 {
		hint := ""
		if l.property == "" {
			hint = unset
		}
		return l.at.errorf("unknown property %s: expected %s%s", quoted(l.property), propertyNames(), hint)
	}
	p := properties[i]
	if seen[p.name] && !p.repeatable {
		return l.at.errorf("%s is given twice: expected once", p.name)
	}
	seen[p.name] = true
	if slices.Contains(l.values, "") {
		return l.at.errorf("%s has an empty value: expected %s%s", p.name, strings.TrimSpace(p.name+" "+p.usage), unset)
	}
	return p.set(s, l)
}

// propertyNames returns "a, b or c".
func propertyNames() string {
	names := make([]string, len(properties))
	for i, p := range properties {
		names[i] = p.name
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

func (s *Stanza) addFakes(fakes *[]Fake, l line) error {
	if len(l.values) == 0 {
		return l.at.errorf("%s without a name: expected %s NAME [ADDRESS...]", l.property, l.property)
	}
	name := l.values[0]
	names, err := sinkNames(name)
	if err != nil {
		return l.at.errorf("%s: bad name %s: %w", l.property, quoted(name), err)
	}
	var addresses []netip.Addr
	for _, value := range l.values[1:] {
		addr, err := parseAddress(value)
		if err != nil {
			return l.at.errorf("%s %s: %w", l.property, name, err)
		}
		if slices.Contains(addresses, addr) {
			return l.at.errorf("%s %s: address %q is given twice: expected once", l.property, name, value)
		}
		addresses = append(addresses, addr)
	}
	if len(s.Lowest)+len(s.Highest)+len(names) > maxFakes {
		return l.at.errorf("%s %s: more than %d fakes: expected fewer, some senders keep 100 records of a set and drop real ones beyond", l.property, name, maxFakes)
	}
	for _, name := range names {
		*fakes = append(*fakes, Fake{at: l.at, Name: name, Addresses: addresses})
	}
	return nil
}

func (s *Stanza) setStep(l line) (err error) {
	s.Step, err = l.number(1, math.MaxUint16)
	return err
}

func (s *Stanza) setTTL(l line) error {
	ttl, err := l.number(0, maxTTL)
	s.TTL = uint32(ttl)
	return err
}

func (s *Stanza) setReal(l line) error {
	const expected = "a single label such as _realmx"
	label, err := l.single(expected)
	if err != nil {
		return err
	}
	if n, ok := dns.IsDomainName(label); !ok || n != 1 || !isHostName(label) {
		return l.at.errorf("bad real %s: expected %s", quoted(label), expected)
	}
	s.Real = dnsname.Lower(label)
	return nil
}

func (s *Stanza) setListFile(l line) error {
	path, err := l.single("the path of a file with one zone a line")
	if err != nil {
		return err
	}
	if !filepath.IsAbs(path) && l.root != "" {
		path = filepath.Join(l.root, path)
	}
	s.ListFile, s.listAt = path, l.at
	return nil
}

func (s *Stanza) setDryRun(l line) error {
	if len(l.values) > 0 {
		return l.at.errorf("dry_run has the value %s: expected none", quoted(l.values[0]))
	}
	s.DryRun = true
	return nil
}

// single returns the value of a line that has one.
func (l line) single(expected string) (string, error) {
	if len(l.values) != 1 {
		return "", l.at.errorf("%s has %d values: expected one, %s", l.property, len(l.values), expected)
	}
	return l.values[0], nil
}

func (l line) number(smallest, largest int) (int, error) {
	expected := fmt.Sprintf("a whole number from %d to %d", smallest, largest)
	value, err := l.single(expected)
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < smallest || n > largest {
		return 0, l.at.errorf("bad %s %s: expected %s", l.property, quoted(value), expected)
	}
	return n, nil
}

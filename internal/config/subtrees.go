package config

import (
	"maps"
	"slices"

	"github.com/fakemx/fakemx/internal/dnsname"
	"github.com/miekg/dns"
)

// Subtrees are the names of a property, each with all that is below it. The zero
// value holds none.
type Subtrees struct {
	written []writtenName
	// relative names have no final dot, and absolute ones have it. A name that was
	// written without may be meant either way, and is in both.
	relative, absolute map[string]struct{}
}

// writtenName is a name in a line of a Corefile.
type writtenName struct {
	at position
	// name is canonical but for the final dot, which it has if it was written.
	name string
}

// Empty reports whether there is no name.
func (t *Subtrees) Empty() bool { return len(t.absolute) == 0 }

// Cover reports whether name, which is canonical and lies in the zone apex or
// elsewhere, is one of the names in that zone or below one.
func (t *Subtrees) Cover(name, apex string) bool {
	if t.Empty() {
		return false
	}
	for off, end := 0, name == "."; !end; off, end = dns.NextLabel(name, off) {
		if _, ok := t.absolute[name[off:]]; ok {
			return true
		}
		if len(t.relative) == 0 {
			continue
		}
		if relative, ok := dnsname.Relative(name[off:], apex); ok {
			if _, ok := t.relative[relative]; ok {
				return true
			}
		}
	}
	_, root := t.absolute["."]
	return root
}

// Names returns the names as they are in the zone apex, canonical; one that may be
// meant either way is there twice.
func (t *Subtrees) Names(apex string) []string {
	names := slices.Collect(maps.Keys(t.absolute))
	for relative := range t.relative {
		names = append(names, dnsname.Join(relative, apex))
	}
	return names
}

// add takes one line of a property.
func (t *Subtrees) add(l line) error {
	if len(l.values) == 0 {
		return l.at.errorf("%s without a name: expected %s NAME...", l.property, l.property)
	}
	for _, value := range l.values {
		name, err := appendName(nil, []byte(value), false)
		if err != nil {
			return l.at.errorf("bad %s %s: %w", l.property, quoted(value), err)
		}
		if value[len(value)-1] != '.' {
			name = name[:len(name)-1]
		}
		t.written = append(t.written, writtenName{l.at, string(name)})
	}
	return nil
}

// resolve settles what the names mean.
func (t *Subtrees) resolve(zones zoneSet) {
	if len(t.written) == 0 {
		return
	}
	t.relative, t.absolute = make(map[string]struct{}), make(map[string]struct{})
	for i := range t.written {
		w := &t.written[i]
		w.name = absoluteIn(w.name, zones)
		t.absolute[dns.Fqdn(w.name)] = struct{}{}
		if !isAbsolute(w.name) {
			t.relative[w.name] = struct{}{}
		}
	}
}

// absoluteIn adds the final dot to a name of a Corefile that ends in one of the
// zones: who writes decoy.example.org in example.org means that name, and not
// decoy.example.org.example.org. Any other name stays as it is.
func absoluteIn(name string, zones zoneSet) string {
	if !isAbsolute(name) && zones.enclosing(name+".") != "" {
		return name + "."
	}
	return name
}

// isAbsolute reports whether a name of a Corefile is the same in every zone.
func isAbsolute(name string) bool { return name[len(name)-1] == '.' }

// coversRelative is Cover for a name relative to any zone, by relative names
// alone.
func (t *Subtrees) coversRelative(name string) bool {
	for off, end := 0, false; !end; off, end = dns.NextLabel(name, off) {
		if _, ok := t.relative[name[off:]]; ok {
			return true
		}
	}
	return false
}

// String returns the names as they are understood.
func (t *Subtrees) String() string {
	names := make([]string, len(t.written))
	for i, w := range t.written {
		names[i] = w.name
	}
	return shortList(names)
}

package zones

import (
	"strings"

	"github.com/fakemx/fakemx/internal/config"
	"github.com/fakemx/fakemx/internal/dnsname"
)

// tree holds the names that the sinks of a stanza bring into being, and is
// closed under their ancestors: a name that is not in it has nothing below it
// that is.
type tree struct {
	relative map[string]*node
	absolute map[string]*node
}

// node is a name that exists because of sinks.
type node struct {
	kind Kind
	// sinks are those that bring the name into being, as indexes into the fakes of
	// the stanza: the one that it belongs to, or all below it.
	sinks []int
}

// Kind says why a name exists.
type Kind uint8

const (
	// Between is an empty non-terminal (RFC 9499 section 7): it is there because
	// something is below it.
	Between Kind = iota
	// Sink is the sink itself.
	Sink
	// TLSA is where the TLSA records of a sink stand, RFC 6698 section 3.
	TLSA
)

// TLSAPrefix stands before the name of a host in the name of its TLSA records.
const TLSAPrefix = "_25._tcp."

func newTree(fakes []config.Fake) tree {
	t := tree{relative: make(map[string]*node), absolute: make(map[string]*node)}
	for i, f := range fakes {
		if f.Served() {
			t.of(f)[f.Name] = &node{Sink, []int{i}}
			t.of(f)[TLSAPrefix+f.Name] = &node{TLSA, []int{i}}
		}
	}
	for i, f := range fakes {
		if f.Served() {
			addAncestors(t.of(f), TLSAPrefix+f.Name, i)
		}
	}
	return t
}

func (t *tree) of(f config.Fake) map[string]*node {
	if f.Absolute() {
		return t.absolute
	}
	return t.relative
}

// addAncestors adds what is above name. Names of sinks hold no escapes. That an
// absolute name goes on above its zone does no harm: lookups end at the apex.
func addAncestors(nodes map[string]*node, name string, sink int) {
	for {
		_, above, ok := strings.Cut(name, ".")
		if !ok || above == "" {
			return
		}
		switch n := nodes[above]; {
		case n == nil:
			nodes[above] = &node{Between, []int{sink}}
		case n.kind == Between:
			n.sinks = append(n.sinks, sink)
		}
		name = above
	}
}

// deepest returns the deepest node at or above the name that apex is a suffix
// of, and that node's name. Names at the apex or above are not looked at.
func (t *tree) deepest(apex dnsname.Suffix) (found *node, name string) {
	for s := apex; s.Down(); {
		n := t.relative[s.Above(apex)]
		if n == nil && len(t.absolute) > 0 {
			n = t.absolute[s.String()]
		}
		if n == nil {
			break
		}
		found, name = n, s.String()
	}
	return found, name
}

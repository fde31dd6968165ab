package fakemx

import (
	"strings"

	"github.com/fakemx/fakemx/internal/config"
	"github.com/fakemx/fakemx/internal/dnsname"
)

// tree holds the names that the sinks of a stanza bring into being, and is
// closed under their ancestors: a name that is not in it has nothing below it
// that is.
type tree struct {
	relative map[string]node
	absolute map[string]node
}

// node is a name that exists because of a sink.
type node struct {
	kind nodeKind
	// fake is the sink of the node, an index into the fakes of the stanza.
	fake int
}

type nodeKind uint8

const (
	// between is an empty non-terminal (RFC 8499 section 7): it is there because
	// something is below it.
	between nodeKind = iota
	// atSink is the sink itself.
	atSink
	// atTLSA is where the TLSA records of a sink stand, RFC 6698 section 3.
	atTLSA
	// atReal is the untouched set of an owner. It depends on the real data and is
	// in no tree.
	atReal
)

const tlsaPrefix = "_25._tcp."

func newTree(fakes []config.Fake) tree {
	t := tree{relative: make(map[string]node), absolute: make(map[string]node)}
	for i, f := range fakes {
		if f.Served() {
			t.of(f)[f.Name] = node{atSink, i}
			t.of(f)[tlsaPrefix+f.Name] = node{atTLSA, i}
		}
	}
	for i, f := range fakes {
		if f.Served() {
			addAncestors(t.of(f), tlsaPrefix+f.Name, i)
		}
	}
	return t
}

func (t *tree) of(f config.Fake) map[string]node {
	if f.Absolute() {
		return t.absolute
	}
	return t.relative
}

// addAncestors adds what is above name. Names of sinks hold no escapes. That an
// absolute name goes on above its zone does no harm: lookups end at the apex.
func addAncestors(nodes map[string]node, name string, fake int) {
	for {
		_, above, ok := strings.Cut(name, ".")
		if !ok || above == "" {
			return
		}
		if _, ok := nodes[above]; !ok {
			nodes[above] = node{between, fake}
		}
		name = above
	}
}

// deepest returns the deepest node at or above the name that apex is a suffix
// of, and that node's name. Names at the apex or above are not looked at.
func (t *tree) deepest(apex dnsname.Suffix) (found node, name string, ok bool) {
	for s := apex; s.Down(); {
		n, hit := t.relative[s.Above(apex)]
		if !hit && len(t.absolute) > 0 {
			n, hit = t.absolute[s.String()]
		}
		if !hit {
			break
		}
		found, name, ok = n, s.String(), true
	}
	return found, name, ok
}

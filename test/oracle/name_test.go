package oracle

import (
	"fmt"

	"github.com/miekg/dns"
)

// canonical returns name as the wire spells it, in lower case: of the many ways
// to escape an octet (RFC 1035 section 5.1) only one is left.
func canonical(name string) string {
	wire := make([]byte, 256)
	n, err := dns.PackDomainName(name, wire, 0, nil, false)
	if err != nil {
		panic(fmt.Sprintf("name %q: %v", name, err))
	}
	text, _, err := dns.UnpackDomainName(wire[:n], 0)
	if err != nil {
		panic(fmt.Sprintf("name %q: %v", name, err))
	}
	return dns.CanonicalName(text)
}

// fits reports whether name is a domain name that the wire can carry.
func fits(name string) bool {
	_, ok := dns.IsDomainName(name)
	return ok
}

func same(a, b string) bool { return canonical(a) == canonical(b) }

// within reports whether name is zone or lies below it.
func within(zone, name string) bool { return dns.IsSubDomain(canonical(zone), canonical(name)) }

// below reports whether name lies below ancestor, and is not ancestor itself.
func below(ancestor, name string) bool { return within(ancestor, name) && !same(ancestor, name) }

// parent returns name without its first label, and false for the root.
func parent(name string) (string, bool) {
	i, end := dns.NextLabel(name, 0)
	if name == "." {
		return "", false
	}
	if end {
		return ".", true
	}
	return name[i:], true
}

// firstLabel returns the first label of name as name spells it.
func firstLabel(name string) string {
	i, end := dns.NextLabel(name, 0)
	if end {
		return name[:len(name)-1]
	}
	return name[:i-1]
}

// between returns the names that lie strictly between name and zone.
func between(zone, name string) (names []string) {
	for up, ok := parent(name); ok && below(zone, up); up, ok = parent(up) {
		names = append(names, up)
	}
	return names
}

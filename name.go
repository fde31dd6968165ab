package fakemx

import (
	"strings"

	"github.com/miekg/dns"
)

// canonical returns name in the one form in which fakemx compares names: fully
// qualified, letters in lower case (RFC 4343), escapes as they come from the
// wire. A name that is in that form is returned as it is.
func canonical(name string) string {
	clean := len(name) > 0 && name[len(name)-1] == '.'
	for i := 0; clean && i < len(name); i++ {
		clean = plain[name[i]]
	}
	if clean {
		return name
	}
	var wire [maxNameLen]byte
	n, err := dns.PackDomainName(dns.Fqdn(name), wire[:], 0, nil, false)
	if err != nil {
		return lower(dns.Fqdn(name))
	}
	// A length octet is at most 63, below any letter.
	for i, c := range wire[:n] {
		if 'A' <= c && c <= 'Z' {
			wire[i] = c + 'a' - 'A'
		}
	}
	text, _, err := dns.UnpackDomainName(wire[:n], 0)
	if err != nil {
		return lower(dns.Fqdn(name))
	}
	return text
}

// plain holds the octets that stand for themselves in a canonical name.
var plain = func() (set [256]bool) {
	for c := '!'; c <= '~'; c++ {
		set[c] = !strings.ContainsRune(`"'();@\`, c) && (c < 'A' || c > 'Z')
	}
	return set
}()

// sameName reports whether a and b are the same name, whatever the case of
// their letters and the way in which they are escaped.
func sameName(a, b string) bool {
	if a == b {
		return true
	}
	if a != "" && b != "" && a[0] != '\\' && b[0] != '\\' && lowerOctet(a[0]) != lowerOctet(b[0]) {
		return false // the first octets differ, whatever follows
	}
	if strings.IndexByte(a, '\\') < 0 && strings.IndexByte(b, '\\') < 0 {
		return len(a) == len(b) && equalFold(a, b)
	}
	return canonical(a) == canonical(b)
}

// equalFold is strings.EqualFold for the letters that DNS folds: ASCII only.
func equalFold(a, b string) bool {
	for i := range len(a) {
		if x, y := a[i], b[i]; x != y && lowerOctet(x) != lowerOctet(y) {
			return false
		}
	}
	return true
}

func lowerOctet(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// lower folds ASCII letters only, unlike strings.ToLower.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// join makes the name relative, which has no final dot, absolute under apex.
func join(relative, apex string) string {
	if apex == "." {
		return relative + "."
	}
	return relative + "." + apex
}

// inside reports whether name is apex or below it. Both are canonical.
func inside(name, apex string) bool {
	if apex == "." || name == apex {
		return true
	}
	_, ok := relativeTo(name, apex)
	return ok
}

// isBelow is inside without apex itself.
func isBelow(name, apex string) bool { return name != apex && inside(name, apex) }

// relativeTo returns the part of name, which is below apex, without the apex
// and the dot before it. Both are canonical.
func relativeTo(name, apex string) (string, bool) {
	if apex == "." {
		return strings.TrimSuffix(name, "."), name != "."
	}
	relative, ok := strings.CutSuffix(name, apex)
	if !ok || len(relative) < 2 || relative[len(relative)-1] != '.' || escapedAt(relative, len(relative)-1) {
		return "", false
	}
	return relative[:len(relative)-1], true
}

// escapedAt reports whether the octet of s at i is escaped by a backslash.
func escapedAt(s string, i int) bool {
	backslashes := 0
	for i > 0 && s[i-1] == '\\' {
		i--
		backslashes++
	}
	return backslashes%2 == 1
}

// parent returns name without its first label; the parent of the root is the root.
func parent(name string) string {
	if off, end := dns.NextLabel(name, 0); !end {
		return name[off:]
	}
	return "."
}

// suffix is a name that another one is at or below. The step from one to the
// next is a label down, so that the root comes first.
type suffix struct {
	name   string
	start  int
	labels int
}

// root returns the suffix of name, which is canonical, that has no label.
func root(name string) suffix { return suffix{name: name, start: len(name)} }

// down takes one more label of the name. It fails where there is none.
func (s *suffix) down() bool {
	if s.start == 0 || s.name == "." {
		return false
	}
	i := s.start - 2
	for i >= 0 && (s.name[i] != '.' || escapedAt(s.name, i)) {
		i--
	}
	s.start = i + 1
	s.labels++
	return true
}

// String returns the suffix, fully qualified.
func (s *suffix) String() string {
	if s.labels == 0 {
		return "."
	}
	return s.name[s.start:]
}

// maxNameLen is the largest number of octets of a name on the wire, RFC 1035
// section 2.3.4.
const maxNameLen = 255

// fits reports whether name is fully qualified and short enough to be a domain
// name.
func fits(name string) bool {
	var wire [maxNameLen]byte
	_, err := dns.PackDomainName(name, wire[:], 0, nil, false)
	return err == nil && strings.HasSuffix(name, ".") && !escapedAt(name, len(name)-1)
}

// Package dnsname compares and takes apart domain names as they stand in
// messages: as text, fully qualified, with escapes (RFC 1035 section 5.1).
package dnsname

import (
	"strings"

	"github.com/miekg/dns"
)

// Canonical returns name in the one form in which fakemx compares names: fully
// qualified, letters in lower case (RFC 4343), escapes as they come from the
// wire. A name that is in that form is returned as it is.
func Canonical(name string) string {
	clean := len(name) > 0 && name[len(name)-1] == '.'
	for i := 0; clean && i < len(name); i++ {
		clean = plain[name[i]]
	}
	if clean {
		return name
	}
	var wire [MaxLen]byte
	n, err := dns.PackDomainName(dns.Fqdn(name), wire[:], 0, nil, false)
	if err != nil {
		return Lower(dns.Fqdn(name))
	}
	// A length octet is at most 63, below any letter.
	for i, c := range wire[:n] {
		if 'A' <= c && c <= 'Z' {
			wire[i] = c + 'a' - 'A'
		}
	}
	text, _, err := dns.UnpackDomainName(wire[:n], 0)
	if err != nil {
		return Lower(dns.Fqdn(name))
	}
	return text
}

// AppendCanonical appends the canonical form of name to dst.
func AppendCanonical(dst, name []byte) []byte {
	for _, c := range name {
		if c = LowerOctet(c); !plain[c] {
			return append(dst, Canonical(string(name))...)
		}
	}
	start := len(dst)
	dst = append(dst, name...)
	for i := start; i < len(dst); i++ {
		dst[i] = LowerOctet(dst[i])
	}
	if dst[len(dst)-1] != '.' {
		dst = append(dst, '.')
	}
	return dst
}

// plain holds the octets that stand for themselves in a canonical name.
var plain = func() (set [256]bool) {
	for c := '!'; c <= '~'; c++ {
		set[c] = !strings.ContainsRune(`"'();@\`, c) && (c < 'A' || c > 'Z')
	}
	return set
}()

// Same reports whether a and b are the same name, whatever the case of
// their letters and the way in which they are escaped.
func Same(a, b string) bool {
	if a == b {
		return true
	}
	if a != "" && b != "" && a[0] != '\\' && b[0] != '\\' && LowerOctet(a[0]) != LowerOctet(b[0]) {
		return false // the first octets differ, whatever follows
	}
	if strings.IndexByte(a, '\\') < 0 && strings.IndexByte(b, '\\') < 0 {
		return len(a) == len(b) && equalFold(a, b)
	}
	return Canonical(a) == Canonical(b)
}

// equalFold is strings.EqualFold for the letters that DNS folds: ASCII only.
func equalFold(a, b string) bool {
	for i := range len(a) {
		if x, y := a[i], b[i]; x != y && LowerOctet(x) != LowerOctet(y) {
			return false
		}
	}
	return true
}

func LowerOctet(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// Lower folds ASCII letters only, unlike strings.ToLower.
func Lower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// Join makes the name relative, which has no final dot, absolute under apex.
func Join(relative, apex string) string {
	if apex == "." {
		return relative + "."
	}
	return relative + "." + apex
}

// Inside reports whether name is apex or below it. Both are canonical.
func Inside(name, apex string) bool {
	if apex == "." || name == apex {
		return true
	}
	_, ok := Relative(name, apex)
	return ok
}

// Below is Inside without apex itself.
func Below(name, apex string) bool { return name != apex && Inside(name, apex) }

// Relative returns the part of name, which is below apex, without the apex
// and the dot before it. Both are canonical.
func Relative(name, apex string) (string, bool) {
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

// Parent returns name without its first label; the parent of the root is the root.
func Parent(name string) string {
	if off, end := dns.NextLabel(name, 0); !end {
		return name[off:]
	}
	return "."
}

// FirstLabel returns the first label of name, escapes included.
func FirstLabel(name string) string {
	off, end := dns.NextLabel(name, 0)
	if end {
		return name
	}
	return name[:off-1]
}

// Suffix is a name that another one is at or below. The step from one to the
// next is a label down, so that the root comes first.
type Suffix struct {
	name   string
	start  int
	Labels int
}

// Root returns the suffix of name, which is canonical, that has no label.
func Root(name string) Suffix { return Suffix{name: name, start: len(name)} }

// Down takes one more label of the name. It fails where there is none.
func (s *Suffix) Down() bool {
	if s.start == 0 || s.name == "." {
		return false
	}
	i := s.start - 2
	for i >= 0 && (s.name[i] != '.' || escapedAt(s.name, i)) {
		i--
	}
	s.start = i + 1
	s.Labels++
	return true
}

// Above returns what stands in the name before higher, a shorter suffix of the
// same name that is not the root: the suffix relative to it.
func (s *Suffix) Above(higher Suffix) string { return s.name[s.start : higher.start-1] }

// String returns the suffix, fully qualified.
func (s *Suffix) String() string {
	if s.Labels == 0 {
		return "."
	}
	return s.name[s.start:]
}

// MaxLen is the largest number of octets of a name on the wire, RFC 1035
// section 2.3.4.
const MaxLen = 255

// Fits reports whether name is fully qualified and short enough to be a domain
// name.
func Fits(name string) bool {
	var wire [MaxLen]byte
	_, err := dns.PackDomainName(name, wire[:], 0, nil, false)
	return err == nil && strings.HasSuffix(name, ".") && !escapedAt(name, len(name)-1)
}

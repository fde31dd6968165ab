package config

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"unicode/utf8"

	"github.com/fakemx/fakemx/internal/dnsname"
	"golang.org/x/net/idna"
)

const (
	maxLabel = 63
	// maxText is the length of the longest name as text: one octet less than on the
	// wire (RFC 1035 section 2.3.4), since no escape is taken.
	maxText = dnsname.MaxLen - 1
)

const (
	expectedLabels  = "expected labels of up to 63 letters, digits, hyphens or underscores"
	expectedShorter = "expected a name of at most 255 octets"
)

// byteOrderMark is what some editors write at the start of a file. It stands in
// the middle where files were put together.
var byteOrderMark = []byte("\ufeff")

// appendName appends the canonical form of value to dst: the name of a zone, or
// one of except or exchanges. It takes host names as they stand in DNS, with
// underscores and with the slash of RFC 2317, and refuses what is meant for
// other programs, since that would never match. The error says what is expected.
// complete says that the name ends in a top-level domain.
func appendName(dst, value []byte, complete bool) ([]byte, error) {
	value = bytes.TrimPrefix(value, byteOrderMark)
	start := len(dst)
	dst, ok := appendLabels(dst, value)
	if !ok {
		return dst[:start], errors.New(expectedName(value))
	}
	complete = complete || value[len(value)-1] == '.'
	if endsInNumber(dst[start:]) && (complete || isAddress(string(value))) {
		return dst[:start], errors.New(expectedName(value))
	}
	return dst, nil
}

// appendLabels is appendName without the look at what the labels mean.
func appendLabels(dst, value []byte) ([]byte, bool) {
	if len(value) == 1 && value[0] == '.' {
		return append(dst, '.'), true
	}
	if len(value) == 0 || len(value) > maxText {
		return dst, false
	}
	start, label := len(dst), 0
	for i, c := range value {
		switch {
		case c == '.':
			if label == 0 {
				return dst, false
			}
			label = 0
		case isLetterOrDigit(c), c == '-', c == '_', c == '/' && isPrefixLength(value, i):
			if label++; label > maxLabel {
				return dst, false
			}
		default:
			return dst, false
		}
		dst = append(dst, dnsname.LowerOctet(c))
	}
	if label > 0 {
		dst = append(dst, '.')
	}
	return dst, len(dst)-start <= maxText
}

func isLetterOrDigit(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || isDigit(c) }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// isPrefixLength reports whether the slash at i is one of RFC 2317, as in
// 0/25.2.0.192.in-addr.arpa, and not that of a path.
func isPrefixLength(value []byte, i int) bool {
	return i > 0 && i+1 < len(value) && isDigit(value[i-1]) && isDigit(value[i+1])
}

// endsInNumber reports whether the last label of name, which is canonical, is a
// number or the end of a prefix. No top-level domain is.
func endsInNumber(name []byte) bool {
	last := bytes.TrimSuffix(name, []byte("."))
	last = last[bytes.LastIndexByte(last, '.')+1:]
	for _, c := range last {
		if !isDigit(c) && c != '/' {
			return false
		}
	}
	return len(last) > 0
}

func isAddress(s string) bool {
	s = strings.TrimSuffix(s, ".")
	if _, err := netip.ParseAddr(s); err == nil {
		return true
	}
	if _, err := netip.ParseAddrPort(s); err == nil {
		return true
	}
	_, err := netip.ParsePrefix(s)
	return err == nil
}

// expectedName says what is expected in place of value, which is no name.
func expectedName(value []byte) string {
	s := string(value)
	switch {
	case len(s) == 0:
		return "expected a domain name" + unset
	case len(s) > maxWritten: // whatever else it is
		return expectedShorter
	case isUTF16(s):
		return "expected a domain name in ASCII, this looks like UTF-16"
	case strings.ContainsAny(s, " \t\r\n\v\f"):
		return "expected one name, not several words"
	case strings.ContainsAny(s, "\"'`"):
		return "expected a domain name without quotes"
	case strings.Contains(s, "://"):
		return "expected a domain name, not a URL"
	case strings.ContainsAny(s, ",;"):
		return "expected a domain name without a comma or semicolon"
	case strings.Contains(s, "@"):
		return "expected a domain name, without @"
	case isAddress(s), endsInNumber(value):
		return "expected a domain name, not an address"
	case strings.Contains(s, ":"):
		return "expected a domain name without a port"
	case strings.Contains(s, "*"):
		return "expected a domain name without a wildcard, what is below it belongs to it"
	case strings.Contains(s, "/"):
		return "expected a domain name, not a path"
	}
	if name, ok := aLabel(s); ok {
		return fmt.Sprintf("expected it as in DNS, %q", name)
	}
	if len(s) > maxText {
		return expectedShorter
	}
	return expectedLabels
}

// isUTF16 reports whether s is text in UTF-16: with its mark, or with the zero
// octets that ASCII gets there.
func isUTF16(s string) bool {
	return strings.HasPrefix(s, "\xff\xfe") || strings.HasPrefix(s, "\xfe\xff") || strings.Contains(s, "\x00")
}

// toASCII takes underscores, unlike idna.Lookup: the labels are looked at anyway.
var toASCII = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false))

// aLabel returns an internationalised name as it stands in DNS (RFC 5890 section
// 2.3.2.1).
func aLabel(s string) (string, bool) {
	if !utf8.ValidString(s) || strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0 {
		return "", false
	}
	name, err := toASCII.ToASCII(s)
	if err != nil {
		return "", false
	}
	_, ok := appendLabels(nil, []byte(name))
	return name, ok
}

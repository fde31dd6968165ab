package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/fakemx/fakemx/internal/dnsname"
	"github.com/miekg/dns"
)

// maxWritten is the length of a NAME with ranges, and of any name that is looked
// at closely.
const maxWritten = 1024

var errLabels = errors.New(expectedLabels)

// sinkNames reads the NAME of a fake, with its ranges expanded. The names are
// canonical, relative ones without a final dot.
func sinkNames(name string) ([]string, error) {
	if len(name) > maxWritten {
		return nil, errLabels
	}
	names, err := expandRanges(name)
	if err != nil {
		return nil, err
	}
	for i, n := range names {
		switch {
		case n == "@" || n == ".":
			return nil, errors.New("expected a host below the zone")
		case isAddress(n):
			return nil, errors.New("expected a name before the addresses")
		case !isHostName(n):
			if a, ok := aLabel(n); ok {
				return nil, fmt.Errorf("expected it as in DNS, %q", a)
			}
			return nil, errLabels
		}
		names[i] = dnsname.Lower(n)
	}
	return names, nil
}

// isHostName reports whether every label of s, absolute or relative, can stand
// in the name of a mail host. The underscore is no letter of a host name
// (RFC 1123 section 2.1), but senders take it.
func isHostName(s string) bool {
	if !dnsname.Fits(dns.Fqdn(s)) {
		return false
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(s, "."), ".") {
		if label == "" || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, c := range []byte(label) {
			if c = dnsname.LowerOctet(c); (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
				return false
			}
		}
	}
	return true
}

var errRange = errors.New("expected a range as [A-B], two decimal numbers of which the first is not the larger")

// expandRanges returns name once for each number of its ranges: mx[1-2] is mx1
// and mx2. Where A is written with leading zeros, so are all.
func expandRanges(name string) ([]string, error) {
	open := strings.IndexAny(name, "[]")
	if open < 0 {
		return []string{name}, nil
	}
	numbers, after, closed := strings.Cut(name[open+1:], "]")
	first, last, dashed := strings.Cut(numbers, "-")
	a, errA := strconv.ParseUint(first, 10, 32)
	b, errB := strconv.ParseUint(last, 10, 32)
	if name[open] == ']' || !closed || !dashed || errA != nil || errB != nil || a > b {
		return nil, errRange
	}
	rest, err := expandRanges(after)
	if err != nil {
		return nil, err
	}
	if (b-a+1)*uint64(len(rest)) > maxFakes {
		return nil, fmt.Errorf("the range has more than %d names, expected fewer", maxFakes)
	}
	width := 0
	if first[0] == '0' {
		width = len(first)
	}
	var names []string
	for n := a; n <= b; n++ {
		for _, r := range rest {
			names = append(names, fmt.Sprintf("%s%0*d%s", name[:open], width, n, r))
		}
	}
	return names, nil
}

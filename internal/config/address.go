package config

import (
	"fmt"
	"net/netip"
)

// parseAddress reads a sink address, and refuses those with which mail is lost:
// senders take an unspecified or a loopback address of an MX host for
// themselves and bounce.
func parseAddress(s string) (netip.Addr, error) {
	addr, err := netip.ParseAddr(s)
	switch {
	case err != nil:
		return addr, fmt.Errorf("bad address %s: expected an IPv4 or IPv6 address", quoted(s))
	case addr.Zone() != "":
		return addr, fmt.Errorf("bad address %s: expected one without a zone", quoted(s))
	case addr.Is4In6():
		return addr, fmt.Errorf("bad address %q: expected the IPv4 address as %s", s, addr.Unmap())
	}
	for _, r := range refused {
		if r.prefix.Contains(addr) {
			return addr, fmt.Errorf("%s address %q: senders take it for themselves and bounce mail; expected an address of yours with port 25 closed", r.kind, s)
		}
	}
	return addr, nil
}

// special says why an address that is not globally reachable makes a poor
// sink: a receiver that checks for bogus MX records may reject the domain's own
// mail. It returns "" for any other address.
func special(addr netip.Addr) string {
	for _, r := range unreachable {
		if r.prefix.Contains(addr) {
			return r.kind
		}
	}
	return ""
}

type addressBlock struct {
	prefix netip.Prefix
	kind   string
}

func block(prefix, kind string) addressBlock {
	return addressBlock{netip.MustParsePrefix(prefix), kind}
}

var refused = []addressBlock{
	block("0.0.0.0/32", "unspecified"),
	block("::/128", "unspecified"),
	block("127.0.0.0/8", "loopback"),
	block("::1/128", "loopback"),
	block("224.0.0.0/4", "multicast"),
	block("ff00::/8", "multicast"),
	block("255.255.255.255/32", "broadcast"),
}

// unreachable is taken from the IANA registries of special-purpose addresses
// (RFC 6890), the blocks that are not globally reachable.
var unreachable = []addressBlock{
	block("10.0.0.0/8", "private"),
	block("172.16.0.0/12", "private"),
	block("192.168.0.0/16", "private"),
	block("fc00::/7", "private"),
	block("169.254.0.0/16", "link-local"),
	block("fe80::/10", "link-local"),
	block("192.0.2.0/24", "documentation"),
	block("198.51.100.0/24", "documentation"),
	block("203.0.113.0/24", "documentation"),
	block("2001:db8::/32", "documentation"),
	block("3fff::/20", "documentation"),
	block("100.64.0.0/10", "shared"),
	block("198.18.0.0/15", "benchmarking"),
	block("2001:2::/48", "benchmarking"),
	block("0.0.0.0/8", "reserved"),
	block("192.0.0.0/24", "reserved"),
	block("240.0.0.0/4", "reserved"),
	block("100::/64", "reserved"),
	block("fec0::/10", "reserved"),
}

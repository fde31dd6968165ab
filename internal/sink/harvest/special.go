package harvest

import "net/netip"

// notHosts are blocks within what is globally unicast in which no host of its
// own has an address (the IANA registries of special-purpose addresses, RFC
// 6890), and those that hide who is behind them: transition mechanisms.
var notHosts = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("192.88.99.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("2001::/23"),
	netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("2002::/16"),
	netip.MustParsePrefix("3fff::/20"),
}

// unicast is all of IPv6 that is given to hosts today (RFC 4291).
var unicast = netip.MustParsePrefix("2000::/3")

// special reports whether an address is no single host's on the Internet.
func special(a netip.Addr) bool {
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.Zone() != "" || a.Is6() && !unicast.Contains(a) {
		return true
	}
	for _, p := range notHosts {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// near is the /24 (IPv4) or /48 (IPv6) of an address.
func near(a netip.Addr) netip.Prefix {
	bits := 48
	if a.Is4() {
		bits = 24
	}
	return netip.PrefixFrom(a, bits).Masked()
}

package answer

import (
	"slices"

	"github.com/fakemx/fakemx/internal/dnsname"
	"github.com/miekg/dns"
)

// clip takes the spare capacity from the sections of m. A backend may answer
// with slices of its own zone data; a plugin in front that appends to one, as
// dnssec does, would write into the zone that all queries share.
func clip(m *dns.Msg) {
	for _, section := range [3]*[]dns.RR{&m.Answer, &m.Ns, &m.Extra} {
		if cap(*section) > len(*section) {
			*section = slices.Clip(*section)
		}
	}
}

func isType(rrtype uint16) func(dns.RR) bool {
	return func(rr dns.RR) bool { return rr.Header().Rrtype == rrtype }
}

// isMX goes by the Go type: a record of the MX type may be a [dns.RFC3597] too,
// with data that nobody has looked at.
func isMX(rr dns.RR) bool {
	_, ok := rr.(*dns.MX)
	return ok
}

// isNull reports whether rr says that the domain takes no mail (RFC 7505).
func isNull(rr dns.RR) bool { return rr.(*dns.MX).Mx == "." }

func isDNSSEC(rr dns.RR) bool {
	switch rr.Header().Rrtype {
	case dns.TypeRRSIG, dns.TypeNSEC, dns.TypeNSEC3:
		return true
	}
	return false
}

func hasDNSSEC(m *dns.Msg) bool {
	return slices.ContainsFunc(m.Answer, isDNSSEC) ||
		slices.ContainsFunc(m.Ns, isDNSSEC) ||
		slices.ContainsFunc(m.Extra, isDNSSEC)
}

// signedAt reports whether m, an answer for name, shows that the zone of name is
// signed: what an alias there leads to may be of another zone, and signed or not.
func signedAt(m *dns.Msg, name string) bool {
	if !hasAlias(m) {
		return hasDNSSEC(m)
	}
	return slices.ContainsFunc(m.Answer, func(rr dns.RR) bool {
		return rr.Header().Rrtype == dns.TypeRRSIG && belongsToAlias(rr, name)
	})
}

func hasAlias(m *dns.Msg) bool { return slices.ContainsFunc(m.Answer, isType(dns.TypeCNAME)) }

// only returns the records of one type. It does not copy where there are no others.
func only(rrs []dns.RR, rrtype uint16) []dns.RR {
	if !slices.ContainsFunc(rrs, func(rr dns.RR) bool { return rr.Header().Rrtype != rrtype }) {
		return rrs
	}
	var kept []dns.RR
	for _, rr := range rrs {
		if rr.Header().Rrtype == rrtype {
			kept = append(kept, rr)
		}
	}
	return kept
}

// owns reports whether rrs has a record of the type at name.
func owns(rrs []dns.RR, name string, rrtype uint16) bool {
	return slices.ContainsFunc(rrs, func(rr dns.RR) bool {
		return rr.Header().Rrtype == rrtype && dnsname.Same(rr.Header().Name, name)
	})
}

// ownsAny reports whether rrs has a record at name.
func ownsAny(rrs []dns.RR, name string) bool {
	return slices.ContainsFunc(rrs, func(rr dns.RR) bool { return dnsname.Same(rr.Header().Name, name) })
}

// noSuchName reports whether m says that the name asked for does not exist,
// rather than that a CNAME of it leads nowhere (RFC 6604 section 3).
func noSuchName(m *dns.Msg) bool {
	return m.Rcode == dns.RcodeNameError && len(m.Answer) == 0
}

// denies reports whether m denies the name or the type asked for, with the SOA
// record that a denial has (RFC 2308 section 2).
func denies(m *dns.Msg) bool { return !hasAlias(m) && soaOf(m) != nil }

// soaOf returns the SOA record in the authority section.
func soaOf(m *dns.Msg) *dns.SOA {
	if i := slices.IndexFunc(m.Ns, isType(dns.TypeSOA)); i >= 0 {
		return m.Ns[i].(*dns.SOA)
	}
	return nil
}

func isReferral(m *dns.Msg) bool {
	if m.Rcode != dns.RcodeSuccess || len(m.Answer) > 0 {
		return false
	}
	return len(only(m.Ns, dns.TypeNS)) > 0 && soaOf(m) == nil
}

// dnameAbove returns the owner of a DNAME record of m that is above name, "" if
// there is none.
func dnameAbove(m *dns.Msg, name string) string {
	for _, rr := range m.Answer {
		if rr.Header().Rrtype == dns.TypeDNAME {
			if owner := dnsname.Canonical(rr.Header().Name); dnsname.Below(name, owner) {
				return owner
			}
		}
	}
	return ""
}

// cutOff reports whether m is an answer for what is not the zone's own: a
// referral, or the work of a DNAME above name (RFC 6672 section 2.4).
func cutOff(m *dns.Msg, name string) bool { return isReferral(m) || dnameAbove(m, name) != "" }

func without(rrs, removed []dns.RR) []dns.RR {
	var rest []dns.RR
	for _, rr := range rrs {
		if !slices.Contains(removed, rr) {
			rest = append(rest, rr)
		}
	}
	return rest
}

// owners appends to names the different owners of the MX records in rrs, nearly
// always one; of very many only the first.
func owners(names []string, rrs []dns.RR) []string {
	for _, rr := range rrs {
		owner := rr.Header().Name
		if len(names) == maxQuestions {
			break
		}
		if isMX(rr) && !slices.ContainsFunc(names, func(name string) bool { return dnsname.Same(name, owner) }) {
			names = append(names, owner)
		}
	}
	return names
}

// setOf returns the MX set of owner, as a part of rrs if it stands in one piece.
func setOf(rrs []dns.RR, owner string) []dns.RR {
	belongs := func(rr dns.RR) bool {
		return isMX(rr) && dnsname.Same(rr.Header().Name, owner)
	}
	start := slices.IndexFunc(rrs, belongs)
	if start < 0 {
		return nil
	}
	end := start + 1
	for end < len(rrs) && belongs(rrs[end]) {
		end++
	}
	set := rrs[start:end:end]
	for _, rr := range rrs[end:] {
		if belongs(rr) {
			set = append(set, rr)
		}
	}
	return set
}

package answer

import (
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

func TestBoundsAreWhereOtherRulesBegin(t *testing.T) {
	const below = "fakemx mx.example.org {\nhighest fake0 192.0.2.1\n}\n"
	for _, tc := range []struct{ sentence, stanzas, bounds string }{
		{"none in a zone for itself", "fakemx example.org {\nhighest fake0 192.0.2.1\n}", ""},
		{"a name of except", "fakemx example.org {\nhighest fake0 192.0.2.1\nexcept news\n}", "news"},
		{"the apex of a zone below", below + "fakemx example.org {\nhighest fake0 192.0.2.1\n}", "mx"},
		{"but no name of except that is in the zone below", below + "fakemx example.org {\nhighest fake0 192.0.2.1\nexcept news x.mx\n}", "mx news"},
		{"nor an absolute one", below + "fakemx example.org {\nhighest fake0 192.0.2.1\nexcept x.mx.example.org.\n}", "mx"},
	} {
		t.Run(tc.sentence, func(t *testing.T) {
			e := editor(t, tc.stanzas, newBackend(t, map[string]string{"example.org.": "@ MX 10 mail\n"}))
			names := e.Whole("example.org.", &dns.SOA{}).Bounds()
			slices.Sort(names)
			for i, name := range names {
				names[i] = strings.TrimSuffix(name, ".example.org.")
			}
			want(t, "the bounds", strings.Join(slices.Compact(names), " "), tc.bounds)
		})
	}
}

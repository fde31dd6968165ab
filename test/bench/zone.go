package main

import (
	"fmt"
	"strings"
)

// plainZone is what an operator has who runs fakemx.
const plainZone = `$ORIGIN example.org.
$TTL 3600
@	IN SOA ns1 hostmaster 2026112201 7200 3600 1209600 3600
@	IN NS ns1
@	IN NS ns2
@	IN A 192.0.2.80
@	IN AAAA 2001:db8::80
@	IN TXT "v=spf1 mx -all"
@	IN MX 10 mail1
@	IN MX 20 mail2
ns1	IN A 192.0.2.53
ns2	IN A 198.51.100.53
mail1	IN A 192.0.2.25
mail1	IN AAAA 2001:db8::25
mail2	IN A 198.51.100.25
www	IN A 192.0.2.80
`

// handEdits is what the operator would have to type into the plain zone
// instead of the stanza below.
const handEdits = `@	IN MX 0 fake0.mx
@	IN MX 30 fake1.mx
@	IN MX 40 fake2.mx
fake0.mx	IN A 203.0.113.10
fake1.mx	IN A 203.0.113.11
fake1.mx	IN AAAA 2001:db8:113::11
fake2.mx	IN A 203.0.113.11
fake2.mx	IN AAAA 2001:db8:113::11
_25._tcp.fake0.mx	IN TLSA 3 1 1 0000000000000000000000000000000000000000000000000000000000000000
_25._tcp.fake1.mx	IN TLSA 3 1 1 0000000000000000000000000000000000000000000000000000000000000000
_25._tcp.fake2.mx	IN TLSA 3 1 1 0000000000000000000000000000000000000000000000000000000000000000
`

const stanza = `fakemx {
    lowest fake0.mx 203.0.113.10
    highest fake[1-2].mx 203.0.113.11 2001:db8:113::11
}`

const (
	zoneName  = "example.org."
	plainFile = "plain.zone"
	editFile  = "edited.zone"
)

// corefile returns one server block for the zone with the given lines.
func corefile(zone string, port int, lines ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d {\n    bind 127.0.0.1\n", zone, port)
	for _, line := range lines {
		fmt.Fprintf(&b, "    %s\n", strings.ReplaceAll(line, "\n", "\n    "))
	}
	b.WriteString("}\n")
	return b.String()
}

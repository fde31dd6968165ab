package peers

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/miekg/dns"
)

const (
	zoneKey    = 256
	secureFlag = 257
)

// keySet are the keys of a zone, in files as dnssec-keygen writes them.
type keySet struct {
	zone string
	keys []*dns.DNSKEY
	// files are the paths of the keys without .key and .private.
	files []string
}

// newKeys makes a key for each of the flags.
func newKeys(t *testing.T, zone string, algorithm uint8, flags ...uint16) *keySet {
	t.Helper()
	dir := t.TempDir()
	bits := map[uint8]int{dns.RSASHA256: 2048, dns.ECDSAP256SHA256: 256, dns.ED25519: 256}[algorithm]
	set := &keySet{zone: zone}
	for _, f := range flags {
		key := &dns.DNSKEY{
			Hdr:       dns.RR_Header{Name: zone, Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: 3600},
			Flags:     f,
			Protocol:  3,
			Algorithm: algorithm,
		}
		private, err := key.Generate(bits)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, fmt.Sprintf("K%s+%03d+%05d", zone, algorithm, key.KeyTag()))
		writeFile(t, file+".key", key.String()+"\n")
		writeFile(t, file+".private", key.PrivateKeyString(private))
		set.keys, set.files = append(set.keys, key), append(set.files, file)
	}
	return set
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// anchors returns the keys that a resolver is to trust, as DS records.
func (s *keySet) anchors() []string {
	var anchors []string
	for _, key := range s.keys {
		if key.Flags == secureFlag {
			anchors = append(anchors, key.ToDS(dns.SHA256).String())
		}
	}
	return anchors
}

// unsigned returns the sets of a section, signatures and OPT left out, that no
// key of the zone has a valid signature over.
func (s *keySet) unsigned(section []dns.RR) []string {
	type set struct {
		name   string
		rrtype uint16
	}
	sets := make(map[set][]dns.RR)
	var order []set
	for _, rr := range section {
		k := set{dns.CanonicalName(rr.Header().Name), rr.Header().Rrtype}
		if k.rrtype == dns.TypeRRSIG || k.rrtype == dns.TypeOPT {
			continue
		}
		if sets[k] == nil {
			order = append(order, k)
		}
		sets[k] = append(sets[k], rr)
	}
	var unsigned []string
	for _, k := range order {
		if !slices.ContainsFunc(section, func(rr dns.RR) bool { return s.valid(rr, k.name, sets[k]) }) {
			unsigned = append(unsigned, k.name+" "+dns.TypeToString[k.rrtype])
		}
	}
	return unsigned
}

// valid reports whether rr is a good signature over the set.
func (s *keySet) valid(rr dns.RR, name string, set []dns.RR) bool {
	sig, ok := rr.(*dns.RRSIG)
	if !ok || dns.CanonicalName(sig.Hdr.Name) != name || sig.TypeCovered != set[0].Header().Rrtype || !sig.ValidityPeriod(time.Now()) {
		return false
	}
	return slices.ContainsFunc(s.keys, func(key *dns.DNSKEY) bool {
		return key.KeyTag() == sig.KeyTag && sig.Verify(key, set) == nil
	})
}

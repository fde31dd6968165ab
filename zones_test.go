package fakemx_test

import (
	"testing"

	"github.com/fakemx/fakemx/internal/servertest"
	"github.com/miekg/dns"
)

func TestTheMostSpecificStanzaWins(t *testing.T) {
	s := servertest.Start(t, `.:0 {
		bind 127.0.0.1
		fakemx example.org {
			highest outer 198.51.100.1
		}
		fakemx sub.example.org deep.er.example.org {
			highest inner 198.51.100.2
		}
		fakemx example.net {
			highest other 198.51.100.3
		}
		file `+zoneFile(t, "example.org", `
			@          MX 10 mail
			er         MX 10 mail
			sub        MX 10 mail
			x.sub      MX 10 mail
			xsub       MX 10 mail
			deep.er    MX 10 mail`)+` example.org
		file `+zoneFile(t, "example.net", "@ MX 10 mail.example.org.")+` example.net
	}`)
	for _, tc := range []struct{ name, want string }{
		{"example.org", "@ MX 10 mail\n@ MX 20 outer"},
		{"er.example.org", "er MX 10 mail\ner MX 20 outer"},
		{"xsub.example.org", "xsub MX 10 mail\nxsub MX 20 outer"},
		{"sub.example.org", "sub MX 10 mail\nsub MX 20 inner.sub"},
		{"x.sub.example.org", "x.sub MX 10 mail\nx.sub MX 20 inner.sub"},
		{"deep.er.example.org", "deep.er MX 10 mail\ndeep.er MX 20 inner.deep.er"},
		{"example.net", "example.net. MX 10 mail\nexample.net. MX 20 other.example.net."},
	} {
		t.Run(tc.name, func(t *testing.T) { wantSet(t, s, tc.name, dns.TypeMX, tc.want) })
	}
	t.Run("each zone has its own sinks", func(t *testing.T) {
		wantSet(t, s, "outer.example.org", dns.TypeA, "outer A 198.51.100.1")
		wantSet(t, s, "inner.sub.example.org", dns.TypeA, "inner.sub A 198.51.100.2")
		wantSet(t, s, "inner.deep.er.example.org", dns.TypeA, "inner.deep.er A 198.51.100.2")
		check(t, s, "inner.example.org", "A", servertest.Message{Rcode: "NXDOMAIN", Authority: soa})
		check(t, s, "outer.sub.example.org", "A", servertest.Message{Rcode: "NXDOMAIN", Authority: soa})
	})
}

func TestZonesOfTheStanzaAreSomeOfTheServerBlocks(t *testing.T) {
	s := servertest.Start(t, `example.org:0 example.net:0 {
		bind 127.0.0.1
		fakemx example.org {
			highest fake 198.51.100.1
		}
		file `+zoneFile(t, "example.org", "@ MX 10 mail")+` example.org
		file `+zoneFile(t, "example.net", "@ MX 10 mail")+` example.net
	}`)
	wantSet(t, s, "example.org", dns.TypeMX, "@ MX 10 mail\n@ MX 20 fake")
	wantSet(t, s, "example.net", dns.TypeMX, "example.net. MX 10 mail.example.net.")
}

func TestWithoutZonesTheStanzaHasThoseOfTheServerBlock(t *testing.T) {
	s := servertest.Start(t, `example.org:0 example.net:0 {
		bind 127.0.0.1
		fakemx {
			highest fake 198.51.100.1
		}
		file `+zoneFile(t, "example.org", "@ MX 10 mail")+` example.org
		file `+zoneFile(t, "example.net", "@ MX 10 mail")+` example.net
	}`)
	wantSet(t, s, "example.org", dns.TypeMX, "@ MX 10 mail\n@ MX 20 fake")
	wantSet(t, s, "example.net", dns.TypeMX, "example.net. MX 10 mail.example.net.\nexample.net. MX 20 fake.example.net.")
}

// The reverse zone of an address block is a zone like any other.
func TestAZoneWrittenAsAnAddressBlock(t *testing.T) {
	s := servertest.Start(t, `192.0.2.0/24:0 {
		bind 127.0.0.1
		fakemx {
			highest sink.example.net.
		}
		file `+zoneFile(t, "2.0.192.in-addr.arpa", "1 MX 10 mail.example.org.")+`
	}`)
	wantSet(t, s, "1.2.0.192.in-addr.arpa", dns.TypeMX,
		"1.2.0.192.in-addr.arpa. MX 10 mail\n1.2.0.192.in-addr.arpa. MX 20 sink.example.net.")
}

func TestExcept(t *testing.T) {
	s := servertest.Start(t, `.:0 {
		bind 127.0.0.1
		fakemx example.org child.rel.example.org {
			highest fake 198.51.100.1
			except rel abs.example.org. full.example.org
			except two.labels
		}
		file `+zoneFile(t, "child.rel.example.org", "@ MX 10 mail.example.org.")+` child.rel.example.org
		file `+zoneFile(t, "example.org", `
			@            MX 10 mail
			rel          MX 10 mail
			x.rel        MX 10 mail
			xrel         MX 10 mail
			abs          MX 10 mail
			x.y.abs      MX 10 mail
			full         MX 10 mail
			labels       MX 10 mail
			two.labels   MX 10 mail
			a.two.labels MX 10 mail`)+` example.org
	}`)
	for _, excepted := range []string{"rel", "x.rel", "abs", "x.y.abs", "full", "two.labels", "a.two.labels"} {
		t.Run(excepted+" is left alone", func(t *testing.T) {
			wantSet(t, s, excepted+".example.org", dns.TypeMX, excepted+" MX 10 mail")
		})
	}
	for _, other := range []string{"xrel", "labels"} {
		t.Run(other+" is not excepted", func(t *testing.T) {
			wantSet(t, s, other+".example.org", dns.TypeMX, other+" MX 10 mail\n"+other+" MX 20 fake")
		})
	}
	t.Run("a child zone is below its own apex, where rel is another name", func(t *testing.T) {
		wantSet(t, s, "child.rel.example.org", dns.TypeMX, "child.rel MX 10 mail\nchild.rel MX 20 fake.child.rel")
	})
}

// A child zone on the same server is left alone by except of the parent's stanza.
func TestAChildZoneBelowExcept(t *testing.T) {
	s := servertest.Start(t, `example.org:0 {
		bind 127.0.0.1
		fakemx {
			highest fake 198.51.100.1
			except child
		}
		file `+zoneFile(t, "child.example.org", "@ MX 10 mail\nx MX 10 mail\n* MX 10 mail")+` child.example.org
		file `+zoneFile(t, "example.org", "@ MX 10 mail\nchild NS ns1.child\nns1.child A 192.0.2.53")+` example.org
	}`)
	for _, name := range []string{"child", "x.child", "wild.child"} {
		wantSet(t, s, name+".example.org", dns.TypeMX, name+" MX 10 mail.child")
	}
	wantSet(t, s, "example.org", dns.TypeMX, "@ MX 10 mail\n@ MX 20 fake")
	check(t, s, "fake.child.example.org", "A", servertest.Message{
		Origin: "child.example.org", Authority: soa, // the wildcard has no address
	})
}

func TestTheRootZoneTakesAbsoluteSinks(t *testing.T) {
	s := servertest.Start(t, `.:0 {
		bind 127.0.0.1
		fakemx {
			lowest  fake0.mx.example.org. 198.51.100.1
			highest fake9.test.           198.51.100.9
		}
		file `+servertest.File(t, "db.root", `
$TTL 3600
. SOA ns1.example.org. hostmaster.example.org. 1 7200 900 1209600 300
. NS ns1.example.org.
ns1.example.org. A 192.0.2.53
mail.example.org. A 192.0.2.10
example.org. MX 10 mail.example.org.
`)+`
	}`)
	const (
		rootSOA = ". SOA ns1.example.org. hostmaster.example.org. 1 7200 900 1209600 300"
		rootNS  = ". NS ns1.example.org."
	)
	check(t, s, "example.org", "MX", servertest.Message{
		Origin:    ".",
		Answer:    "example.org. MX 0 fake0.mx.example.org.\nexample.org. MX 10 mail.example.org.\nexample.org. MX 20 fake9.test.",
		Authority: rootNS,
		Additional: `
			mail.example.org. A 192.0.2.10
			fake0.mx.example.org. A 198.51.100.1
			fake9.test. A 198.51.100.9`,
	})
	check(t, s, "fake9.test", "A", servertest.Message{Origin: ".", Answer: "fake9.test. A 198.51.100.9", Authority: rootNS})
	check(t, s, "test", "A", servertest.Message{Origin: ".", Authority: rootSOA})
	check(t, s, "x.fake9.test", "A", servertest.Message{Origin: ".", Rcode: "NXDOMAIN", Authority: rootSOA})
	check(t, s, ".", "MX", servertest.Message{Origin: ".", Authority: rootSOA})
	check(t, s, ".", "SOA", servertest.Message{Origin: ".", Answer: rootSOA, Authority: rootNS})
}

// An absolute sink inside one zone of the stanza serves the others too.
func TestAnAbsoluteSinkInOneOfTheZones(t *testing.T) {
	s := servertest.Start(t, `.:0 {
		bind 127.0.0.1
		fakemx example.org example.net {
			lowest fake0.example.org. 198.51.100.1
		}
		file `+zoneFile(t, "example.org", mail)+` example.org
		file `+zoneFile(t, "example.net", "@ MX 10 mail.example.org.")+` example.net
	}`)
	wantSet(t, s, "example.org", dns.TypeMX, "@ MX 0 fake0\n@ MX 10 mail\n@ MX 20 backup")
	wantSet(t, s, "example.net", dns.TypeMX, "example.net. MX 0 fake0\nexample.net. MX 10 mail")
	wantSet(t, s, "fake0.example.org", dns.TypeA, "fake0 A 198.51.100.1")
	check(t, s, "fake0.example.net", "A", servertest.Message{Origin: "example.net", Rcode: "NXDOMAIN", Authority: soa})
}

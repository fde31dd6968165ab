package oracle

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// A question is one query with all that may matter to its answer.
type question struct {
	name   string
	kind   uint16
	class  uint16
	opcode int
	tcp    bool
	edns   uint16 // the advertised UDP size; 0 asks without EDNS
	do     bool
	rd     bool
	cd     bool
	ad     bool
}

// String returns q as a line for dig.
func (q question) String() string {
	words := []string{"dig", "-q", "'" + strings.ReplaceAll(q.name, "'", `'\''`) + "'", "-t", typeForDig(q.kind)}
	if q.class != dns.ClassINET {
		words = append(words, "-c", dns.Class(q.class).String())
	}
	if q.opcode != dns.OpcodeQuery {
		words = append(words, fmt.Sprintf("+opcode=%d", q.opcode))
	}
	flag := func(on bool, name string) {
		if on {
			words = append(words, "+"+name)
			return
		}
		words = append(words, "+no"+name)
	}
	flag(q.tcp, "tcp")
	flag(q.rd, "rec")
	flag(q.ad, "adflag")
	flag(q.cd, "cdflag")
	if q.edns == 0 {
		words = append(words, "+noedns")
	} else {
		words = append(words, fmt.Sprintf("+bufsize=%d", q.edns))
		flag(q.do, "dnssec")
	}
	return strings.Join(append(words, "+ignore"), " ")
}

func typeForDig(t uint16) string {
	if name, ok := dns.TypeToString[t]; ok {
		return name
	}
	return fmt.Sprintf("TYPE%d", t)
}

func (q question) pack() ([]byte, error) {
	m := new(dns.Msg)
	m.Id = 4711
	m.Opcode = q.opcode
	m.RecursionDesired, m.CheckingDisabled, m.AuthenticatedData = q.rd, q.cd, q.ad
	m.Question = []dns.Question{{Name: q.name, Qtype: q.kind, Qclass: q.class}}
	if q.edns > 0 {
		m.SetEdns0(q.edns, q.do)
	}
	return m.Pack()
}

// limit is the number of octets that an answer to q may have.
func (q question) limit() int {
	if q.tcp {
		return dns.MaxMsgSize - 1
	}
	return max(int(q.edns), dns.MinMsgSize)
}

// kinds are the types that each name is asked for: those that fakemx looks at, and
// those that share names with them.
var kinds = []uint16{
	dns.TypeA, dns.TypeAAAA, dns.TypeMX, dns.TypeNS, dns.TypeSOA, dns.TypeTXT, dns.TypeTLSA, dns.TypeCNAME,
}

// otherKinds are types of which each name is asked for some.
var otherKinds = []uint16{
	dns.TypeDNAME, dns.TypePTR, dns.TypeSRV, dns.TypeDS, dns.TypeANY, dns.TypeNULL, dns.TypeHTTPS,
	dns.TypeRRSIG, dns.TypeNSEC, dns.TypeDNSKEY, 65280,
}

// A name is asked for so many of the other types, and in so many of the ways to ask
// for its MX set.
const (
	someKinds    = 4
	someVariants = 8
)

// questions returns what is asked about w. The edited zones lend their names.
func (w *world) questions(edited *world, rng *rand.Rand) (all []question) {
	for _, name := range w.namesToAsk(edited, rng) {
		for _, kind := range slices.Concat(kinds, draw(rng, otherKinds, someKinds)) {
			q := question{name: name, kind: kind, class: dns.ClassINET}
			q.vary(rng)
			all = append(all, q)
		}
		for _, variant := range draw(rng, variants, someVariants) {
			q := question{name: name, kind: dns.TypeMX, class: dns.ClassINET}
			q.tcp, q.edns, q.do = variant.tcp, variant.edns, variant.do
			all = append(all, q)
		}
		odd := question{name: name, kind: dns.TypeMX, class: dns.ClassINET}
		odd.vary(rng)
		if rng.IntN(2) == 0 {
			odd.class = pick(rng, uint16(dns.ClassCHAOS), dns.ClassANY, dns.ClassNONE)
		} else {
			odd.opcode = dns.OpcodeNotify
		}
		all = append(all, odd)
	}
	return all
}

// firstQuestions returns the MX question for each configured zone of w, and the
// address questions for each sink.
func (w *world) firstQuestions() (all []question) {
	add := func(name string, kind uint16) {
		all = append(all, question{name: name, kind: kind, class: dns.ClassINET, tcp: true})
	}
	for _, b := range w.blocks {
		for _, s := range b.stanzas {
			for _, configured := range b.zonesOf(s) {
				add(configured, dns.TypeMX)
			}
		}
		for _, s := range b.sinks() {
			add(s.name, dns.TypeA)
		}
	}
	return all
}

// vary sets all of q that a client is free to choose.
func (q *question) vary(rng *rand.Rand) {
	v := variants[rng.IntN(len(variants))]
	q.tcp, q.edns, q.do = v.tcp, v.edns, v.do
	q.rd, q.cd, q.ad = rng.IntN(2) == 0, rng.IntN(4) == 0, rng.IntN(4) == 0
}

type variant struct {
	tcp  bool
	edns uint16
	do   bool
}

// variants are all ways to ask: both transports, without EDNS and with each
// size, each with and without DO.
var variants = func() (all []variant) {
	for _, tcp := range []bool{false, true} {
		all = append(all, variant{tcp: tcp})
		for _, edns := range []uint16{512, 1232, 4096} {
			all = append(all, variant{tcp, edns, false}, variant{tcp, edns, true})
		}
	}
	return all
}()

// namesToAsk returns every name of w, each name above, below and near one, and
// the names that fakemx has of its own, partly in random case.
func (w *world) namesToAsk(edited *world, rng *rand.Rand) []string {
	var all []string
	seen := map[string]bool{}
	add := func(name string) {
		if fits(name) && !seen[canonical(name)] {
			seen[canonical(name)] = true
			all = append(all, name)
		}
	}
	for _, e := range []*world{w, edited} {
		for _, b := range e.blocks {
			for _, z := range b.zones {
				add(z.origin)
				for _, rr := range z.records {
					owner := rr.Header().Name
					add(owner)
					for _, up := range between(z.origin, owner) {
						add(up)
						add("near." + up)
					}
				}
			}
		}
	}
	for _, b := range w.blocks {
		for _, s := range b.sinks() {
			add("_tcp." + s.name)
			add("_26._tcp." + s.name)
			add("x._25._tcp." + s.name)
			add("*." + s.name)
			add("deep.x." + s.name)
		}
		for _, s := range b.stanzas {
			for _, configured := range b.zonesOf(s) {
				for _, name := range names(append(s.lowest, s.highest...), configured) {
					add(name)
					add(near(name))
				}
				for _, name := range s.except {
					add(absolute(name, configured))
					add("x." + absolute(name, configured))
				}
			}
			if s.real != "" {
				for _, z := range b.zones {
					for _, owner := range z.ownersOfMX() {
						add(s.real + "." + owner)
						add("x." + s.real + "." + owner)
						add(s.real + ".x." + owner)
						if up, ok := parent(owner); ok && firstLabel(owner) == "*" {
							add(s.real + ".matched." + up)
							add("x." + s.real + ".matched." + up)
						}
					}
				}
			}
		}
	}
	for _, name := range slices.Clone(all) {
		if rng.IntN(4) == 0 {
			add(pick(rng, "x.", "*.", "_tcp.", "_25._tcp.", "fake0.", "mx.", "a.b.c.") + name)
		}
		if rng.IntN(8) == 0 {
			add(near(name))
		}
	}
	for i := range all {
		if rng.IntN(3) == 0 {
			all[i] = randomCase(rng, all[i])
		}
	}
	return all
}

// near returns a name that differs from name only at the end of its first label.
func near(name string) string {
	up, ok := parent(name)
	if !ok {
		return "x."
	}
	return firstLabel(name) + "0." + up
}

// randomCase mixes the case of the letters of name, as resolvers do to make
// answers harder to forge. It leaves escapes (RFC 1035 section 5.1) alone.
func randomCase(rng *rand.Rand, name string) string {
	mixed := []byte(name)
	for i, c := range mixed {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if letter && rng.IntN(2) == 0 && (i == 0 || mixed[i-1] != '\\') {
			mixed[i] = c ^ 0x20
		}
	}
	return string(mixed)
}

// draw returns n of choices.
func draw[T any](rng *rand.Rand, choices []T, n int) []T {
	chosen := slices.Clone(choices)
	rng.Shuffle(len(chosen), func(i, j int) { chosen[i], chosen[j] = chosen[j], chosen[i] })
	return chosen[:n]
}

func pick[T any](rng *rand.Rand, choices ...T) T { return choices[rng.IntN(len(choices))] }

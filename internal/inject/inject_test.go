package inject

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// set makes an MX set from preferences and exchanges: "10 mail, 20 backup".
func set(t *testing.T, text string) []dns.RR {
	t.Helper()
	var rrs []dns.RR
	for record := range strings.SplitSeq(text, ", ") {
		rr, err := dns.NewRR("example.org. 3600 IN MX " + record + ".example.org.")
		if err != nil {
			t.Fatal(err)
		}
		rrs = append(rrs, rr)
	}
	return rrs
}

func text(rrs []dns.RR) string {
	records := make([]string, len(rrs))
	for i, rr := range rrs {
		mx := rr.(*dns.MX)
		records[i] = fmt.Sprintf("%d %s", mx.Preference, strings.TrimSuffix(mx.Mx, ".example.org."))
	}
	return strings.Join(records, ", ")
}

func names(labels string) []string {
	var names []string
	for label := range strings.FieldsSeq(labels) {
		names = append(names, label+".example.org.")
	}
	return names
}

func TestInto(t *testing.T) {
	for _, test := range []struct {
		name            string
		real            string
		lowest, highest string
		step            int
		want            string
	}{
		{"highest only", "10 mail, 20 backup", "", "f", 10, "10 mail, 20 backup, 30 f"},
		{"lowest and highest", "10 mail, 20 backup", "f0", "f1", 10, "0 f0, 10 mail, 20 backup, 30 f1"},
		{"many on top", "20 real", "f0", "f1 f2 f3 f4 f5", 10, "10 f0, 20 real, 30 f1, 40 f2, 50 f3, 60 f4, 70 f5"},
		{"tight numbers are used", "5 master, 6 slave2", "mail1", "mail2 mail3", 10, "0 mail1, 5 master, 6 slave2, 16 mail2, 26 mail3"},
		{"two lowest share the room there is", "5 master, 6 slave2", "a b", "", 10, "1 a, 3 b, 5 master, 6 slave2"},
		{"room for one number each", "2 real", "a b", "", 10, "0 a, 1 b, 2 real"},
		{"a real 0 moves", "0 mail", "f", "", 10, "0 f, 10 mail"},
		{"all real ones move by the same amount", "0 mail, 3 backup", "f", "g", 10, "0 f, 10 mail, 13 backup, 23 g"},
		{"a real 65535 moves", "65535 mail", "", "f g", 10, "65515 mail, 65525 f, 65535 g"},
		{"no room at either end: the real ones are re-spaced", "0 mail, 65535 backup", "f", "g", 10, "0 f, 10 mail, 20 backup, 30 g"},
		{"ties stay ties when re-spaced", "0 a, 65535 c, 0 b", "f", "g", 10, "0 f, 10 a, 20 c, 10 b, 30 g"},
		{"a move up takes no more than there is", "0 a, 65530 b", "f", "g", 10, "0 f, 4 a, 65534 b, 65535 g"},
		{"a move down leaves room for the lowest", "3 a, 65535 b", "f", "g", 10, "0 f, 1 a, 65533 b, 65535 g"},
		{"step", "100 mail", "f", "g h", 25, "75 f, 100 mail, 125 g, 150 h"},
		{"a fake that is there is not added", "0 f, 10 mail", "f", "g", 10, "0 f, 10 mail, 20 g"},
		{"one lowest is there, the other goes below", "10 f, 20 mail", "f e", "", 10, "0 e, 10 f, 20 mail"},
	} {
		t.Run(test.name, func(t *testing.T) {
			real, fakes := set(t, test.real), Fakes{names(test.lowest), names(test.highest), test.step}
			checkInto(t, real, fakes)
			if got := text(Into(real, fakes)); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestInjectAddsNothing(t *testing.T) {
	fakes := Fakes{Lowest: names("f"), Highest: names("g"), Step: 10}
	t.Run("where all fakes are there, whatever their letter case", func(t *testing.T) {
		if got := Into(set(t, "0 F, 10 mail, 20 G"), fakes); got != nil {
			t.Errorf("got %s, want nil", text(got))
		}
	})
	t.Run("where the numbers do not suffice", func(t *testing.T) {
		real := make([]dns.RR, math.MaxUint16+1)
		for i := range real {
			real[i] = &dns.MX{Hdr: dns.RR_Header{Name: "example.org.", Rrtype: dns.TypeMX}, Preference: uint16(i), Mx: fmt.Sprintf("m%d.", i)}
		}
		if got := Into(real, fakes); got != nil {
			t.Errorf("got %d records, want nil", len(got))
		}
	})
}

func TestInjectTTL(t *testing.T) {
	real := set(t, "10 mail, 20 backup")
	real[1].Header().Ttl = 60
	for _, rr := range Into(real, Fakes{Lowest: names("f"), Step: 10}) {
		if ttl := rr.Header().Ttl; ttl != 60 {
			t.Errorf("%s: want the smallest TTL of the set, 60", rr)
		}
	}
	if real[0].Header().Ttl != 3600 {
		t.Error("the real record was changed")
	}
}

func TestInjectProperties(t *testing.T) {
	const seed = 1
	random := rand.New(rand.NewPCG(seed, 0))
	for range 3000 {
		input := make([]byte, 4+random.IntN(120))
		for i := range input {
			input[i] = byte(random.Uint32())
		}
		real, fakes := decode(input)
		checkInto(t, real, fakes)
	}
}

func FuzzInto(f *testing.F) {
	f.Add([]byte{1, 1, 0, 10, 0, 10, 0, 0})
	f.Add([]byte{4, 9, 0, 10, 0, 0, 0, 0, 255, 255, 1, 1})
	f.Add([]byte{0, 200, 255, 255, 255, 255, 1, 0, 0, 0, 200, 3})
	f.Fuzz(func(t *testing.T, input []byte) {
		if len(input) >= 4 {
			real, fakes := decode(input)
			checkInto(t, real, fakes)
		}
	})
}

// decode makes a set and fakes from any octets: two for the numbers of fakes,
// two for the step, then four for each real record: its preference, a TTL, and
// an exchange that may be that of a fake.
func decode(input []byte) ([]dns.RR, Fakes) {
	fakes := Fakes{Step: 1 + int(binary.BigEndian.Uint16(input[2:]))%1000}
	for i := range int(input[0]) % 5 {
		fakes.Lowest = append(fakes.Lowest, fmt.Sprintf("x%d.fake.", i))
	}
	for i := range int(input[1]) {
		fakes.Highest = append(fakes.Highest, fmt.Sprintf("x%d.fake.", 5+i))
	}
	real := []dns.RR{}
	for rest := input[4:]; len(rest) >= 4; rest = rest[4:] {
		exchange := fmt.Sprintf("m%d.real.", len(real))
		if rest[3]%8 == 0 {
			exchange = fmt.Sprintf("X%d.FAKE.", int(rest[3])/8)
		}
		real = append(real, &dns.MX{
			Hdr:        dns.RR_Header{Name: "Example.org.", Rrtype: dns.TypeMX, Class: dns.ClassINET, Ttl: uint32(rest[2] % 2)},
			Preference: binary.BigEndian.Uint16(rest),
			Mx:         exchange,
		})
	}
	if len(real) == 0 {
		real = append(real, &dns.MX{Hdr: dns.RR_Header{Name: "Example.org.", Rrtype: dns.TypeMX, Class: dns.ClassINET}, Mx: "m.real."})
	}
	return real, fakes
}

// checkInject asserts all that Inject promises, for any input.
func checkInto(t *testing.T, real []dns.RR, fakes Fakes) {
	t.Helper()
	before := make([]dns.RR, len(real))
	for i, rr := range real {
		before[i] = dns.Copy(rr)
	}
	got := Into(real, fakes)
	for i := range real {
		if real[i].String() != before[i].String() {
			t.Fatalf("the input was changed: %s, was %s", real[i], before[i])
		}
	}

	there := func(exchange string) bool {
		return slices.ContainsFunc(real, func(rr dns.RR) bool { return strings.EqualFold(rr.(*dns.MX).Mx, exchange) })
	}
	lowest, highest := slices.Clone(fakes.Lowest), slices.Clone(fakes.Highest)
	lowest, highest = slices.DeleteFunc(lowest, there), slices.DeleteFunc(highest, there)
	if len(lowest)+len(highest) == 0 {
		if got != nil {
			t.Fatalf("nothing to add, but got %d records", len(got))
		}
		return
	}
	if len(got) != len(lowest)+len(real)+len(highest) {
		t.Fatalf("got %d records, want %d + %d + %d", len(got), len(lowest), len(real), len(highest))
	}
	preference := func(i int) int { return int(got[i].(*dns.MX).Preference) }

	ttl := got[0].Header().Ttl
	for i, rr := range got {
		h := rr.Header()
		if h.Name != real[0].Header().Name || h.Rrtype != dns.TypeMX || h.Class != real[0].Header().Class || h.Ttl != ttl {
			t.Fatalf("record %d has another owner, type, class or TTL: %s", i, rr)
		}
		if !slices.ContainsFunc(real, func(r dns.RR) bool { return r.Header().Ttl == ttl }) {
			t.Fatalf("no real record has the TTL %d", ttl)
		}
	}
	for i, exchange := range lowest {
		if got[i].(*dns.MX).Mx != exchange || i > 0 && preference(i-1) >= preference(i) {
			t.Fatalf("lowest fake %d is not %s above the one before: %s", i, exchange, got[i])
		}
	}
	first, last := len(lowest), len(lowest)+len(real)
	for j, exchange := range highest {
		if got[last+j].(*dns.MX).Mx != exchange || j > 0 && preference(last+j-1) >= preference(last+j) {
			t.Fatalf("highest fake %d is not %s above the one before: %s", j, exchange, got[last+j])
		}
	}
	for i := first; i < last; i++ {
		was := real[i-first].(*dns.MX)
		if got[i].(*dns.MX).Mx != was.Mx {
			t.Fatalf("the exchange of a real record changed: %s, was %s", got[i], was)
		}
		if len(lowest) > 0 && preference(first-1) >= preference(i) {
			t.Fatalf("a lowest fake is not below %s", got[i])
		}
		if len(highest) > 0 && preference(last) <= preference(i) {
			t.Fatalf("a highest fake is not above %s", got[i])
		}
		before := real[max(0, i-first-1)].(*dns.MX)
		if i > first && (was.Preference < before.Preference) != (preference(i) < preference(i-1)) ||
			i > first && (was.Preference == before.Preference) != (preference(i) == preference(i-1)) {
			t.Fatalf("the order of %s and %s changed", before, was)
		}
	}
	if again := Into(got, fakes); again != nil {
		t.Fatalf("not idempotent: the second time gives %d records", len(again))
	}
}

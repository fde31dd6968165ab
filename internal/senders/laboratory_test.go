package senders

import (
	"math"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// laboratory has the set of each case of docs/mail.md, as test/mail/plan.go makes
// it, after the fakes have joined.
func laboratory() map[string]*maker {
	return map[string]*maker{
		"no fakes":                  shape().usual(both),
		"one highest":               shape().usual(both).fake(30, "fake30", v4, Refuses),
		"one lowest, IPv4":          shape().fake(0, "fake0", v4, Refuses).usual(both),
		"one lowest, IPv4 and IPv6": shape().fake(0, "fake0", both, Refuses).usual(both),
		"one lowest, IPv6":          shape().fake(0, "fake0", v6, Refuses).usual(both),
		"one lowest, five highest": shape().fake(10, "fake0", v4, Refuses).real(20, "mail", both, Accepts).
			fake(30, "fake1", v4, Refuses).fake(40, "fake2", v4, Refuses).fake(50, "fake3", v4, Refuses).
			fake(60, "fake4", v4, Refuses).fake(70, "fake5", v4, Refuses),
		"tight numbers": shape().fake(3, "mail1", v4, Refuses).real(5, "master", both, Accepts).
			real(6, "slave2", both, Accepts).fake(8, "mail2", v4, Refuses).fake(10, "mail3", v4, Refuses),
		"real preference 0, moved up": shape().fake(0, "fake0", v4, Refuses).real(10, "mail", both, Accepts).
			fake(20, "fake1", v4, Refuses),
		"real preference 65535, moved down": shape().fake(65515, "fake0", v4, Refuses).real(65525, "mail", both, Accepts).
			fake(65535, "fake1", v4, Refuses),
		"real primary down, backup up": shape().fake(0, "fake0", v4, Refuses).real(10, "mail", both, Refuses).
			real(20, "backup", both, Accepts).fake(30, "fake30", v4, Refuses),
		"dry_run": shape().usual(both),
		"all real ones down for a while": shape().fake(0, "fake0", v4, Refuses).real(10, "mail", both, Refuses).
			real(20, "backup", both, Refuses).fake(30, "fake30", v4, Refuses).fake(40, "fake40", v4, Refuses),
		"domain without MX, no fakemx": shape().real(0, "@", v4, Accepts),
		"domain without MX":            shape().real(0, "@", v4, Accepts),
		"null MX, no fakemx":           shape().add(Host{Name: "."}),
		"null MX":                      shape().add(Host{Name: "."}),
		"lowest at 127.0.0.1":          loopback().usual(both),
		"five lowest, real ones IPv4":  five().usual(v4),
		"five lowest, real ones also IPv6": five().
			usual(both),
	}
}

func loopback() *maker {
	return shape().add(Host{Name: "fake0", Fake: true, Addresses: []Address{{Addr: netip.MustParseAddr("127.0.0.1")}}})
}

func five() *maker {
	m := shape()
	for i, name := range []string{"fake1", "fake2", "fake3", "fake4", "fake5"} {
		m.fake(uint16(i+1), name, v4, Refuses)
	}
	return m
}

// excluded are rows of docs/mail.md that no single attempt at one set is behind,
// or that differ from run to run.
var excluded = []string{
	"fakes in and out by reload", // the set changes meanwhile
	"DANE, closed sink",          // one sender that is not stock
	"DANE, sink that takes mail",
}

// within is how far a predicted delay may be from the measured median: 20 % or
// 3 s.
func within(predicted, measured float64) bool {
	return math.Abs(predicted-measured) <= max(0.2*measured, 3)
}

// second is the delay of a delivery on the first attempt.
var second = regexp.MustCompile(`^1st, ([0-9.]+) s`)

func TestPredictsWhatTheLaboratoryRecorded(t *testing.T) {
	tables := readTables(t, "../../docs/mail.md")
	if len(tables) < 2 || len(tables[0].senders) < 7 || len(tables[0].cases) < 19 {
		t.Fatalf("docs/mail.md: the tables of fates and of addresses tried are not what they were")
	}
	fates, orders := tables[0], tables[1]
	shapes := laboratory()
	compared := 0
	for _, c := range fates.cases {
		m := shapes[c]
		if m == nil {
			if !slices.Contains(excluded, c) {
				t.Errorf("case %q of docs/mail.md: its set is not known here", c)
			}
			continue
		}
		for _, name := range fates.senders {
			t.Run(c+": "+name, func(t *testing.T) {
				o := find(t, name).Walk(m.set)
				checkFate(t, o, fates.cell(c, name))
				checkOrder(t, m, o, orders.cell(c, name))
			})
			compared++
		}
	}
	if compared != len(shapes)*len(fates.senders) {
		t.Errorf("%d comparisons, expected %d: a case is missing in docs/mail.md", compared, len(shapes)*len(fates.senders))
	}
}

func checkFate(t *testing.T, o Outcome, cell string) {
	t.Helper()
	switch {
	case cell == "**bounced**":
		if o.Fate != Bounced {
			t.Errorf("predicted %v, recorded bounced", o.Fate)
		}
	case cell == "**queued**":
		if o.Fate != Queued && o.Fate != Stuck {
			t.Errorf("predicted %v, recorded queued", o.Fate)
		}
	case strings.HasPrefix(cell, "2nd"):
		if o.Fate != Queued {
			t.Errorf("predicted %v, recorded queued and delivered later", o.Fate)
		}
	default:
		match := second.FindStringSubmatch(cell)
		if match == nil {
			t.Fatalf("cell %q: expected a fate", cell)
		}
		recorded, err := strconv.ParseFloat(match[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		if o.Fate != Delivered || !within(o.Seconds, recorded) {
			t.Errorf("predicted %v after %.1f s, recorded delivered after %.2f s", o.Fate, o.Seconds, recorded)
		}
	}
}

// checkOrder compares the addresses called in the first attempt with those of
// any message that was recorded; the order within a host is left open.
func checkOrder(t *testing.T, m *maker, o Outcome, cell string) {
	t.Helper()
	if cell == "none" {
		cell = ""
	}
	called := make([]string, 0, len(o.Tried))
	for _, a := range o.Tried {
		called = append(called, m.names[a])
	}
	for recorded := range strings.SplitSeq(cell, "; or ") {
		recorded, _, _ = strings.Cut(recorded, ", then ")
		recorded, _, _ = strings.Cut(recorded, " (")
		if sameHosts(strings.Fields(strings.ReplaceAll(recorded, `\*`, "*")), called) {
			return
		}
	}
	t.Errorf("predicted %v, recorded %s", called, cell)
}

// sameHosts compares two orders up to the family of an address.
func sameHosts(a, b []string) bool {
	host := func(name string) string { return strings.TrimSuffix(name, "/6") }
	return slices.EqualFunc(a, b, func(x, y string) bool { return host(x) == host(y) })
}

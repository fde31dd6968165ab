package senders

import (
	"fmt"
	"net/netip"
	"strconv"
	"testing"
)

// measured has the set of each case of testdata/measured.txt.
func measured() map[string]Set {
	lowest := func(s State) Set { return shape().fake(1, "fake1", v4, s).usual(v4).set }
	at := func(address string) Set {
		return shape().add(Host{Name: "fake1", Fake: true, Addresses: []Address{{Addr: netip.MustParseAddr(address)}}}).usual(v4).set
	}
	down := func(s State) Set {
		return shape().real(10, "mail", v4, Refuses).real(20, "backup", v4, Refuses).fake(30, "fake1", v4, s).set
	}
	many := shape().fake(1, "fake1", v4, Refuses).usual(v4)
	for i := range 30 {
		many.fake(uint16(30+i), fmt.Sprintf("decoy%d", i), v4, Refuses)
	}
	return map[string]Set{
		"no fakes":                           shape().usual(v4).set,
		"lowest closed, IPv4":                lowest(Refuses),
		"lowest closed, IPv4 and IPv6":       shape().fake(1, "fake1", both, Refuses).usual(v4).set,
		"lowest closed, 30 highest closed":   many.set,
		"lowest greets 421":                  lowest(Greets4xx),
		"lowest greets 554":                  lowest(Greets5xx),
		"lowest 451 at RCPT":                 lowest(Defers),
		"lowest 550 at RCPT":                 lowest(Rejects),
		"lowest silent":                      lowest(Silent),
		"lowest without address":             shape().add(Host{Name: "fake1", Fake: true}).usual(v4).set,
		"lowest SERVFAIL":                    shape().add(Host{Name: "fake1", Fake: true, Failed: true}).usual(v4).set,
		"lowest at 127.0.0.1":                at("127.0.0.1"),
		"lowest at 0.0.0.0":                  at("0.0.0.0"),
		"real ones down, highest closed":     down(Refuses),
		"real ones down, highest greets 421": down(Greets4xx),
		"no MX, highest closed added":        shape().fake(10, "fake1", v4, Refuses).set,
		"4 lowest names":                     closedNames(4),
		"5 lowest names":                     closedNames(5),
		"5 lowest addresses":                 closedAddresses(5),
		"7 lowest addresses":                 closedAddresses(7),
		"8 lowest addresses":                 closedAddresses(8),
		"49 lowest addresses":                closedAddresses(49),
		"50 lowest addresses":                closedAddresses(50),
	}
}

func closedNames(n int) Set {
	m := shape()
	for i := range n {
		m.fake(uint16(i), fmt.Sprintf("fake%d", i), v4, Refuses)
	}
	return m.usual(v4).set
}

func closedAddresses(n int) Set {
	m := shape()
	h := Host{Name: "fake1", Fake: true}
	for range n {
		h.Addresses = append(h.Addresses, m.addresses("fake1", v4, Refuses)...)
	}
	return m.add(h).usual(v4).set
}

func TestPredictsWhatWasMeasuredByHand(t *testing.T) {
	table := readTables(t, "testdata/measured.txt")[0]
	sets := measured()
	if len(table.cases) != len(sets) {
		t.Errorf("%d cases measured, %d sets for them", len(table.cases), len(sets))
	}
	for _, c := range table.cases {
		set, ok := sets[c]
		if !ok {
			t.Errorf("case %q: its set is not known here", c)
			continue
		}
		for _, name := range table.senders {
			t.Run(c+": "+name, func(t *testing.T) {
				checkMeasured(t, find(t, name).Walk(set), table.cell(c, name))
			})
		}
	}
}

func checkMeasured(t *testing.T, o Outcome, cell string) {
	t.Helper()
	switch cell {
	case "B":
		if o.Fate != Bounced {
			t.Errorf("predicted %v, measured bounced", o.Fate)
		}
	case "Q":
		if o.Fate != Queued && o.Fate != Stuck {
			t.Errorf("predicted %v, measured queued", o.Fate)
		}
	case "ok":
		if o.Fate != Delivered || o.Seconds > 1 {
			t.Errorf("predicted %v after %.1f s, measured delivered at once", o.Fate, o.Seconds)
		}
	default:
		seconds, err := strconv.ParseFloat(cell, 64)
		if err != nil {
			t.Fatalf("cell %q: expected ok, Q, B or seconds", cell)
		}
		if o.Fate != Delivered || !within(o.Seconds, seconds) {
			t.Errorf("predicted %v after %.1f s, measured %.2f s", o.Fate, o.Seconds, seconds)
		}
	}
}

func TestEverySenderThatIsMarkedAsRunWasRun(t *testing.T) {
	run := map[string]bool{}
	for _, name := range readTables(t, "testdata/measured.txt")[0].senders {
		run[name] = true
	}
	for _, s := range Known {
		if (s.Evidence == Run) != run[s.Name] {
			t.Errorf("%s is marked as %v; in testdata/measured.txt: %v", s.Name, s.Evidence, run[s.Name])
		}
	}
}

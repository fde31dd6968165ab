package senders

import (
	"math"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// laboratory has the set of each case of docs/mail.md and docs/receivers.md that
// one attempt at one set is behind, as test/mail makes it, after the fakes have
// joined.
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
		"two of three down, no fakes":   twoDown(shape()),
		"two of three down, one lowest": twoDown(shape().fake(0, "fake0", v4, Refuses)),
	}
}

func twoDown(m *maker) *maker {
	return m.real(10, "a", both, Refuses).real(20, "b", both, Refuses).real(30, "c", both, Accepts)
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

// down is the case whose fates are told in a table of its own, a row a sender.
const down = "all real ones down for a while"

// within is how far a predicted delay may be from the measured median: 20 % or
// 3 s.
func within(predicted, measured float64) bool {
	return math.Abs(predicted-measured) <= max(0.2*measured, 3)
}

func TestPredictsWhatTheLaboratoryRecorded(t *testing.T) {
	fates := make(map[string]*table)
	for _, page := range []string{"../../docs/mail.md", "../../docs/receivers.md"} {
		tables := readTables(t, page)
		for i := range tables {
			for _, c := range tables[i].cases {
				fates[c] = &tables[i]
			}
		}
	}
	orders := readOrders(t, "../../docs/mail.md")
	for c, m := range laboratory() {
		for _, s := range Known {
			if !slices.Contains(stock, s.Name) {
				continue
			}
			t.Run(c+": "+s.Name, func(t *testing.T) {
				o := s.Walk(m.set)
				switch {
				case c == down:
					if o.Fate != Queued {
						t.Errorf("predicted %v, recorded queued and delivered later", o.Fate)
					}
				case fates[c] == nil:
					t.Fatal("the pages have no fate for this case")
				default:
					checkFate(t, o, fates[c].cell(c, s.Name))
				}
				checkOrder(t, m, o, orders[c][s.Name])
			})
		}
	}
}

// stock are the senders of the laboratory.
var stock = []string{"Postfix", "Exim", "OpenSMTPD", "sendmail", "Courier", "dma", "chasquid"}

func checkFate(t *testing.T, o Outcome, cell string) {
	t.Helper()
	switch cell {
	case "bounced":
		if o.Fate != Bounced {
			t.Errorf("predicted %v, recorded bounced", o.Fate)
		}
		return
	case "queued":
		if o.Fate != Queued && o.Fate != Stuck {
			t.Errorf("predicted %v, recorded queued", o.Fate)
		}
		return
	}
	if o.Fate != Delivered {
		t.Errorf("predicted %v, recorded delivered", o.Fate)
	}
	if cell == "delivered" {
		return
	}
	recorded, err := strconv.ParseFloat(strings.TrimSuffix(cell, " s"), 64)
	if err != nil {
		t.Fatalf("cell %q: expected a fate, or seconds", cell)
	}
	if !within(o.Seconds, recorded) {
		t.Errorf("predicted %.1f s, recorded %.2f s", o.Seconds, recorded)
	}
}

var (
	// orderItem is a case with what was tried in it, over several lines.
	orderItem = regexp.MustCompile(`(?m)^- \*\*(.+)\*\*: ((?:.+\n)(?:  .+\n)*)`)
	// orderOf is one order and the senders that kept to it.
	orderOf = regexp.MustCompile("(?:`([^`]*)`|none) \\(([^)]*)\\)")
)

// readOrders returns the orders in which the senders tried the hosts, by case and
// sender. A sender that tried none has an empty one.
func readOrders(t *testing.T, path string) map[string]map[string][]string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	orders := make(map[string]map[string][]string)
	for _, item := range orderItem.FindAllStringSubmatch(string(content), -1) {
		by := make(map[string][]string)
		for _, order := range orderOf.FindAllStringSubmatch(strings.Join(strings.Fields(item[2]), " "), -1) {
			names := strings.Split(order[2], ", ")
			if order[2] == "all" {
				names = stock
			}
			for _, name := range names {
				by[name] = append(by[name], order[1])
			}
		}
		orders[item[1]] = by
	}
	return orders
}

// checkOrder compares the hosts called in the first attempt with those of any
// message that was recorded.
func checkOrder(t *testing.T, m *maker, o Outcome, recorded []string) {
	t.Helper()
	called := make([]string, 0, len(o.Tried))
	for _, a := range o.Tried {
		called = append(called, strings.TrimSuffix(m.names[a], "/6"))
	}
	for _, order := range recorded {
		order, _, _ = strings.Cut(order, ", then ")
		order, _, _ = strings.Cut(order, " (")
		if slices.Equal(strings.Fields(order), called) {
			return
		}
	}
	t.Errorf("predicted %v, recorded %q", called, recorded)
}

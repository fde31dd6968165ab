package main

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// everyShape lays out the whole plan, as a full run does.
func everyShape() []*shape {
	l := &laboratory{tlsa: strings.Repeat("ab", 32), receivers: receivers()}
	p := newPlan()
	l.agenda(p, senders(), &options{mails: 1})
	return p.shapes
}

func TestPlan(t *testing.T) {
	shapes := everyShape()
	t.Run("no two shapes share an address", func(t *testing.T) {
		owner := map[netip.Addr]string{}
		for _, s := range shapes {
			for a := range s.names() {
				if a.IsLoopback() {
					continue
				}
				mine := s.label
				if name := s.names()[a]; name == s.receiver {
					mine = name // of several domains
				}
				if other, ok := owner[a]; ok && other != mine {
					t.Errorf("%s belongs to %s and %s", a, other, mine)
				}
				owner[a] = mine
			}
		}
	})
	t.Run("every address lies in a documentation prefix", func(t *testing.T) {
		for _, s := range shapes {
			for a := range s.names() {
				inside := a.IsLoopback()
				for _, prefix := range documentation {
					inside = inside || netip.MustParsePrefix(prefix).Contains(a)
				}
				if !inside {
					t.Errorf("%s of %s", a, s.label)
				}
			}
		}
	})
	t.Run("the set that clients see is the real hosts and the fakes", func(t *testing.T) {
		for _, s := range shapes {
			if s.wild && !s.plain && strings.Contains(s.lowest[0].name, ".") {
				continue // brings a name into being that has no set
			}
			want := len(s.real)
			if !s.plain && !s.dryRun && len(s.real) > 0 && s.real[0].host != "." {
				want += len(s.fakes())
			}
			if len(s.want) != want {
				t.Errorf("%s: %d records, want %d", s.label, len(s.want), want)
			}
		}
	})
	t.Run("both forms of every zone are zones", func(t *testing.T) {
		for _, s := range shapes {
			for _, withFakes := range []bool{false, true} {
				p := dns.NewZoneParser(strings.NewReader(s.zoneText(nameServer, longTTL, withFakes)), "", s.label)
				for _, ok := p.Next(); ok; _, ok = p.Next() {
				}
				if err := p.Err(); err != nil {
					t.Error(err)
				}
			}
		}
	})
}

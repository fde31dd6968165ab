package senders

import (
	"testing"
)

func TestWalk(t *testing.T) {
	fakes := func(n int) Set {
		m := shape().usual(v4)
		for range n {
			m.fake(30, "decoy", v4, Refuses)
		}
		return m.set
	}
	tests := []struct {
		what   string
		sender string
		set    Set
		fate   Fate
		tried  int
	}{
		{"a set of 100 records is looked at whole", "Postfix", fakes(98), Delivered, 1},
		{"of a set of 101 a part is dropped by chance", "Postfix", fakes(99), Chance, 1},
		{"sendmail drops a part, too", "sendmail", fakes(99), Chance, 1},
		{"others take any number", "Exim", fakes(200), Delivered, 1},
		{"one lowest fake is too many for who tries the first MX only", "first MX only",
			shape().fake(0, "fake", v4, Refuses).usual(v4).set, Bounced, 1},
		{"and slimta gives up after one record", "python-slimta",
			shape().fake(0, "fake", v4, Refuses).usual(v4).set, Bounced, 1},
		{"with highest ones it delivers", "python-slimta", fakes(3), Delivered, 1},
		{"Stalwart reaches the second host", "Stalwart",
			shape().fake(0, "fake", v4, Refuses).usual(v4).set, Delivered, 2},
		{"and not the third", "Stalwart",
			shape().fake(0, "fake", v4, Refuses).real(10, "mail", v4, Refuses).real(20, "backup", v4, Accepts).set, Stuck, 2},
		{"what Stalwart does with a 4xx is not known", "Stalwart",
			shape().fake(0, "fake", v4, Greets4xx).usual(v4).set, Unknown, 1},
		{"a real host that greylists is asked again", "Courier",
			shape().real(10, "mail", v4, Defers).real(20, "backup", v4, Accepts).set, Queued, 1},
		{"a fake that defers is asked for ever", "Courier",
			shape().fake(0, "fake", v4, Defers).usual(v4).set, Stuck, 1},
		{"Postfix has two sessions an attempt", "Postfix",
			shape().real(10, "a", v4, Defers).real(20, "b", v4, Defers).real(30, "c", v4, Accepts).set, Queued, 2},
		{"notqmail does not call an IPv6 address", "notqmail", shape().real(10, "mail", v6, Accepts).set, Stuck, 0},
		{"dma bounces for a highest fake without an address", "dma",
			shape().usual(v4).add(Host{Name: "fake", Preference: 30, Fake: true}).set, Bounced, 0},
		{"three dual-stack real hosts, two of them down: Postfix calls the third", "Postfix",
			shape().real(10, "a", both, Refuses).real(20, "b", both, Refuses).real(30, "c", both, Accepts).set, Delivered, 5},
		{"with a lowest fake in front it does not", "Postfix",
			shape().fake(0, "fake", both, Refuses).real(10, "a", both, Refuses).real(20, "b", both, Refuses).real(30, "c", both, Accepts).set, Stuck, 5},
		{"a fake that takes mail keeps it", "Exim", shape().fake(0, "fake", v4, Accepts).usual(v4).set, Taken, 1},
		{"nobody is there", "Postfix", Set{}, Queued, 0},
	}
	for _, tt := range tests {
		t.Run(tt.what, func(t *testing.T) {
			o := find(t, tt.sender).Walk(tt.set)
			if o.Fate != tt.fate || len(o.Tried) != tt.tried {
				t.Errorf("%v after %d addresses, expected %v after %d", o.Fate, len(o.Tried), tt.fate, tt.tried)
			}
		})
	}
}

func TestPrimaryDown(t *testing.T) {
	set := shape().fake(0, "fake", v4, Refuses).usual(both).set
	down := set.PrimaryDown()
	if down[1].Addresses[0].State != Refuses || down[1].Addresses[1].State != Refuses {
		t.Error("the best real host is not down")
	}
	if down[2].Addresses[0].State != Accepts {
		t.Error("the second real host is down")
	}
	if set[1].Addresses[0].State != Accepts {
		t.Error("the set itself has changed")
	}
}

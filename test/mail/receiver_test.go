package main

import (
	"fmt"
	"strings"
	"testing"
)

func TestPlainReply(t *testing.T) {
	for reply, want := range map[string]string{
		"550 relay not permitted":                                                "550 relay not permitted",
		"554 5.7.1 <m11@low.example.org>: Relay access denied":                   "554 Relay access denied",
		"550 5.7.1 <m9@low.example.org>... Relaying denied":                      "550 Relaying denied",
		"550 5.7.1 m9@low.example.org... Relaying denied. Proper authentication": "550 Relaying denied",
		"421": "421 ",
	} {
		t.Run(reply, func(t *testing.T) {
			if got := plainReply(reply); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestReceivers(t *testing.T) {
	list := receivers()
	p := newPlan()
	p.receive(list)
	t.Run("each has a domain an arrangement, and one address", func(t *testing.T) {
		for _, r := range list {
			if len(r.arrivals) != len(arrangements) {
				t.Errorf("%s: %d domains", r.name, len(r.arrivals))
			}
			for _, a := range r.arrivals {
				if name := a.shape.names()[r.addr]; name != a.shape.receiver {
					t.Errorf("%s: %s is %q", a.shape.zone(), r.addr, name)
				}
			}
		}
	})
	t.Run("the view is for the receiver alone, and comes before the block with fakes", func(t *testing.T) {
		for _, r := range list {
			files := map[string]string{}
			blocks, err := (&publisher{}).zone(r.viewed().shape, files)
			if err != nil {
				t.Fatal(err)
			}
			view := strings.Index(blocks, fmt.Sprintf("expr incidr(client_ip(), '%s/32')", r.addr))
			if fakes := strings.Index(blocks, "lowest fake0"); view < 0 || fakes < view || strings.Count(blocks, "fakemx {") != 1 {
				t.Errorf("%s:\n%s", r.name, blocks)
			}
			if len(files) != 2 {
				t.Errorf("%s: %d zone files, want the one of each block", r.name, len(files))
			}
		}
	})
	t.Run("aliases send every user's mail to the host of the mailboxes", func(t *testing.T) {
		a := list[0].arrivals[0]
		if want := a.id + ": " + a.id + "@users.example.net\n"; !strings.HasPrefix(list[0].aliases(), want) {
			t.Errorf("got %q, want %q first", list[0].aliases(), want)
		}
	})
}

func TestReceiverVerdict(t *testing.T) {
	taken, kept := arrival{result: try{fate: delivered}}, arrival{result: try{fate: queued}}
	refused := arrival{reply: "550 relay not permitted"}
	for name, tc := range map[string]struct {
		arrangement arrangement
		arrival     arrival
		passes      bool
		want        string
	}{
		"mail that arrives without fakes passes":                   {arrangements[0], taken, false, ""},
		"mail that is refused with highest fakes fails":            {arrangements[1], refused, false, "550 relay not permitted, expected lost: false"},
		"mail that is refused with a lowest fake passes":           {arrangements[2], refused, false, ""},
		"mail that is kept with a lowest fake passes":              {arrangements[2], kept, false, ""},
		"mail that arrives with a lowest fake fails":               {arrangements[2], taken, false, "taken, expected lost: true"},
		"mail that is kept where the receiver doesn't mind fails":  {arrangements[2], kept, true, "queued"},
		"mail that arrives where the receiver doesn't mind passes": {arrangements[2], taken, true, ""},
		"mail that is kept although the receiver has a view fails": {arrangements[3], kept, false, "queued"},
		"mail that was not offered fails":                          {arrangements[0], arrival{broken: errQuit}, false, "quit"},
	} {
		t.Run(name, func(t *testing.T) {
			tc.arrival.arrangement = tc.arrangement
			r := &receiver{sender: &sender{name: "server"}, passes: tc.passes, arrivals: []*arrival{&tc.arrival}}
			err := r.judge()
			if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

package check

import (
	"strings"

	"github.com/fakemx/fakemx/internal/senders"
)

// Report is what was found about one domain.
type Report struct {
	Domain string `json:"domain"`
	// Before is the set without fakes, and After the one that senders get, best
	// first. After is nil where no set is.
	Before []Record `json:"before"`
	After  []Record `json:"after"`
	// Switched says that fakes of the configuration are in the set that is served
	// now.
	Switched bool `json:"switched_on"`
	// Senders is what each known sender does with the set, nil where there is none.
	Senders  []Sender  `json:"senders"`
	Findings []Finding `json:"findings"`
	Unseen   []Unseen  `json:"unseen"`
	// Skipped is what was left out on purpose.
	Skipped []Unseen `json:"skipped"`
}

// Record is an MX record with the addresses of its host and what port 25 of each
// does.
type Record struct {
	Preference uint16 `json:"preference"`
	Exchange   string `json:"exchange"`
	TTL        uint32 `json:"ttl"`
	// Fake is "lowest" or "highest", "" for a real one.
	Fake      string    `json:"fake,omitempty"`
	Addresses []Address `json:"addresses"`
}

// Address is an address of an exchange.
type Address struct {
	Address string `json:"address"`
	// Port25 is what was seen: "takes mail", "refuses", "silent", "greets 4xx",
	// "greets 5xx", "answers 4xx", "answers 5xx", or "not seen".
	Port25 string `json:"port25"`
}

// Sender is the fate of a message from one sender.
type Sender struct {
	Name     string `json:"name"`
	Version  string `json:"version"`
	Evidence string `json:"evidence"` // run or read
	// Now is with everything as it was seen, PrimaryDown with the best real host
	// refusing.
	Now         Walk `json:"now"`
	PrimaryDown Walk `json:"primary_down"`
}

// Walk is one attempt of a sender.
type Walk struct {
	// Fate is "delivered", "queued", "stuck", "by chance", "bounced", "taken by a
	// fake" or "not known".
	Fate string `json:"fate"`
	// Tried are the addresses in the order in which they are called.
	Tried []string `json:"tried"`
	// Added are the seconds that the fakes add, nil where that is not known.
	Added *float64 `json:"added_seconds"`
}

// Worst returns the level of the worst finding, and false if there is none.
func (r *Report) Worst() (Level, bool) {
	if len(r.Findings) == 0 {
		return Info, false
	}
	return r.Findings[0].Level, true // sorted
}

// newWalk compares the walk through the set with that without fakes.
func newWalk(with, without senders.Outcome) Walk {
	w := Walk{Fate: with.Fate.String(), Tried: make([]string, 0, len(with.Tried))}
	for _, a := range with.Tried {
		w.Tried = append(w.Tried, a.String())
	}
	if with.Seconds >= 0 && without.Seconds >= 0 {
		added := max(0, with.Seconds-without.Seconds)
		w.Added = &added
	}
	return w
}

// display is a name without its final dot.
func display(name string) string {
	if name == "." {
		return name
	}
	return strings.TrimSuffix(name, ".")
}

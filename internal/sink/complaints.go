package sink

import (
	"log"
	"sync"
	"time"

	"github.com/fakemx/fakemx/internal/sink/visit"
)

// perMinute is how many complaints are printed in a minute. Clients can cause any
// number.
const perMinute = 10

// complaints prints what goes wrong.
type complaints struct {
	log *log.Logger

	mu     sync.Mutex
	minute time.Time
	said   int
	hidden int
}

func newComplaints(l *log.Logger) *complaints { return &complaints{log: l} }

func (c *complaints) print(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.minute) >= time.Minute {
		if c.hidden > 0 {
			c.log.Printf("%d more complaints were left out", c.hidden)
		}
		c.minute, c.said, c.hidden = now, 0, 0
	}
	if c.said == perMinute {
		c.hidden++
		return
	}
	c.said++
	c.log.Print(visit.Printable(err.Error()))
}

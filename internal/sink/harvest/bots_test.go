package harvest

import (
	"fmt"
	"testing"
	"time"
)

func TestBotsThatComeOnceToTheHighestAloneAreListed(t *testing.T) {
	const n = 1000
	w := newWorld(t)
	w.bots(n)
	w.judge()
	if listed := len(w.listed()); listed < n*99/100 || w.verdicts[Bot] != listed {
		t.Errorf("%d of %d are listed, found was %v", listed, n, w.verdicts)
	}
}

var _ = fmt.Sprint
var _ = time.Now

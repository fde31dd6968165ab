package main

// dma has no daemon: a message that stays queued waits for "dma -q", which
// Debian runs from cron every five minutes.
func dma() *sender {
	return &sender{
		name:     "dma",
		short:    true,
		packages: []string{"dma"},
		flush:    [][]string{{"dma", "-q"}},
		submit:   viaSendmail,
	}
}

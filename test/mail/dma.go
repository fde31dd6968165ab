package main

import "time"

// dma has no daemon: a process a message waits in the queue, and looks every 30
// seconds whether somebody has called "dma -q", as Debian's cron job does.
func dma() *sender {
	return &sender{
		name:     "dma",
		short:    true,
		software: software{packages: []string{"dma"}},
		flush:    [][]string{{"dma", "-q"}},
		submit:   viaSendmail,
		rouses:   30 * time.Second,
	}
}

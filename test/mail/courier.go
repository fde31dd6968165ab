package main

import "context"

// courier is the package's own configuration with its name set. It holds a
// domain whose servers were all down for five minutes (esmtpdelay), and a flush
// doesn't change that, but a restart does.
func courier() *sender {
	return &sender{
		name:     "Courier",
		software: software{packages: []string{"courier-mta"}},
		setup: func(_ context.Context, c *container, host string) error {
			return c.root.write("/etc/courier/me", host+"\n", 0o644)
		},
		start:  [][]string{{"courier", "start"}},
		flush:  [][]string{{"courier", "restart"}, {"courier", "flush"}},
		submit: viaSendmail,
	}
}

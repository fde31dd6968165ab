package main

import "time"

// opensmtpd is the package's own smtpd.conf. After every refused connection it
// waits about two seconds before it tries the next address.
func opensmtpd() *sender {
	return &sender{
		name:     "OpenSMTPD",
		short:    true,
		software: software{packages: []string{"opensmtpd"}},
		start:    [][]string{{"smtpd"}},
		flush:    [][]string{{"smtpctl", "schedule", "all"}},
		submit:   viaSendmail,
		waits:    3 * time.Second,
		joins:    30 * time.Second,
	}
}

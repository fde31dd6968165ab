package main

import "context"

// sendmail is the package's own sendmail.cf and submit.cf, but for the load: it
// only queues, and at some point refuses, while the machine has much to do, and
// the machine's load is not that of a host of the laboratory.
func sendmail() *sender {
	return &sender{
		name:     "sendmail",
		software: software{packages: []string{"sendmail-bin", "sendmail-base", "sendmail-cf"}},
		setup: func(_ context.Context, c *container, _ string) error {
			for _, path := range []string{"/etc/mail/sendmail.cf", "/etc/mail/submit.cf"} {
				for _, change := range [][2]string{{"#O QueueLA=8\n", "O QueueLA=1000\n"}, {"#O RefuseLA=12\n", "O RefuseLA=1000\n"}} {
					if err := edit(c, path, change[0], change[1]); err != nil {
						return err
					}
				}
			}
			return nil
		},
		start:  [][]string{{"sendmail", "-L", "sm-mta", "-bd", "-q10m"}},
		flush:  [][]string{{"sendmail", "-q"}},
		submit: viaSendmail,
	}
}

package main

import "context"

// exim is Debian's "internet site".
func exim() *sender {
	return &sender{
		name:     "Exim",
		short:    true,
		software: software{packages: []string{"exim4-daemon-light", "exim4-base", "exim4-config"}},
		setup: func(ctx context.Context, c *container, _ string) error {
			err := edit(c, "/etc/exim4/update-exim4.conf.conf", "dc_eximconfig_configtype='local'", "dc_eximconfig_configtype='internet'")
			if err != nil {
				return err
			}
			_, err = c.run(ctx, nil, "update-exim4.conf")
			return err
		},
		start:  [][]string{{"install", "-d", "-o", "Debian-exim", "-g", "Debian-exim", "/run/exim4"}, {"exim4", "-bd", "-q30m"}},
		flush:  [][]string{{"exim4", "-qff"}},
		submit: viaSendmail,
	}
}

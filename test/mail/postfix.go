package main

import "context"

var postfixPackage = software{
	packages: []string{"postfix"},
	answers: "postfix postfix/main_mailer_type select Internet Site\n" +
		"postfix postfix/mailname string postfix.example.net\n",
}

// postfix is Debian's "Internet Site".
func postfix() *sender {
	return &sender{
		name:     "Postfix",
		short:    true,
		software: postfixPackage,
		setup: func(ctx context.Context, c *container, host string) error {
			_, err := c.run(ctx, nil, "postconf", "-e", "myhostname="+host, "mydestination=$myhostname, localhost")
			return err
		},
		start:  [][]string{{"newaliases"}, {"postfix", "start"}},
		flush:  [][]string{{"postqueue", "-f"}},
		submit: viaSendmail,
	}
}

// postfixDANE is the same with opportunistic DANE (RFC 7672) switched on.
func postfixDANE() *sender {
	s := postfix()
	plain := s.setup
	s.name = "Postfix with DANE"
	s.dane, s.short = true, false
	s.setup = func(ctx context.Context, c *container, host string) error {
		if err := plain(ctx, c, host); err != nil {
			return err
		}
		_, err := c.run(ctx, nil, "postconf", "-e", "smtp_dns_support_level=dnssec", "smtp_tls_security_level=dane",
			"smtp_tls_loglevel=1")
		return err
	}
	return s
}

package senders

// Known are the senders that fakemx predicts for. Those with [Run] were run on
// 2026-11-22 with their stock configuration; docs/mail.md describes how, and
// testdata/measured.txt has what was seen beside the cases of that page.
//
//nolint:mnd // each number is what was measured for the field that it stands at
var Known = []Sender{
	{
		Name: "Postfix", Version: "3.7.11", Evidence: Run,
		Silent: 30, Lookup: 20,
		Greeting4xx: Next, Greeting5xx: Next, Recipient4xx: Next,
		NoAddress: Next, Loopback: Return, Unspecified: Return, NullMX: Bounced,
		// smtp_mx_address_limit, smtp_balance_inet_protocols, smtp_mx_session_limit.
		Limits: Limits{Records: 100, Addresses: 5, Balanced: true, Sessions: 2},
	},
	{
		Name: "Exim", Version: "4.96", Evidence: Run,
		Silent: 134, Lookup: 20,
		Greeting4xx: Next, Greeting5xx: Next, Recipient4xx: Next,
		NoAddress: Next, Loopback: Next, Unspecified: Next, NullMX: Bounced,
		Limits:    Limits{Addresses: 50}, // hosts_max_try_hardlimit
		Remembers: true,
	},
	{
		Name: "OpenSMTPD", Version: "6.8.0p2", Evidence: Run,
		Wait: 2, Silent: 132, Lookup: 110,
		Greeting4xx: Next, Greeting5xx: Next, Recipient4xx: Keep,
		NoAddress: Next, Loopback: Return, Unspecified: Return, NullMX: Queued,
		Limits: Limits{Addresses: 8},
	},
	{
		Name: "sendmail", Version: "8.17.1.9", Evidence: Run,
		Silent: 120, Lookup: 15,
		Greeting4xx: Next, Greeting5xx: Next, Recipient4xx: Next,
		NoAddress: Next, Loopback: Next, Unspecified: Next, NullMX: Bounced,
		Limits: Limits{Records: 100}, // MAXMXHOSTS
	},
	{
		Name: "Courier", Version: "1.0.16", Evidence: Run,
		Silent: 60, Lookup: 310,
		Greeting4xx: Keep, Greeting5xx: Return, Recipient4xx: Keep,
		NoAddress: Next, Loopback: Return, Unspecified: Next, NullMX: Bounced,
	},
	{
		Name: "dma", Version: "0.13", Evidence: Run,
		Silent: 134, Lookup: 10,
		Greeting4xx: Next, Greeting5xx: Return, Recipient4xx: Next,
		NoAddress: Return, Loopback: Next, Unspecified: Next, NullMX: Bounced,
	},
	{
		Name: "chasquid", Version: "1.11", Evidence: Run,
		Silent: 60, Lookup: 0.1,
		Greeting4xx: Next, Greeting5xx: Next, Recipient4xx: Next,
		NoAddress: Next, Loopback: Return, Unspecified: Return, NullMX: Queued,
		Limits: Limits{Hosts: 5},
	},
	{
		Name: "notqmail", Version: "1.09", Evidence: Run,
		Silent:      60,
		Greeting4xx: Keep, Greeting5xx: Keep, Recipient4xx: Keep,
		NoAddress: Next, Loopback: Return, Unspecified: Return, NullMX: Queued,
		IPv4: true,
	},
	{
		Name: "Haraka", Version: "3.1.5", Evidence: Run,
		Silent: 30, Lookup: 0.4,
		Greeting4xx: Keep, Greeting5xx: Return, Recipient4xx: Keep,
		NoAddress: Next, Loopback: Next, Unspecified: Next, NullMX: Queued,
	},
	{
		// max_mx_hosts of the default route.
		Name: "Stalwart", Version: "as of 2026-11", Evidence: Read,
		Silent: unmeasured, Lookup: unmeasured,
		Limits: Limits{Hosts: 2},
	},
	{
		// It takes the record of the number of the attempt, and gives up after the
		// first attempt.
		Name: "python-slimta", Version: "as of 2026-11", Evidence: Read,
		Silent: unmeasured, Lookup: unmeasured,
		Limits: Limits{Hosts: 1},
		OneTry: true,
	},
	{
		// Mailers inside applications. A site saw all of its six users miss mail with a
		// lowest fake, most of it from JavaMail applications.
		Name: "first MX only", Version: "home-made", Evidence: Read,
		Silent: unmeasured, Lookup: unmeasured,
		Limits: Limits{Hosts: 1},
		OneTry: true,
	},
}

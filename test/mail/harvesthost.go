package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"
)

// The zone of the list, and the address in whose lines it is written.
const (
	listZone = "bl.example.net"
	realName = "mail" // of the real host in its lines
)

// Where the sink server takes what the real host tells.
const (
	policyPort = 10044
	linesPort  = 5514
)

// The domains, of which the real host treats each in a way of its own. All of
// them have the same fakes.
const (
	plainLabel  = "plain"  // the list is not asked
	defersLabel = "defers" // smtpd says 450 to who is listed
	scoresLabel = "scores" // rspamd adds to the score of who is listed
)

// probesFrom has the addresses of the sink server.
const probesFrom = "198.51.100.0/24"

var treatments = []string{plainLabel, defersLabel, scoresLabel}

func domainOf(label string) string { return label + ".example.org" }

// realHost is a mail host as the guide has it: Postfix with postscreen in front,
// its smtpd with the sink server as policy service, and rspamd behind.
//
// Postscreen asks the list too, with a weight that never reaches its threshold:
// enforcing would mean 550. That it asks as soon as a client connects pins the
// answer in the resolver: until its turn to speak comes, after a wait, the client
// has been seen and so acquitted.
func realHost(sinkServer netip.Addr, wait time.Duration) *sender {
	software := software{packages: []string{"rspamd", "postfix"}, answers: postfixPackage.answers}
	return &sender{
		name:     realName,
		software: software,
		setup: func(ctx context.Context, c *container, host string) error {
			for path, text := range rspamdFiles() {
				if err := c.root.write("/etc/rspamd/"+path, text, 0o644); err != nil {
					return err
				}
			}
			if err := c.root.write("/etc/postfix/probe.cidr", probesFrom+" permit\n", 0o644); err != nil {
				return err
			}
			for _, argv := range postfixSettings(host, sinkServer, wait) {
				if _, err := c.run(ctx, nil, argv...); err != nil {
					return err
				}
			}
			return nil
		},
		start: [][]string{
			{"newaliases"},
			{"install", "-d", "-o", "_rspamd", "-g", "_rspamd", "/run/rspamd", "/var/log/rspamd"},
			{"rspamd", "-u", "_rspamd", "-g", "_rspamd"},
			{"install", "-d", "-o", boxUser, "-g", boxUser, boxes},
			{"postfix", "start"},
		},
	}
}

// How long postscreen waits before a new client may speak: its own default, and
// less for the short form.
const (
	greetWait      = 6 * time.Second
	shortGreetWait = 2 * time.Second
)

// rspamdFiles are below /etc/rspamd. The list's weight alone makes no message
// spam (6 and more), but with what a crude bot leaves out it does.
func rspamdFiles() map[string]string {
	return map[string]string{
		"local.d/worker-proxy.inc": `bind_socket = "127.0.0.1:11332";
milter = yes;
count = 1;
upstream "local" { default = yes; self_scan = yes; }
`,
		"local.d/worker-normal.inc":     "enabled = false;\n",
		"local.d/worker-controller.inc": "enabled = false;\n",
		"local.d/fuzzy_check.conf":      "enabled = false;\n",
		"local.d/milter_headers.conf":   "use = [\"x-spamd-result\"];\n",
		"local.d/options.inc":           "dns { nameserver = [\"127.0.0.1:53\"]; }\ndisable_hyperscan = true; # compiles for long\n",
		"local.d/rbl.conf":              "rbls { fakemx { symbol = \"" + listSymbol + "\"; rbl = \"" + listZone + "\"; checks = [\"from\"]; } }\n",
		"local.d/rbl_group.conf":        "symbols = { \"" + listSymbol + "\" { weight = 3.0; } }\n",
		"local.d/settings.conf": fmt.Sprintf("others { priority = high; rcpt = [\"@%s\", \"@%s\"]; apply { symbols_disabled = [\"%s\"]; } }\n",
			domainOf(plainLabel), domainOf(defersLabel), listSymbol),
	}
}

// listSymbol is what rspamd calls the list.
const listSymbol = "FAKEMX_HIGHEST_ONLY"

// Where the messages go, and as whom they are written.
const (
	boxes   = "/var/mail/laboratory"
	boxUser = "5000"
)

func postfixSettings(host string, sinkServer netip.Addr, wait time.Duration) [][]string {
	domains := make([]string, len(treatments))
	for i, label := range treatments {
		domains[i] = domainOf(label)
	}
	main := []string{
		"postconf", "-e", "myhostname=" + host, "mydestination=localhost", "inet_interfaces=all",
		"smtpd_recipient_restrictions=reject_unauth_destination, " +
			fmt.Sprintf("check_policy_service { inet:%v:%d, timeout=3s, try_limit=1, default_action=DUNNO }, ", sinkServer, policyPort) +
			"check_recipient_access inline:{ { " + domainOf(defersLabel) + " = listed } }",
		"smtpd_restriction_classes=listed",
		"listed=reject_rbl_client " + listZone + "=127.0.0.2",
		"maps_rbl_reject_code=450",
		"postscreen_access_list=cidr:/etc/postfix/probe.cidr",
		fmt.Sprintf("postscreen_greet_wait=%.0fs", wait.Seconds()),
		"postscreen_greet_action=enforce", "postscreen_dnsbl_action=enforce",
		"postscreen_dnsbl_sites=" + listZone + "=127.0.0.2*1", "postscreen_dnsbl_threshold=3",
		// Each probe names a recipient and goes, which Postfix takes for mail that piles up.
		"in_flow_delay=0",
		"smtpd_milters=inet:127.0.0.1:11332", "milter_default_action=tempfail",
		"virtual_mailbox_domains=" + strings.Join(domains, " "), "virtual_mailbox_base=" + boxes, "virtual_mailbox_maps=static:all/",
		"virtual_uid_maps=static:" + boxUser, "virtual_gid_maps=static:" + boxUser,
	}
	return [][]string{
		main,
		{"postconf", "-M", "smtp/inet=smtp inet n - n - 1 postscreen", "smtpd/pass=smtpd pass - - n - - smtpd",
			"dnsblog/unix=dnsblog unix - - n - 0 dnsblog", "tlsproxy/unix=tlsproxy unix - - n - 0 tlsproxy"},
		{"postconf", "-F", "*/*/chroot=n"},
	}
}

// tellLines sends the real host's lines to the sink server, as its rsyslog would.
func tellLines(st *station, sinkServer netip.Addr) error {
	var conn net.Conn
	err := st.node.do(func() error {
		var err error
		conn, err = net.Dial("udp", netip.AddrPortFrom(sinkServer, linesPort).String())
		return err
	})
	if err != nil {
		return err
	}
	st.log.pass(func(line string) {
		// What a program writes to /dev/log doesn't name its host: "<22>Nov 25 09:00:00 ".
		const stamp = len("Nov 25 09:00:00 ")
		if _, rest, found := strings.Cut(line, ">"); found && len(rest) > stamp {
			line = rest[:stamp] + realName + " " + rest[stamp:]
		}
		_, _ = conn.Write([]byte(line)) // what is lost isn't proven, and the sink server says so
	})
	return nil
}

package main

import (
	"context"
	"strings"
)

// receivers lists the mail servers that are tried as receivers.
func receivers() []*receiver {
	return []*receiver{
		eximPrimary(), eximGateway(), sendmailBestMX(),
		postfixBackup("Postfix, backup networks", "`permit_mx_backup` with `permit_mx_backup_networks`", false,
			"permit_mx_backup_networks=192.0.2.0/24"),
		postfixBackup("Postfix, backup", "`permit_mx_backup` alone", true),
		postfixBestMX(),
	}
}

// eximPrimary is Debian's "internet site" that takes for its own each domain
// whose best MX it is.
func eximPrimary() *receiver {
	r := &receiver{sender: exim(), option: "`domainlist local_domains = @mx_primary`"}
	r.name = "Exim, primary"
	r.setup = func(ctx context.Context, c *container, _ string) error {
		for path, text := range map[string]string{"/etc/exim4/update-exim4.conf.conf": primaryConf, "/etc/aliases": r.aliases()} {
			if err := c.root.write(path, text, 0o644); err != nil {
				return err
			}
		}
		_, err := c.run(ctx, nil, "update-exim4.conf")
		return err
	}
	return r
}

// primaryConf is read by Debian's update-exim4.conf; it makes the domain list of
// the other host names.
const primaryConf = `dc_eximconfig_configtype='internet'
dc_other_hostnames='@mx_primary'
dc_local_interfaces=''
dc_use_split_config='false'
dc_localdelivery='mail_spool'
`

// eximGateway passes mail on to a host inside as soon as the route by the MX set
// leads back to itself.
func eximGateway() *receiver {
	r := &receiver{sender: exim(), option: "`dnslookup` with `self = pass`"}
	r.name = "Exim, gateway"
	r.setup = func(_ context.Context, c *container, host string) error {
		text := strings.NewReplacer("HOST", host, "ZONES", strings.Join(r.zones(), " : "), "INSIDE", usersHost.String()).Replace(gatewayConf)
		return c.root.write("/etc/exim4/exim4.conf", text, 0o644)
	}
	return r
}

const gatewayConf = `primary_hostname = HOST
domainlist relay_to_domains = ZONES
acl_smtp_rcpt = recipients

begin acl
recipients:
  accept domains = +relay_to_domains
  deny message = relay not permitted

begin routers
gateway:
  driver = dnslookup
  domains = +relay_to_domains
  transport = remote_smtp
  self = pass
  pass_router = inside
  no_more
inside:
  driver = manualroute
  route_list = +relay_to_domains INSIDE
  transport = remote_smtp
outside:
  driver = dnslookup
  transport = remote_smtp

begin transports
remote_smtp:
  driver = smtp

begin retry
* * F,2h,15m; F,4d,6h
`

// sendmailBestMX takes for its own each domain whose best MX is one of its names.
func sendmailBestMX() *receiver {
	r := &receiver{sender: sendmail(), option: "`FEATURE(bestmx_is_local)`"}
	plain := r.setup
	r.name = "sendmail, best MX"
	r.setup = func(ctx context.Context, c *container, host string) error {
		const conf = "/etc/mail/sendmail.mc"
		if err := edit(c, conf, ", Addr=127.0.0.1", ""); err != nil {
			return err
		}
		if err := edit(c, conf, "MAILER_DEFINITIONS", "FEATURE(`bestmx_is_local')dnl\nMAILER_DEFINITIONS"); err != nil {
			return err
		}
		for path, text := range map[string]string{"/etc/mail/local-host-names": "localhost\n" + host + "\n", "/etc/mail/aliases": r.aliases()} {
			if err := c.root.write(path, text, 0o644); err != nil {
				return err
			}
		}
		if _, err := c.run(ctx, nil, "sh", "-ec", "cd /etc/mail; m4 sendmail.mc >sendmail.cf; newaliases"); err != nil {
			return err
		}
		return plain(ctx, c, host)
	}
	return r
}

// postfixBackup relays for each domain whose backup MX it is.
func postfixBackup(name, option string, passes bool, settings ...string) *receiver {
	r := postfixReceiver(name, option)
	r.second, r.passes = true, passes
	r.settings = func() []string {
		return append(settings, "smtpd_relay_restrictions=permit_mx_backup, reject_unauth_destination")
	}
	return r
}

// postfixBestMX delivers mail at home where the MX set leads back to itself.
func postfixBestMX() *receiver {
	r := postfixReceiver("Postfix, best MX", "`best_mx_transport = local`")
	r.settings = func() []string {
		return []string{"best_mx_transport=local", "relay_domains=" + strings.Join(r.zones(), " ")}
	}
	return r
}

func postfixReceiver(name, option string) *receiver {
	r := &receiver{sender: postfix(), option: option}
	plain := r.setup
	r.name = name
	r.setup = func(ctx context.Context, c *container, host string) error {
		if err := plain(ctx, c, host); err != nil {
			return err
		}
		if err := c.root.write("/etc/aliases", r.aliases(), 0o644); err != nil {
			return err
		}
		_, err := c.run(ctx, nil, append([]string{"postconf", "-e"}, r.settings()...)...)
		return err
	}
	return r
}

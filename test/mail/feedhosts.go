package main

import (
	"context"
	"slices"
	"strings"
)

// feedName is the real host's in its lines.
const feedName = "mail"

// A feedHost is a mail server that tells a sink server who came to it.
type feedHost struct {
	*sender
	title string
	log   string   // where its lines are
	near  []string // flags of a sink server on its own machine
	far   []string // of one on another, nil if its lines don't go there

	get       func(ctx context.Context, l *laboratory, debs string) (*installed, error) // if it is no Debian package
	installed *installed
}

// feedHosts lists them, with what the document says about each.
func feedHosts(g *guide) []*feedHost {
	return []*feedHost{
		feedPostfix(g), feedPostscreen(g), feedExim(g), feedEximAlone(g), feedOpenSMTPD(g), feedSendmail(g), feedHaraka(g),
	}
}

// probed are the flags that every sink server gets.
func probed(g *guide) []string {
	return g.flags("-real mail=192.0.2.25:25", "-probe-rcpt postmaster@example.org")
}

// newFeedHost makes one that writes a log of its own.
func newFeedHost(g *guide, title, log, feed string, s *sender) *feedHost {
	s.name = feedName
	return &feedHost{sender: s, title: title, log: log, near: append(g.flags(feed), probed(g)...)}
}

// bySyslog makes one that logs by Debian's rsyslog, which tells other machines too.
func bySyslog(g *guide, title string, s *sender) *feedHost {
	const log = "/var/log/mail.log"
	h := newFeedHost(g, title, log, "-feed "+log, s)
	h.far = append(g.flags("-receive udp:192.0.2.30:5514"), probed(g)...)
	lines := g.block("rsyslog")
	h.packages = append(slices.Clone(h.packages), "rsyslog")
	plain := h.setup
	h.setup = func(ctx context.Context, c *container, host string) error {
		if err := c.root.write("/etc/rsyslog.d/fakemx.conf", lines, 0o644); err != nil {
			return err
		}
		// What the kernel says is the machine's, and is read only once.
		if err := edit(c, "/etc/rsyslog.conf", `module(load="imklog")`, ""); err != nil {
			return err
		}
		return plain(ctx, c, host)
	}
	h.start = append([][]string{{"rsyslogd"}}, h.start...)
	return h
}

// feedPostfix has the policy service of the document too.
func feedPostfix(g *guide) *feedHost {
	s := postfix()
	lines := g.block("postfix")
	s.setup = func(ctx context.Context, c *container, host string) error {
		_, err := c.run(ctx, strings.NewReader(lines), "sh", "-ec",
			"postconf -e myhostname="+host+" mydestination=example.org inet_interfaces=all; cat >>/etc/postfix/main.cf")
		return err
	}
	h := bySyslog(g, "Postfix", s)
	h.near = append(g.flags("-policy mail=127.0.0.1:10044"), h.near...)
	return h
}

// feedPostscreen is Postfix with postscreen in front.
func feedPostscreen(g *guide) *feedHost {
	h := feedPostfix(g)
	h.title = "Postfix with postscreen"
	plain := h.setup
	h.setup = func(ctx context.Context, c *container, host string) error {
		if err := plain(ctx, c, host); err != nil {
			return err
		}
		_, err := c.run(ctx, nil, "postconf", "-M", "smtp/inet=smtp inet n - y - 1 postscreen", "smtpd/pass=smtpd pass - - y - - smtpd",
			"dnsblog/unix=dnsblog unix - - y - 0 dnsblog", "tlsproxy/unix=tlsproxy unix - - y - 0 tlsproxy")
		return err
	}
	return h
}

// Exim's log, and the flag for it.
const (
	eximLog  = "/var/log/exim4/mainlog"
	eximFeed = "-feed mail=" + eximLog
)

// feedExim is Debian's "internet site".
func feedExim(g *guide) *feedHost {
	s := exim()
	lines := g.block("localmacros")
	s.setup = func(ctx context.Context, c *container, _ string) error {
		for path, text := range map[string]string{
			"/etc/exim4/update-exim4.conf.conf": strings.Replace(primaryConf, "@mx_primary", "example.org", 1),
			"/etc/exim4/exim4.conf.localmacros": lines,
		} {
			if err := c.root.write(path, text, 0o644); err != nil {
				return err
			}
		}
		_, err := c.run(ctx, nil, "update-exim4.conf")
		return err
	}
	return newFeedHost(g, "Exim", eximLog, eximFeed, s)
}

// feedEximAlone has a main configuration of its own.
func feedEximAlone(g *guide) *feedHost {
	s := exim()
	lines := g.block("exim")
	s.setup = func(_ context.Context, c *container, host string) error {
		return c.root.write("/etc/exim4/exim4.conf", "primary_hostname = "+host+"\n"+lines+feedEximConf, 0o644)
	}
	return newFeedHost(g, "Exim without Debian's configuration", eximLog, eximFeed, s)
}

const feedEximConf = `acl_smtp_rcpt = recipients

begin acl
recipients:
  accept domains = example.org
  deny message = relay not permitted
`

// feedOpenSMTPD is the package's own smtpd.conf, but for where it listens.
func feedOpenSMTPD(g *guide) *feedHost {
	s := opensmtpd()
	s.setup = func(_ context.Context, c *container, _ string) error {
		return edit(c, "/etc/smtpd.conf", "listen on localhost", "listen on 0.0.0.0")
	}
	return bySyslog(g, "OpenSMTPD", s)
}

// feedSendmail is the package's own sendmail.mc, but for where it listens.
func feedSendmail(g *guide) *feedHost {
	s := sendmail()
	plain := s.setup
	s.setup = func(ctx context.Context, c *container, host string) error {
		if err := edit(c, "/etc/mail/sendmail.mc", ", Addr=127.0.0.1", ""); err != nil {
			return err
		}
		if err := c.root.write("/etc/mail/local-host-names", "localhost\nexample.org\n", 0o644); err != nil {
			return err
		}
		if _, err := c.run(ctx, nil, "sh", "-ec", "cd /etc/mail; m4 sendmail.mc >sendmail.cf; newaliases"); err != nil {
			return err
		}
		return plain(ctx, c, host)
	}
	return bySyslog(g, "sendmail", s)
}

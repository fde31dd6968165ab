package seen

import (
	"bufio"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

var arrived = time.Date(2026, 11, 25, 2, 10, 0, 0, time.UTC)

// clients are the addresses that Parse finds in lines.
func clients(t *testing.T, path string) []string {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	found := map[string]bool{}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if s, ok := Parse(lines.Text(), "mail", arrived); ok {
			if s.Host != "mail" || s.Time != arrived {
				t.Errorf("%q: got %+v", lines.Text(), s)
			}
			found[s.Client.String()] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// TestLinesOfRealServers reads what Debian 12's servers and Haraka 3.3.4 wrote
// while nine clients came: one that only connected (.10), one that said QUIT
// (.11), a probe (.12, and 2001:db8::12), one whose recipient is elsewhere (.13),
// one that wrote the address 203.0.113.66 wherever it could (.14, .16), one that
// left a message (.15), and one for an unknown user (.17). To postscreen .13 was
// on the deny list and all others spoke too early, so it let none of them in.
func TestLinesOfRealServers(t *testing.T) {
	all := []string{"192.0.2.10", "192.0.2.11", "192.0.2.12", "192.0.2.13", "192.0.2.14", "192.0.2.15", "192.0.2.16", "192.0.2.17", "2001:db8::12"}
	for _, c := range []struct {
		server string
		want   []string
	}{
		{"postfix", all},
		{"postscreen", all},
		{"opensmtpd", all},
		{"haraka", all},
		{"exim-connections", all},
		// Without log_selector = +smtp_connection Exim is silent about who sends nothing.
		{"exim", []string{"192.0.2.13", "192.0.2.14", "192.0.2.15", "192.0.2.16", "192.0.2.17"}},
		// It listened on IPv4 only.
		{"sendmail", all[:8]},
	} {
		t.Run(c.server, func(t *testing.T) {
			if got := clients(t, "testdata/"+c.server+".log"); !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		what, line   string
		host, client string // no client: no sighting
	}{
		{"the common form", "2026-11-25T02:09:00Z mx1 192.0.2.7", "mx1", "192.0.2.7"},
		{"the common form, IPv6", "2026-11-25T03:09:00+01:00 mx1 2001:db8::7", "mx1", "2001:db8::7"},
		{"IPv4 mapped into IPv6", "2026-11-25T02:09:00Z mx1 ::ffff:192.0.2.7", "mx1", "192.0.2.7"},
		{"a time that lies too far back", "2026-11-20T02:09:00Z mx1 192.0.2.7", "", ""},
		{"a time to come", "2026-11-25T03:09:00Z mx1 192.0.2.7", "", ""},
		{"no address", "2026-11-25T02:09:00Z mx1 mail.example.net", "", ""},
		{"four words", "2026-11-25T02:09:00Z mx1 192.0.2.7 <a@b>", "", ""},
		{"syslog in a file, old time", "Nov  5 02:08:06 mx1 postfix/smtpd[190]: connect from unknown[192.0.2.7]", "mx1", "192.0.2.7"},
		{"syslog in a file, RFC 3339", "2026-11-25T02:08:06.123456+00:00 mx1 postfix/smtpd[190]: connect from a.example[192.0.2.7]", "mx1", "192.0.2.7"},
		{"syslog by RFC 5424", "<22>1 2026-11-25T02:08:06Z mx1 postfix/smtpd 190 - - connect from unknown[192.0.2.7]", "mx1", "192.0.2.7"},
		{"syslog by RFC 5424, structured data, no host", `<22>1 2026-11-25T02:08:06Z - postfix/smtpd 190 - [x y="z"] connect from unknown[192.0.2.7]`, "mail", "192.0.2.7"},
		{"syslog in a socket", "<22>Nov 25 02:08:06 postfix/smtpd[190]: connect from unknown[192.0.2.7]:4711", "mail", "192.0.2.7"},
		{"a further instance of Postfix", "Nov 25 02:08:06 mx1 postfix-in/smtpd[190]: connect from unknown[192.0.2.7]", "mx1", "192.0.2.7"},
		{"Postfix's submission", "Nov 25 02:08:06 mx1 postfix/submission/smtpd[190]: connect from unknown[192.0.2.7]", "", ""},
		{"Postfix's client, which sends", "Nov 25 02:08:06 mx1 postfix/smtp[190]: connect to a.example[192.0.2.7]:25: Connection refused", "", ""},
		{"a milter's refusal", "Nov 25 02:08:06 mx1 postfix/cleanup[190]: 4FF: milter-reject: END-OF-MESSAGE from a[192.0.2.7]: 5.7.1", "", ""},
		{"postscreen lets one in", "Nov 25 02:08:06 mx1 postfix/postscreen[9]: PASS OLD [192.0.2.7]:4711", "mx1", "192.0.2.7"},
		{"postscreen is busy", "Nov 25 02:08:06 mx1 postfix/postscreen[9]: NOQUEUE: reject: CONNECT from [192.0.2.7]:4711: all server ports busy", "mx1", "192.0.2.7"},
		{"Exim with zone and pid", "2026-11-25 02:08:06.123 +0100 [294] SMTP connection from [192.0.2.7]:4711 I=[192.0.2.1]:25 (TCP/IP connection count = 1)", "mail", "192.0.2.7"},
		{"Exim's submission", "2026-11-25 02:08:06 SMTP connection from [192.0.2.7]:4711 I=[192.0.2.1]:587 (TCP/IP connection count = 1)", "", ""},
		{"Exim by syslog", "Nov 25 02:08:06 mx1 exim[294]: 2026-11-25 02:08:06 SMTP connection from [192.0.2.7]", "mx1", "192.0.2.7"},
		{"Exim, a name", "2026-11-25 02:08:06 H=a.example (b.example) [192.0.2.7] F=<> rejected RCPT <x@y>: no", "mail", "192.0.2.7"},
		{"Exim, a message from a hostile sender", `2026-11-25 02:08:06 1xW2ar-00005Z-0i <= "x H=y [203.0.113.66]"@a.example H=(b) [192.0.2.7] P=esmtp T="H=z [203.0.113.66]"`, "mail", "192.0.2.7"},
		{"Exim, a delivery", "2026-11-25 02:08:06 1xW2ar-00005Z-0i => x@y R=r T=t H=mx.example [192.0.2.7]", "", ""},
		{"OpenSMTPD by syslog", "Nov 25 02:08:06 mx1 smtpd[8]: acb622937290264f smtp connected address=[2001:db8::7] host=a", "mx1", "2001:db8::7"},
		{"OpenSMTPD, a local one", "Nov 25 02:08:06 mx1 smtpd[8]: acb622937290264f smtp connected address=local host=a", "", ""},
		{"OpenSMTPD, what a client said", `Nov 25 02:08:06 mx1 smtpd[8]: acb622937290264f smtp failed-command command="x smtp connected address=192.0.2.7 y"`, "", ""},
		{"sendmail, IPv6", "Nov 25 02:08:06 mx1 sm-mta[1]: 6AP: a.example [IPv6:2001:db8::7] did not issue MAIL/EXPN/VRFY/ETRN during connection to MTA", "mx1", "2001:db8::7"},
		{"sendmail, a name that may be forged", "Nov 25 02:08:06 mx1 sm-mta[1]: 6AP: from=<>, size=0, class=0, nrcpts=1, proto=ESMTP, daemon=MTA, relay=a.example [192.0.2.7] (may be forged)", "mx1", "192.0.2.7"},
		{"sendmail, refused at once", "Nov 25 02:08:06 mx1 sm-mta[1]: 6AP: ruleset=check_relay, arg1=a, arg2=192.0.2.7, relay=a [192.0.2.7], reject=550 5.7.1 no", "mx1", "192.0.2.7"},
		{"sendmail's submission", "Nov 25 02:08:06 mx1 sm-mta[1]: 6AP: from=<>, size=0, class=0, nrcpts=1, proto=ESMTP, daemon=MSP-v4, relay=a [192.0.2.7]", "", ""},
		{"Haraka on another port", "[NOTICE] [1B15A6AC] [core] connect ip=192.0.2.7 port=1 local_ip=192.0.2.1 local_port=587", "", ""},
		{"a control character", "2026-11-25T02:09:00Z mx1\x1b[2J 192.0.2.7", "", ""},
		{"another program", "Nov 25 02:08:06 mx1 sshd[8]: connect from unknown[192.0.2.7]", "", ""},
		{"an address with a zone", "2026-11-25T02:09:00Z mx1 fe80::1%eth0", "", ""},
		{"a long line", "Nov 25 02:08:06 mx1 postfix/smtpd[190]: connect from unknown[192.0.2.7]" + strings.Repeat(" ", maxLine), "", ""},
		{"nothing", "", "", ""},
	} {
		t.Run(c.what, func(t *testing.T) {
			s, ok := Parse(c.line, "mail", arrived)
			if ok != (c.client != "") {
				t.Fatalf("got %+v, %t", s, ok)
			}
			if ok && (s.Client != netip.MustParseAddr(c.client) || s.Host != c.host) {
				t.Errorf("got %+v, want %s at %s", s, c.client, c.host)
			}
		})
	}
	t.Run("the envelope of the common form", func(t *testing.T) {
		s, ok := Parse("2026-11-25T02:09:00Z mx1 192.0.2.7 <> <b@example.org>", "", arrived)
		if !ok || !s.Envelope || s.From != "" || s.To != "b@example.org" {
			t.Errorf("got %+v, %t", s, ok)
		}
	})
	t.Run("a line that names no host, where none is known", func(t *testing.T) {
		if s, ok := Parse("<22>Nov 25 02:08:06 postfix/smtpd[190]: connect from unknown[192.0.2.7]", "", arrived); ok {
			t.Errorf("got %+v", s)
		}
	})
}

// FuzzParse: whatever the line, what is found is an address, at a host with a name.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"postfix", "postscreen", "opensmtpd", "haraka", "exim", "exim-connections", "sendmail"} {
		text, err := os.ReadFile("testdata/" + name + ".log")
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			f.Add(strings.TrimSpace(line))
		}
	}
	f.Fuzz(func(t *testing.T, line string) {
		s, ok := Parse(line, "mail", arrived)
		if ok && (!s.Client.IsValid() || s.Client.Zone() != "" || s.Host == "" || s.Time.Before(arrived.Add(-late))) {
			t.Errorf("%q: got %+v", line, s)
		}
	})
}

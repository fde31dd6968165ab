package seen

import (
	"net/netip"
	"strings"
)

// Each reader looks at the beginning of a message, which the program words, and
// not for words in what a client said.

// postfixSMTPD reads "connect from NAME[ADDRESS]", "QUEUE-ID: client=NAME[ADDRESS]"
// and "NOQUEUE: reject: COMMAND from NAME[ADDRESS]: ...". The service on another
// port has another name by Debian's master.cf, like postfix/submission/smtpd.
func postfixSMTPD(message string) (netip.Addr, bool) {
	if rest, found := strings.CutPrefix(message, "connect from "); found {
		return bracketed(rest)
	}
	if rest, found := strings.CutPrefix(message, "NOQUEUE: "); found {
		return refused(rest)
	}
	if id, rest, found := strings.Cut(message, ": client="); found && !strings.Contains(id, " ") {
		return bracketed(rest)
	}
	return netip.Addr{}, false
}

// refused reads "reject: RCPT from NAME[ADDRESS]: ...", also with milter-reject
// and the like.
func refused(rest string) (netip.Addr, bool) {
	_, rest, _ = strings.Cut(rest, ": ")
	command, rest, found := strings.Cut(rest, " from ")
	if !found || strings.Contains(command, "<") {
		return netip.Addr{}, false
	}
	return bracketed(rest)
}

// postscreen reads "CONNECT from [ADDRESS]:PORT to ...", "NOQUEUE: reject: ...
// from [ADDRESS]:PORT: ..." and "PASS NEW [ADDRESS]:PORT".
func postscreen(message string) (netip.Addr, bool) {
	if rest, found := strings.CutPrefix(message, "CONNECT from "); found {
		return bracketed(rest)
	}
	if rest, found := strings.CutPrefix(message, "NOQUEUE: "); found {
		return refused(rest)
	}
	if strings.HasPrefix(message, "PASS ") {
		return bracketed(message)
	}
	return netip.Addr{}, false
}

// exim reads "SMTP connection from HOST", "H=HOST ...", "QUEUE-ID <= SENDER
// H=HOST ...", "rejected EHLO from HOST: ..." and "no host name found for IP
// address ADDRESS", where HOST is NAME (HELO) [ADDRESS], the first two not
// always there.
func exim(message string) (netip.Addr, bool) {
	for _, prefix := range []string{"SMTP connection from ", "H=", "rejected EHLO from ", "rejected HELO from ", "rejected connection from H="} {
		if rest, found := strings.CutPrefix(message, prefix); found {
			return eximHost(rest)
		}
	}
	if rest, found := strings.CutPrefix(message, "no host name found for IP address "); found {
		return address(strings.TrimSpace(rest))
	}
	id, rest, _ := strings.Cut(message, " ")
	sender, found := strings.CutPrefix(rest, "<= ")
	if !found || strings.Contains(id, "=") {
		return netip.Addr{}, false
	}
	_, host, found := strings.Cut(pastSender(sender), " H=")
	if !found {
		return netip.Addr{}, false
	}
	return eximHost(host)
}

// pastSender returns what follows the sender's local part, which may be quoted.
func pastSender(text string) string {
	if !strings.HasPrefix(text, `"`) {
		return text
	}
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return text[i+1:]
		}
	}
	return ""
}

// eximHost reads NAME (HELO) [ADDRESS]. HELO may be an address in brackets. A
// connection to a port of ours other than 25, which "I=[OURS]:PORT" tells, is no
// sighting.
func eximHost(text string) (netip.Addr, bool) {
	if name, rest, found := strings.Cut(text, " "); found && !strings.HasPrefix(name, "(") && !strings.HasPrefix(name, "[") {
		text = rest
	}
	if strings.HasPrefix(text, "(") {
		_, rest, found := strings.Cut(text, ") [")
		if !found {
			return netip.Addr{}, false
		}
		text = "[" + rest
	}
	if !strings.HasPrefix(text, "[") {
		return netip.Addr{}, false
	}
	client, ok := bracketed(text)
	if _, ours, found := strings.Cut(text, " I=["); found {
		if _, port, found := strings.Cut(ours, "]:"); found {
			port, _, _ = strings.Cut(port, " ")
			ok = ok && port == "25"
		}
	}
	return client, ok
}

// opensmtpd reads "SESSION smtp connected address=ADDRESS host=NAME".
func opensmtpd(message string) (netip.Addr, bool) {
	session, rest, _ := strings.Cut(message, " ")
	text, found := strings.CutPrefix(rest, "smtp connected address=")
	if !found || strings.Trim(session, "0123456789abcdef") != "" {
		return netip.Addr{}, false
	}
	text, _, _ = strings.Cut(text, " ")
	return address(text)
}

// sendmail reads "QUEUE-ID: from=..., daemon=MTA..., relay=NAME [ADDRESS]", which
// is written for each transaction, rejected ones too, "QUEUE-ID: NAME [ADDRESS]
// did not issue ..." for connections without one, and rejected connections.
// In the first the relay is the last field, behind all that the client chose.
func sendmail(message string) (netip.Addr, bool) {
	_, rest, found := strings.Cut(message, ": ")
	if !found {
		return netip.Addr{}, false
	}
	if strings.HasPrefix(rest, "from=") {
		relay := strings.LastIndex(rest, ", relay=")
		if relay < 0 || !strings.Contains(rest[:relay], ", daemon=MTA") {
			return netip.Addr{}, false
		}
		return bracketed(rest[relay:])
	}
	if text, found := strings.CutPrefix(rest, "ruleset=check_relay, "); found {
		text, _, _ = strings.Cut(text, ", reject=")
		if _, relay, found := strings.Cut(text, ", relay="); found {
			return bracketed(relay)
		}
		return netip.Addr{}, false
	}
	for _, prefix := range []string{"connect from ", "rejecting commands from ", "lost input channel from "} {
		if text, found := strings.CutPrefix(rest, prefix); found {
			return bracketed(text)
		}
	}
	if host, what, found := strings.Cut(rest, "]"); found && strings.HasPrefix(what, " did not issue ") || strings.HasPrefix(what, " (may be forged) did not issue ") {
		return bracketed(host + "]")
	}
	return netip.Addr{}, false
}

// haraka reads "[NOTICE] [CONNECTION] [core] connect ip=ADDRESS port=PORT
// local_ip=OURS local_port=25".
func haraka(message string) (netip.Addr, bool) {
	_, rest, found := strings.Cut(message, "] [core] connect ip=")
	if !found || strings.Count(message[:len(message)-len(rest)], " ") != 4 {
		return netip.Addr{}, false
	}
	fields := strings.Fields(rest)
	if len(fields) != 4 || fields[3] != "local_port=25" {
		return netip.Addr{}, false
	}
	return address(fields[0])
}

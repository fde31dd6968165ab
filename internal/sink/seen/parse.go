package seen

import (
	"net/netip"
	"strings"
	"time"
	"unicode"
)

// How far the time of a line may lie from the time of its arrival: lines of
// another machine may be late, and clocks differ.
const (
	late  = 24 * time.Hour
	early = 5 * time.Minute
)

// Parse reads a line that arrived at the given time. Either it is in the common
// form
//
//	TIME HOST ADDRESS [FROM TO]
//
// with TIME as in RFC 3339, and FROM <> for the null reverse path, or it is a
// line of Postfix's smtpd or postscreen, Exim, OpenSMTPD, sendmail or Haraka,
// with the header of syslog or without. Where a line doesn't name its host, it
// is host. A line that tells of no connection to port 25 is none.
func Parse(line string, host string, arrived time.Time) (Sighting, bool) {
	if len(line) > maxLine || strings.ContainsFunc(line, unicode.IsControl) {
		return Sighting{}, false
	}
	if s, ok := common(line, arrived); ok {
		return s, true
	}
	s := Sighting{Time: arrived, Host: host}
	h := readHeader(line)
	if h.host != "" {
		s.Host = h.host
	}
	client, ok := h.client()
	if !ok || s.Host == "" {
		return Sighting{}, false
	}
	s.Client = client
	return s, true
}

// Timely reports whether something that is told now can have happened at that
// time: from a day before to five minutes after.
func Timely(at, arrived time.Time) bool {
	return !at.Before(arrived.Add(-late)) && !at.After(arrived.Add(early))
}

// Message returns what the given program wrote in a line with the header of
// syslog, or the whole line if it has none. It is "" if another program wrote it.
func Message(line, program string) string {
	h := readHeader(line)
	if h.program != "" && h.program != program {
		return ""
	}
	return h.message
}

// common reads the common form.
func common(line string, arrived time.Time) (Sighting, bool) {
	fields := strings.Fields(line)
	if len(fields) != 3 && len(fields) != 5 {
		return Sighting{}, false
	}
	at, err := time.Parse(time.RFC3339, fields[0])
	if err != nil || !Timely(at, arrived) {
		return Sighting{}, false
	}
	client, ok := address(fields[2])
	if !ok {
		return Sighting{}, false
	}
	s := Sighting{Time: at, Host: fields[1], Client: client}
	if len(fields) == 5 {
		s.Envelope = true
		s.From, s.To = strings.Trim(fields[3], "<>"), strings.Trim(fields[4], "<>")
	}
	return s, true
}

// header is what stands before a program's message.
type header struct {
	host    string
	program string // empty: the line has none
	message string
}

// client finds the client in the message, by what program wrote it.
func (h header) client() (netip.Addr, bool) {
	instance, service, found := strings.Cut(h.program, "/")
	switch {
	case found && service == "smtpd" && instance != "":
		return postfixSMTPD(h.message)
	case found && service == "postscreen":
		return postscreen(h.message)
	case h.program == "exim" || h.program == "exim4":
		return exim(withoutDate(h.message))
	case h.program == "smtpd":
		return opensmtpd(h.message)
	case h.program == "sm-mta" || h.program == "sendmail":
		return sendmail(h.message)
	case h.program == "haraka":
		return haraka(h.message)
	case h.program == "":
		return withoutHeader(h.message)
	default:
		return netip.Addr{}, false
	}
}

// withoutHeader reads a line of a program's own log.
func withoutHeader(message string) (netip.Addr, bool) {
	if rest := withoutDate(message); rest != message {
		return exim(rest)
	}
	first, rest, _ := strings.Cut(message, " ")
	if _, err := time.Parse(time.RFC3339, first); err == nil {
		message = rest
	}
	if strings.HasPrefix(message, "[") {
		return haraka(message)
	}
	return opensmtpd(message)
}

// readHeader reads the header of syslog: RFC 5424, RFC 3164, or as it stands in
// a file, with or without a host.
func readHeader(line string) header {
	rest := line
	if strings.HasPrefix(rest, "<") {
		if _, after, found := strings.Cut(rest, ">"); found {
			rest = after
		}
	}
	if modern, found := strings.CutPrefix(rest, "1 "); found {
		if fields := strings.SplitN(modern, " ", 6); len(fields) == 6 {
			return header{host: present(fields[1]), program: fields[2], message: structured(fields[5])}
		}
	}
	after, found := pastTime(rest)
	if !found {
		return header{message: line}
	}
	first, message, _ := strings.Cut(after, " ")
	if program, found := tag(first); found {
		return header{program: program, message: message}
	}
	second, message, _ := strings.Cut(message, " ")
	if program, found := tag(second); found {
		return header{host: first, program: program, message: message}
	}
	return header{message: line}
}

// present is a field of RFC 5424, which has "-" for none.
func present(field string) string {
	if field == "-" {
		return ""
	}
	return field
}

// structured takes the structured data of RFC 5424 off a message.
func structured(text string) string {
	if rest, found := strings.CutPrefix(text, "- "); found {
		return strings.TrimPrefix(rest, "\ufeff")
	}
	if _, rest, found := strings.Cut(text, "] "); found && strings.HasPrefix(text, "[") {
		return strings.TrimPrefix(rest, "\ufeff")
	}
	return text
}

// pastTime takes the time of syslog off a line: RFC 3339, or "Nov  5 02:08:03".
func pastTime(line string) (string, bool) {
	first, rest, _ := strings.Cut(line, " ")
	if _, err := time.Parse(time.RFC3339, first); err == nil {
		return rest, true
	}
	const stamp = len(time.Stamp)
	if len(line) > stamp && line[stamp] == ' ' {
		if _, err := time.Parse(time.Stamp, line[:stamp]); err == nil {
			return line[stamp+1:], true
		}
	}
	return "", false
}

// tag reads "postfix/smtpd[190]:".
func tag(word string) (program string, found bool) {
	program, found = strings.CutSuffix(word, ":")
	if !found {
		return "", false
	}
	program, _, _ = strings.Cut(program, "[")
	return program, program != ""
}

// withoutDate takes "2026-11-25 02:18:44.123 +0000 [294] " off a line of Exim.
func withoutDate(line string) string {
	const date = "2006-01-02 15:04:05"
	if len(line) <= len(date) {
		return line
	}
	if _, err := time.Parse(date, line[:len(date)]); err != nil {
		return line
	}
	_, rest, _ := strings.Cut(line[len(date):], " ")
	if word, after, _ := strings.Cut(rest, " "); len(word) == len("+0000") && strings.ContainsAny(word[:1], "+-") {
		rest = after
	}
	if word, after, _ := strings.Cut(rest, " "); strings.HasPrefix(word, "[") && strings.Trim(word, "[0123456789]") == "" {
		rest = after
	}
	return rest
}

// address reads an address as mail servers write it: bare, in brackets, with
// sendmail's "IPv6:".
func address(text string) (netip.Addr, bool) {
	text = strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
	a, err := netip.ParseAddr(strings.TrimPrefix(text, "IPv6:"))
	if err != nil || a.Zone() != "" {
		return netip.Addr{}, false
	}
	return a.Unmap(), true
}

// bracketed reads the address in the first brackets of text.
func bracketed(text string) (netip.Addr, bool) {
	_, text, _ = strings.Cut(text, "[")
	text, _, found := strings.Cut(text, "]")
	if !found {
		return netip.Addr{}, false
	}
	return address(text)
}

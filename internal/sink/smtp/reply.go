package smtp

import "slices"

// class is the first digit of a reply code (RFC 5321 section 4.2.1). The fourth
// of them, which makes a sender bounce its mail, cannot be said: digit writes
// one of three, whatever value it is called on.
type class uint8

const (
	transient class = iota
	positive
	intermediate
)

func (c class) digit() byte {
	switch c {
	case positive:
		return '2'
	case intermediate:
		return '3'
	default:
		return '4'
	}
}

// Reply is what the server says. Its zero value is silence.
type Reply uint8

// Everything that the server ever says. No octet of a client is repeated in it.
const (
	None Reply = iota
	Greeting
	TooMany
	Idle
	Overtime
	Stopping
	Hello
	Extensions
	ExtensionsAndTLS
	Done
	SenderTaken
	RecipientTaken
	Help
	Perhaps
	Bye
	GoAhead
	TLSReady
	NoTLS
	NoAuth
	Later
	Unknown
	Malformed
	OutOfOrder
	TooLong
	replies // how many there are
)

// form is the wording of a reply.
type form struct {
	class    class
	code     string   // the second and third digit
	enhanced string   // what follows the class in an enhanced status code (RFC 3463), if there is one
	named    bool     // the first line begins with the host's name (RFC 5321 section 4.2)
	lines    []string // without line ends
	closes   bool
}

// extensions are offered although none of them will be used: a sender bounces
// a message that needs one at a host that lacks it (RFC 6531 section 3.2 for
// SMTPUTF8), and asks nobody whether mail would be taken at all. SIZE has no
// number, so no message is too large (RFC 1870 section 4).
var extensions = []string{"", "PIPELINING", "8BITMIME", "SMTPUTF8", "DSN", "SIZE", "ENHANCEDSTATUSCODES"}

var forms = [replies]form{
	Greeting: {class: positive, code: "20", named: true, lines: []string{"ESMTP"}},

	TooMany:  {code: "21", enhanced: "7.0", lines: []string{"Too many connections, try again later"}, closes: true},
	Idle:     {code: "21", enhanced: "4.2", lines: []string{"Too long without a command, try again later"}, closes: true},
	Overtime: {code: "21", enhanced: "4.2", lines: []string{"Session too long, try again later"}, closes: true},
	Stopping: {code: "21", enhanced: "3.2", lines: []string{"Closing down, try again later"}, closes: true},

	Hello:            {class: positive, code: "50", named: true, lines: []string{""}},
	Extensions:       {class: positive, code: "50", named: true, lines: extensions},
	ExtensionsAndTLS: {class: positive, code: "50", named: true, lines: append(slices.Clip(extensions), "STARTTLS")},

	Done:           {class: positive, code: "50", enhanced: "0.0", lines: []string{"Ok"}},
	SenderTaken:    {class: positive, code: "50", enhanced: "1.0", lines: []string{"Ok"}},
	RecipientTaken: {class: positive, code: "50", enhanced: "1.5", lines: []string{"Ok"}},
	Help:           {class: positive, code: "14", enhanced: "0.0", lines: []string{"See RFC 5321"}},
	Perhaps:        {class: positive, code: "52", enhanced: "0.0", lines: []string{"Cannot verify, send mail and see"}},
	Bye:            {class: positive, code: "21", enhanced: "0.0", lines: []string{"Bye"}, closes: true},
	TLSReady:       {class: positive, code: "20", enhanced: "0.0", lines: []string{"Ready to start TLS"}},

	GoAhead: {class: intermediate, code: "54", lines: []string{"End data with <CR><LF>.<CR><LF>"}},

	NoTLS:      {code: "54", enhanced: "7.0", lines: []string{"TLS not available now"}},
	NoAuth:     {code: "54", enhanced: "7.0", lines: []string{"Temporary authentication failure"}},
	Later:      {code: "51", enhanced: "3.0", lines: []string{"Try again later"}},
	Unknown:    {code: "51", enhanced: "5.1", lines: []string{"Command not known"}},
	Malformed:  {code: "51", enhanced: "5.2", lines: []string{"Command not understood"}},
	OutOfOrder: {code: "51", enhanced: "5.1", lines: []string{"Not in this order"}},
	TooLong:    {code: "51", enhanced: "5.2", lines: []string{"Line too long"}},
}

// Closes reports whether the connection ends after r.
func (r Reply) Closes() bool { return r < replies && forms[r].closes }

// Append writes r as it goes over the wire, as said by host, to the end of out.
func (r Reply) Append(out []byte, host string) []byte {
	if r == None || r >= replies {
		return out
	}
	f := &forms[r]
	for i, text := range f.lines {
		out = append(out, f.class.digit())
		out = append(out, f.code...)
		if i < len(f.lines)-1 {
			out = append(out, '-')
		} else {
			out = append(out, ' ')
		}
		if f.enhanced != "" {
			out = append(out, f.class.digit(), '.')
			out = append(out, f.enhanced...)
			out = append(out, ' ')
		}
		if f.named && i == 0 {
			out = append(out, host...)
			if text != "" {
				out = append(out, ' ')
			}
		}
		out = append(out, text...)
		out = append(out, "\r\n"...)
	}
	return out
}

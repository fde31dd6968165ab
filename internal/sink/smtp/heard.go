package smtp

import (
	"bytes"
	"strings"
)

// What is remembered of one session, so that no client chooses its size. The
// counts go on beyond.
const (
	maxText       = 255 // octets of a name
	maxMails      = 5
	maxRecipients = 20 // in all mails together
)

// Heard is what a client has said in its session.
type Heard struct {
	Helo       string // of the last HELO or EHLO, at most 255 octets, any octets
	Mails      []Mail // the first 5 transactions
	Recipients int    // RCPT commands, also beyond those in Mails
	Commands   int
	Quit       bool
	TLS        bool

	kept  int  // recipients in Mails
	extra bool // the transaction is not in Mails
}

// A Mail is the envelope of one transaction.
type Mail struct {
	From Path
	To   []Path // at most 20 in a session
}

// A Path is an address in an envelope. The null reverse path has neither part.
type Path struct {
	Local  string // as it came, at most 255 octets, any octets
	Domain string // in lower case, at most 255 octets, any octets
}

// Null reports whether p is the null reverse path <>.
func (p Path) Null() bool { return p == Path{} }

func (h *Heard) begin(from Path) {
	if h.extra = len(h.Mails) == maxMails; h.extra {
		return
	}
	h.Mails = append(h.Mails, Mail{From: from})
}

func (h *Heard) add(to Path) {
	h.Recipients++
	if h.extra || h.kept == maxRecipients {
		return
	}
	h.kept++
	mail := &h.Mails[len(h.Mails)-1]
	mail.To = append(mail.To, to)
}

// ParsePath reads an address with or without angle brackets.
func ParsePath(text string) Path { return parsePath([]byte(text)) }

// parsePath reads what stands after FROM: or TO:, with or without its angle
// brackets; parameters are left out, and so is a source route (RFC 5321
// appendix C).
func parsePath(text []byte) Path {
	if len(text) > 0 && text[0] == '<' {
		text = text[1:]
		if end := closing(text); end >= 0 {
			text = text[:end]
		}
	} else {
		text, _, _ = bytes.Cut(text, []byte(" "))
	}
	if len(text) > 0 && text[0] == '@' {
		if _, mailbox, found := bytes.Cut(text, []byte(":")); found {
			text = mailbox
		}
	}
	at := bytes.LastIndexByte(text, '@')
	if at < 0 {
		return Path{Local: cut(text)}
	}
	return Path{Local: cut(text[:at]), Domain: strings.ToLower(cut(text[at+1:]))}
}

// closing finds the > that ends a path, -1 if there is none. Within a quoted
// local part it ends nothing.
func closing(text []byte) int {
	quoted := false
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			quoted = !quoted
		case '>':
			if !quoted {
				return i
			}
		}
	}
	return bytes.IndexByte(text, '>')
}

func cut(text []byte) string { return string(text[:min(len(text), maxText)]) }

// Package visit describes who came to a sink: one JSON line a visit. Of an
// address in an envelope it has the domain, and the local part only as a keyed
// hash: enough to tell whether the same one came again, too little to write to.
package visit

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/fakemx/fakemx/internal/sink/smtp"
)

// End is how a visit ended.
type End string

const (
	Quit     End = "quit"     // QUIT, and the reply was sent
	Closed   End = "closed"   // by the client, without QUIT
	Idle     End = "idle"     // too long without a finished command
	Overtime End = "overtime" // the session took too long
	Stopped  End = "stopped"  // the server stopped
	BadTLS   End = "bad_tls"  // the handshake failed
)

// Ends lists every End.
var Ends = []End{Quit, Closed, Idle, Overtime, Stopped, BadTLS}

// A Visit is one connection to a sink. As JSON it is a line of the log.
type Visit struct {
	Time       time.Time  `json:"time"`
	Client     netip.Addr `json:"client"`
	Sink       netip.Addr `json:"sink"`
	Helo       string     `json:"helo,omitempty"`
	Mail       []Mail     `json:"mail,omitempty"`       // at most 5
	Recipients int        `json:"recipients,omitempty"` // all, also those that Mail leaves out
	Commands   int        `json:"commands"`
	Early      bool       `json:"early"` // the client spoke before the greeting
	TLS        bool       `json:"tls"`
	End        End        `json:"end"`
	Octets     int64      `json:"octets"` // that the client sent
	Seconds    float64    `json:"seconds"`
}

// Mail is an envelope.
type Mail struct {
	From Address   `json:"from"` // {} is the null reverse path
	To   []Address `json:"to,omitempty"`
}

// Address is an address in an envelope.
type Address struct {
	Domain string `json:"domain,omitempty"`
	Hash   string `json:"hash,omitempty"`
}

// Asked reports whether the visitor named a recipient.
func (v *Visit) Asked() bool { return v.Recipients > 0 }

// Hear puts into v what the client has said.
func (v *Visit) Hear(h *smtp.Heard, key Key) {
	v.Helo = Printable(h.Helo)
	v.Recipients, v.Commands, v.TLS = h.Recipients, h.Commands, h.TLS
	for _, m := range h.Mails {
		mail := Mail{From: key.address(m.From)}
		for _, to := range m.To {
			mail.To = append(mail.To, key.address(to))
		}
		v.Mail = append(v.Mail, mail)
	}
}

// Key makes the hashes of local parts. Who doesn't have it cannot try out names.
type Key [32]byte

// NewKey returns a random key.
func NewKey() Key {
	var k Key
	_, _ = rand.Read(k[:]) // never fails
	return k
}

// Hash returns 16 hexadecimal digits that stand for a mailbox. Letter case makes
// no difference: few hosts tell mailboxes apart by it.
func (k Key) Hash(local, domain string) string {
	mac := hmac.New(sha256.New, k[:])
	mac.Write([]byte(strings.ToLower(local) + "@" + strings.ToLower(domain)))
	return hex.EncodeToString(mac.Sum(nil)[:8])
}

func (k Key) address(p smtp.Path) Address {
	if p.Null() {
		return Address{}
	}
	return Address{Domain: Printable(p.Domain), Hash: k.Hash(p.Local, p.Domain)}
}

// Printable returns text without what could steer a terminal or mislead a
// reader: control characters, those that change the direction of writing, and
// octets that are no UTF-8 become U+FFFD.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || unicode.IsPrint(r) {
			return r
		}
		return utf8.RuneError
	}, text)
}

// Package visit describes who came to a sink: one JSON line a visit. Of an
// address in an envelope it has the domain, and the local part only as a keyed
// hash: enough to tell whether the same one came again, too little to write to.
package visit

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
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
	// KeyMark tells sinks that share a key (Key.Mark) from others, whose hashes
	// can't be compared.
	KeyMark string `json:"key,omitempty"`

	// Heard has what the client said word for word, local parts too. It is kept
	// only while the visit is looked at, and nil if another sink told of it.
	Heard *smtp.Heard `json:"-"`
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

// Hear puts into v what the client has said.
func (v *Visit) Hear(h *smtp.Heard, key Key) {
	v.Heard = h
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

// ParseKey reads the 64 hexadecimal digits of a key that several sinks share.
func ParseKey(text string) (Key, error) {
	var k Key
	if n, err := hex.Decode(k[:], []byte(strings.TrimSpace(text))); err != nil || n != len(k) {
		return Key{}, fmt.Errorf("expected %d hexadecimal digits", 2*len(k))
	}
	return k, nil
}

// Mark returns 8 hexadecimal digits by which a key is told from others.
func (k Key) Mark() string {
	mac := hmac.New(sha256.New, k[:])
	mac.Write([]byte("mark"))
	return hex.EncodeToString(mac.Sum(nil)[:4])
}

// Hash returns 16 hexadecimal digits that stand for a mailbox. Letter case makes
// no difference: few hosts tell mailboxes apart by it. Quoting makes none either
// (RFC 5321 section 4.1.2): mail servers write it in different ways.
func (k Key) Hash(local, domain string) string {
	if len(local) >= 2 && strings.HasPrefix(local, `"`) && strings.HasSuffix(local, `"`) {
		local = local[1 : len(local)-1]
	}
	local = strings.ReplaceAll(local, `\`, "")
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

package seen

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"time"
)

// Bounds of a policy client: Postfix's own are far below.
const (
	policyClients  = 1000
	policyRequest  = 64 << 10 // octets
	policyIdle     = 2 * time.Hour
	policyPatience = 10 * time.Second
)

// dunno is the only answer: whatever happens here, the mail server decides as if
// it had not asked.
const dunno = "action=DUNNO\n\n"

// Policy answers Postfix's policy protocol (SMTPD_POLICY_README) for the real
// host of the given name until ctx ends. Every question is answered with DUNNO
// before anything else is done with it, and is a sighting at the time of now. See is
// called by many goroutines at once. It closes l.
func Policy(ctx context.Context, l net.Listener, host string, now func() time.Time, see func(Sighting)) error {
	return accept(ctx, l, policyClients, func(conn net.Conn) { serveClient(conn, host, now, see) })
}

func serveClient(conn net.Conn, host string, now func() time.Time, see func(Sighting)) {
	for {
		if err := conn.SetDeadline(time.Now().Add(policyIdle)); err != nil {
			return
		}
		limited := &io.LimitedReader{R: conn, N: policyRequest}
		attributes, err := readRequest(bufio.NewReaderSize(limited, maxLine))
		if err != nil {
			return
		}
		if err := conn.SetWriteDeadline(time.Now().Add(policyPatience)); err != nil {
			return
		}
		if _, err := io.WriteString(conn, dunno); err != nil {
			return
		}
		client, ok := address(attributes["client_address"])
		if !ok || attributes["request"] != "smtpd_access_policy" {
			continue
		}
		see(Sighting{
			Time: now(), Host: host, Client: client,
			Envelope: attributes["protocol_state"] == "RCPT",
			From:     attributes["sender"], To: attributes["recipient"],
		})
	}
}

// wanted are the attributes that are kept.
var wanted = map[string]bool{"request": true, "protocol_state": true, "client_address": true, "sender": true, "recipient": true}

// readRequest reads lines of NAME=VALUE up to an empty one. Postfix waits for the
// answer before it asks again, so nothing of another request is read.
func readRequest(in *bufio.Reader) (map[string]string, error) {
	attributes := make(map[string]string, len(wanted))
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return nil, err
		}
		text := strings.TrimSuffix(string(line), "\n")
		if text == "" {
			return attributes, nil
		}
		if name, value, found := strings.Cut(text, "="); found && wanted[name] {
			attributes[name] = value
		}
	}
}

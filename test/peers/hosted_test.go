package peers

import (
	"cmp"
	"path/filepath"
	"testing"

	"github.com/fakemx/fakemx/internal/servertest"
)

// hosted is a zone that a daemon is configured with.
type hosted struct {
	// Zone is the apex.
	Zone string
	// File is the zone's file.
	File string
	// Signed says that the zone has signatures.
	Signed bool
	// Primary is the port of the server that the zone comes from: the primary of a
	// secondary, the authoritative server of a resolver.
	Primary string
	// Key and Secret are those of a TSIG, "" for none.
	Key, Secret string
	// Anchors are the trust anchors of a resolver.
	Anchors []string

	// Dir is chosen when the daemon starts, and Port if it is "" until then.
	Dir, Port string
}

func (z hosted) prepared(t *testing.T) hosted {
	t.Helper()
	z.Dir, z.Port = shortDir(t), cmp.Or(z.Port, servertest.FreePort(t))
	if z.File == "" {
		z.File = filepath.Join(z.Dir, "zone")
	}
	return z
}

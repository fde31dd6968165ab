package config

import (
	"github.com/fakemx/fakemx/internal/dnsname"
	"github.com/miekg/dns"
)

// exceptions are names whose subtrees a stanza leaves alone.
type Exceptions struct {
	// relative names, without a final dot, are relative to each zone.
	relative map[string]position
	absolute map[string]position
}

func (e *Exceptions) add(p position, args []string) error {
	if len(args) == 0 {
		return p.errorf("except without a name: expected except NAME...")
	}
	if e.absolute == nil {
		e.relative, e.absolute = make(map[string]position), make(map[string]position)
	}
	for _, arg := range args {
		name := dnsname.Canonical(arg)
		if !dnsname.Fits(dns.Fqdn(arg)) {
			return p.errorf("bad except %q: expected a domain name", arg)
		}
		// Who writes sub.example.org without the final dot means that name, and
		// sub.example.org.example.org at most by way of its subtree.
		e.absolute[name] = p
		if !dns.IsFqdn(arg) {
			e.relative[name[:len(name)-1]] = p
		}
	}
	return nil
}

// cover reports whether name, which lies in the zone apex, is excepted.
func (e *Exceptions) Cover(name, apex string) bool {
	if len(e.absolute) == 0 {
		return false
	}
	for off, end := 0, false; !end; off, end = dns.NextLabel(name, off) {
		if _, ok := e.absolute[name[off:]]; ok {
			return true
		}
		if relative, ok := dnsname.Relative(name[off:], apex); ok {
			if _, ok := e.relative[relative]; ok {
				return true
			}
		}
	}
	return false
}

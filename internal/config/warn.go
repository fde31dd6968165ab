package config

import (
	"fmt"

	"github.com/fakemx/fakemx/internal/dnsname"
)

// warn collects what starts and may not do what is meant.
func (s *Stanza) warn(fakes []Fake) {
	s.warnNumbers()
	s.warnAddresses(fakes)
	s.warnZones()
	s.warnScope()
}

func (s *Stanza) warnf(p position, format string, args ...any) {
	s.Warnings = append(s.Warnings, p.warning(format, args...))
}

func (p position) warning(format string, args ...any) string {
	return fmt.Sprintf("%s:%d - "+format, append([]any{p.file, p.line}, args...)...)
}

func (s *Stanza) warnNumbers() {
	if len(s.Lowest) > safeLowest {
		s.warnf(s.Lowest[safeLowest].at, "%d lowest fakes: with more than %d some senders do not reach the real MX while one of them is down", len(s.Lowest), safeLowest)
	}
	addresses := 0
	for _, f := range s.Lowest {
		addresses += len(f.Addresses)
	}
	if addresses > safeLowestAddresses {
		s.warnf(s.Lowest[0].at, "%d addresses of lowest fakes: with more than %d some senders do not reach the real MX while one of them is down", addresses, safeLowestAddresses)
	}
	if len(s.Highest) > safeHighest {
		s.warnf(s.Highest[safeHighest].at, "%d highest fakes: with more than %d, receivers with rspamd 2.7 to 4.0 that check for bogus MX delay mail from the domain", len(s.Highest), safeHighest)
	}
}

func (s *Stanza) warnAddresses(fakes []Fake) {
	warned := make(map[position]bool)
	for _, f := range fakes {
		if warned[f.at] {
			continue // one of a range, with the same addresses
		}
		warned[f.at] = true
		for _, addr := range f.Addresses {
			if kind := special(addr); kind != "" {
				s.warnf(f.at, "sink %q: %s is a %s address: receivers that check for bogus MX may reject mail from the domain", f.Name, addr, kind)
			}
		}
	}
}

// warnZones names the zones that no query comes for.
func (s *Stanza) warnZones() {
	if len(s.block) == 0 {
		return
	}
	block := newZoneSet(s.block)
	for _, zone := range s.Zones {
		if block.enclosing(zone) == "" {
			s.warnf(s.at, "zone %q is outside the zones of the server block: no query for it comes here", zone)
		}
	}
}

// warnScope looks for names of except and exchanges that have no effect, and for
// those that leave nothing to do. The zones of a list are not there yet.
func (s *Stanza) warnScope() {
	for _, w := range s.Exchanges.written {
		if w.name == "." {
			s.warnf(w.at, `exchanges ".": every exchange is below the root, so it has no effect`)
		}
	}
	if s.ListFile != "" {
		return
	}
	for _, w := range s.Except.written {
		if isAbsolute(w.name) && !meets(w.name, s.Zones) {
			s.warnf(w.at, "except %q is outside the zones: it has no effect", w.name)
		}
	}
	for _, zone := range s.Zones {
		if !s.Except.Cover(zone, zone) {
			return
		}
	}
	if len(s.Zones) > 0 {
		s.warnf(s.at, "except leaves every zone of the stanza alone: it adds no fakes")
	}
}

// meets reports whether name, which is absolute, lies in one of the zones or
// above one.
func meets(name string, zones []string) bool {
	for _, zone := range zones {
		if dnsname.Inside(name, zone) || dnsname.Inside(zone, name) {
			return true
		}
	}
	return false
}

// warnings are those about a list as it was read. With one that has changed they
// are for the log.
func (l *List) warnings(r *reading) []string {
	var all []string
	if r.size == 0 {
		all = append(all, l.listAt.warning("zones_from: no zone in %s", shownPath(l.ListFile)))
	}
	for _, f := range l.Fakes() {
		if zone := r.set.enclosing(f.Name + "."); !f.Absolute() && zone != "" && zone != "." {
			all = append(all, f.at.warning("sink %q ends in the listed zone %q and is relative all the same: for one host write it with a final dot", f.Name, zone))
		}
	}
	if count, first := l.outsideBlock(r); count > 0 {
		all = append(all, l.listAt.warning("zones_from: %d zones in %s are outside the zones of the server block, the first is %q: no query for them comes here", count, shownPath(l.ListFile), first))
	}
	for _, w := range l.Except.written {
		if isAbsolute(w.name) && !meets(w.name, l.Zones) && !r.meets(w.name) {
			all = append(all, w.at.warning("except %q is outside the zones: it has no effect", w.name))
		}
	}
	return all
}

func (l *List) outsideBlock(r *reading) (count int, first string) {
	block := newZoneSet(l.block)
	if len(block) == 0 || block.has(".") {
		return 0, ""
	}
	for zone := range r.All() {
		if block.enclosing(zone) == "" {
			if count++; count == 1 {
				first = zone
			}
		}
	}
	return count, first
}

// meets reports whether name, which is absolute, lies in a zone of the list or
// above one.
func (r *reading) meets(name string) bool {
	if r.set.enclosing(name) != "" {
		return true
	}
	for zone := range r.All() {
		if dnsname.Inside(zone, name) {
			return true
		}
	}
	return false
}

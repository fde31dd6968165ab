// Package dnsl writes a list of addresses for those who ask it: a DNS zone by
// RFC 5782, the data sets of rbldnsd, a set of nftables and a map of rspamd.
//
// Each file is written anew beside the old one and renamed into its place, so
// that a reader sees the old one or the new one, both whole. The files are
// replaced one after another: two of them may differ for a moment.
//
// A list must not outlive its source. rbldnsd stops serving its data sets when
// Config.Life is over, a secondary of the zone expires it after the same time,
// and the elements of the nftables set end by themselves. A zone file and a map
// can't end: their age is for the operator to watch.
package dnsl

import (
	"bufio"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

const (
	// FileLimit is how many addresses the plugin file should hold: at 100,000 its
	// server needs some 100 MiB, and twice that while it reads a new list, at ten
	// times as many all of that tenfold. See docs/sink.md, "The lists".
	FileLimit = 100_000
	// Most is how many addresses are written at all: those listed last.
	Most = 1_000_000

	// DefaultText is what the TXT record of each address says.
	DefaultText = "came to the highest MX only; a try at another MX of that domain ends this"
	// DefaultLife is how long a list holds that isn't written again.
	DefaultLife = time.Hour
	minLife     = 10 * time.Minute
	maxLife     = 7 * 24 * time.Hour
)

// Names of the files in Config.Dir. The zone's is ZonePrefix and the zone without
// the last dot, as the plugin auto expects it.
const (
	ZonePrefix = "db."
	IP4Set     = "ip4set"
	IP6Trie    = "ip6trie"
	NFT        = "list.nft"
	Rspamd     = "rspamd.map"
)

// Entry is an address that is listed.
type Entry struct {
	Addr          netip.Addr
	Listed, Until time.Time
}

// Config says where the lists go and what the zone is called.
type Config struct {
	Dir string // must exist
	// Zone is its apex, as bl.example.org. Nothing else may be in it.
	Zone string
	// NameServer is the zone's NS record, a host outside the zone. Default:
	// localhost., which is good enough for a list that nobody else asks.
	NameServer string
	// Hostmaster is a domain name that stands for a mailbox, as in an SOA record.
	// Default: hostmaster and the zone.
	Hostmaster string
	// Text is what TXT records say: 1 to 255 printable characters of ASCII without
	// " and \. Default: DefaultText.
	Text string
	// Life is how long a list holds that isn't written again: 10 minutes to 7 days,
	// default DefaultLife. The caller writes at least twice as often, whether anything
	// has changed or not.
	Life time.Duration
}

// Writer writes lists. It is for one goroutine, and the only one in its directory.
type Writer struct {
	config Config
	last   state // of the zone
}

// Written tells what Write wrote.
type Written struct {
	Entries int    // addresses, without the test entries
	Serial  uint32 // of the zone
	// Warnings are for the operator, a line each: what is left out, and what the
	// list has become too large for.
	Warnings []string
}

// New checks the configuration, and reads the last serial from the zone file if
// there is one.
func New(c Config) (*Writer, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	if err := removeLeftovers(c.Dir); err != nil {
		return nil, err
	}
	last, err := readState(c.path(c.zoneFile()))
	if err != nil {
		return nil, err
	}
	return &Writer{config: c, last: last}, nil
}

func (c *Config) complete() error {
	if info, err := os.Stat(c.Dir); err != nil {
		return fmt.Errorf("directory of the lists: %w", err)
	} else if !info.IsDir() {
		return fmt.Errorf("directory of the lists: %s is none", c.Dir)
	}
	var err error
	if c.Zone, err = domain("zone", c.Zone); err != nil {
		return err
	}
	if c.NameServer == "" {
		c.NameServer = "localhost."
	}
	if c.NameServer, err = domain("name server", c.NameServer); err != nil {
		return err
	}
	if dns.IsSubDomain(c.Zone, c.NameServer) {
		return fmt.Errorf("name server %s: expected one outside %s, which has addresses for nobody", c.NameServer, c.Zone)
	}
	if c.Hostmaster == "" {
		c.Hostmaster = "hostmaster." + c.Zone
	}
	if c.Hostmaster, err = domain("hostmaster", c.Hostmaster); err != nil {
		return err
	}
	if c.Text == "" {
		c.Text = DefaultText
	}
	const mostText = 255 // octets of a character-string, RFC 1035 section 3.3
	if len(c.Text) > mostText || strings.ContainsFunc(c.Text, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }) {
		return fmt.Errorf("text %.40q: expected 1 to %d printable characters of ASCII without quotes and backslashes", c.Text, mostText)
	}
	if c.Life == 0 {
		c.Life = DefaultLife
	}
	if c.Life < minLife || c.Life > maxLife {
		return fmt.Errorf("life of a list %v: expected %v to %v", c.Life, minLife, maxLife)
	}
	return nil
}

// domain returns a name in the form in which it is written into all files. It
// takes host names only: others would have to be escaped in different ways.
func domain(what, name string) (string, error) {
	name = strings.ToLower(dns.Fqdn(name))
	const longest = 190 // with 32 nibbles before it a name of at most 255 octets
	if _, ok := dns.IsDomainName(name); !ok || name == "." || len(name) > longest ||
		strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" {
		return "", fmt.Errorf("%s %.80q: expected a domain name of letters, digits and hyphens, at most %d octets", what, name, longest)
	}
	return name, nil
}

func (c *Config) path(name string) string { return filepath.Join(c.Dir, name) }

func (c *Config) zoneFile() string { return ZonePrefix + strings.TrimSuffix(c.Zone, ".") }

// ZonePath is where the zone file is.
func (w *Writer) ZonePath() string { return w.config.path(w.config.zoneFile()) }

// Write replaces all files by lists of those entries that have not ended at now.
// Of one address only the entry that ends last counts. Where a file can't be
// written the others are all the same, and the error names each that wasn't.
func (w *Writer) Write(now time.Time, entries []Entry) (Written, error) {
	list, warnings := choose(now, entries)
	if len(list) > FileLimit {
		warnings = append(warnings, tooMany(&w.config, len(list)))
	}
	z := zone{Config: &w.config, list: list}
	next := w.last.next(now, z.digest())
	errs := make([]error, 0, 6)
	errs = append(errs, replace(w.ZonePath(), func(out *bufio.Writer) { z.write(out, next) }))
	if errs[0] == nil {
		w.last = next
	}
	for _, file := range []struct {
		name  string
		write func(*bufio.Writer)
	}{
		{IP4Set, func(out *bufio.Writer) { z.ip4set(out, now, next.serial) }},
		{IP6Trie, func(out *bufio.Writer) { z.ip6trie(out, now, next.serial) }},
		{NFT, func(out *bufio.Writer) { writeNFT(out, now, list) }},
		{Rspamd, func(out *bufio.Writer) { writeRspamd(out, now, list) }},
	} {
		errs = append(errs, replace(w.config.path(file.name), file.write))
	}
	errs = append(errs, syncDir(w.config.Dir))
	return Written{Entries: len(list), Serial: w.last.serial, Warnings: warnings}, errors.Join(errs...)
}

func tooMany(c *Config, listed int) string {
	return fmt.Sprintf("%d addresses are listed, more than the plugin file should hold (%d): serve the list by rbldnsd, from %s and %s",
		listed, FileLimit, c.path(IP4Set), c.path(IP6Trie))
}

// choose returns the entries to write, in the order of their addresses, each
// address once, and what the operator should know about the others.
func choose(now time.Time, entries []Entry) (list []Entry, warnings []string) {
	list = make([]Entry, 0, len(entries))
	var odd []netip.Addr
	for _, e := range entries {
		e.Addr = e.Addr.Unmap()
		switch {
		case !listable(e.Addr):
			odd = append(odd, e.Addr)
		case e.Until.After(now):
			list = append(list, e)
		}
	}
	if len(odd) > 0 {
		warnings = append(warnings, fmt.Sprintf("%s is no address of a client and is not listed; so it is with %d in all", odd[0], len(odd)))
	}
	// Of equal addresses the one that ends last comes first, and stays.
	slices.SortFunc(list, func(a, b Entry) int {
		if order := a.Addr.Compare(b.Addr); order != 0 {
			return order
		}
		return b.Until.Compare(a.Until)
	})
	list = slices.CompactFunc(list, func(a, b Entry) bool { return a.Addr == b.Addr })
	if over := len(list) - Most; over > 0 {
		slices.SortStableFunc(list, func(a, b Entry) int { return b.Listed.Compare(a.Listed) })
		list = list[:Most]
		slices.SortFunc(list, func(a, b Entry) int { return a.Addr.Compare(b.Addr) })
		warnings = append(warnings, fmt.Sprintf("%d addresses that were listed first are left out: a list has at most %d", over, Most))
	}
	return list, warnings
}

// listable reports whether an address can be a client's. Loopback addresses
// stand for the test entries of RFC 5782 section 5, of which 127.0.0.1 must
// never be listed.
func listable(a netip.Addr) bool {
	return a.IsValid() && a.Zone() == "" && !a.IsUnspecified() && !a.IsLoopback() && !a.IsMulticast()
}

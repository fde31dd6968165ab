package main

import (
	"context"
	"crypto"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/miekg/dns"
)

// A publisher is the DNS side of the laboratory: the root, the zone that takes
// bounces, and one zone a shape, all served by the project's CoreDNS.
type publisher struct {
	node   *node
	binary string
	dir    string
	byHand bool // no fakemx at all: hand-edited zones over file
	key    signingKey

	records string // further ones of example.net.
	reverse string // records of in-addr.arpa.
	further string // further server blocks

	refusals map[string]string // by label of an unsafe shape, what fakemx said
	blocks   map[string]string // by label, the server blocks of a shape
	toggler  *toggler
	leaver   *leaver
}

// A signingKey signs the DANE zones online; it is also the resolvers' trust
// anchor.
type signingKey struct {
	public  *dns.DNSKEY
	private crypto.PrivateKey
}

func newSigningKey() (signingKey, error) {
	const bits = 256
	public := &dns.DNSKEY{
		Hdr:   dns.RR_Header{Name: ".", Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: 3600},
		Flags: dns.ZONE | dns.SEP, Protocol: 3, Algorithm: dns.ECDSAP256SHA256,
	}
	private, err := public.Generate(bits)
	return signingKey{public, private}, err
}

// of returns the key as that of a zone.
func (k signingKey) of(zone string) *dns.DNSKEY {
	public := *k.public
	public.Hdr.Name = zone
	return &public
}

const (
	longTTL  = 300
	shortTTL = 1 // in the zone whose fakes come and go
)

// publish writes every zone and starts the servers.
func (p *publisher) publish(ctx context.Context, shapes []*shape, changing *shape) error {
	p.refusals, p.blocks = map[string]string{}, map[string]string{}
	root := rootZone(shapes) + p.reverse
	infrastructure := fmt.Sprintf("$ORIGIN example.net.\n$TTL 300\n@ SOA ns hostmaster 1 7200 3600 1209600 300\n"+
		"@ NS ns\nns A %s\na.root A %s\nbounce MX 10 bouncehost\nbouncehost A %s\nusers MX 10 usershost\nusershost A %s\n",
		nameServer, rootServer, bounceHost, usersHost) + receiversHosts(shapes) + p.records
	var blocks strings.Builder
	blocks.WriteString(serverBlock(".", rootServer, "", "root.zone"))
	blocks.WriteString(serverBlock("example.net.", nameServer, "", "example.net.zone") + p.further)
	files := map[string]string{"root.zone": root, "example.net.zone": infrastructure}
	var leaving []*shape
	for _, s := range shapes {
		switch s.server {
		case reloadServer:
			continue
		case leaveServer:
			leaving = append(leaving, s)
			continue
		}
		block, err := p.zone(s, files)
		if err != nil {
			return err
		}
		p.blocks[s.label] = block
		blocks.WriteString(block)
		if s.refused && !p.byHand {
			if p.refusals[s.label], err = p.refusal(ctx, s); err != nil {
				return err
			}
		}
	}
	if _, err := p.start("steady", blocks.String(), files); err != nil {
		return err
	}
	var err error
	if p.leaver, err = p.startLeaver(leaving); err != nil {
		return err
	}
	p.toggler, err = p.startToggler(ctx, changing)
	return err
}

func (p *publisher) start(name, blocks string, files map[string]string) (*coredns, error) {
	dir := filepath.Join(p.dir, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	files[corefile] = blocks
	for file, text := range files {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	return startCoreDNS(p.binary, p.node, dir)
}

// zone returns the server blocks of a shape, and adds its zone files.
func (p *publisher) zone(s *shape, files map[string]string) (blocks string, err error) {
	plugins := s.stanza()
	if p.byHand {
		plugins = ""
	}
	if s.signed {
		key, err := p.keyFile(s)
		if err != nil {
			return "", err
		}
		plugins = "    dnssec {\n        key file " + key + "\n    }\n" + plugins
	}
	handEdited := s.byHand || p.byHand && !s.plain && !s.dryRun
	if s.mixed {
		plugins = "    loadbalance\n" + plugins
	}
	if s.inside.IsValid() {
		view := fmt.Sprintf("    view inside {\n        expr incidr(client_ip(), '%s/%d')\n    }\n", s.inside, s.inside.BitLen())
		blocks = serverBlock(s.zone(), s.server, view, s.label+".plain.zone")
		files[s.label+".plain.zone"] = s.zoneText(s.server, longTTL, false)
	}
	ttl := longTTL
	if s.ttl != 0 {
		ttl = s.ttl
	}
	files[s.label+".zone"] = s.zoneText(s.server, ttl, handEdited)
	return blocks + serverBlock(s.zone(), s.server, plugins, s.label+".zone"), nil
}

func serverBlock(zone string, at netip.Addr, plugins, file string) string {
	return fmt.Sprintf("%s {\n    bind %s\n    errors\n%s    file %s\n}\n", zone, at, plugins, file)
}

// receiversHosts are the address records of the receivers.
func receiversHosts(shapes []*shape) string {
	text := ""
	for _, s := range shapes {
		for _, h := range s.hosts {
			if line := fmt.Sprintf("%s A %s\n", h.name, h.addrs[0]); h.name == s.receiver && !strings.Contains(text, line) {
				text += line
			}
		}
	}
	return text
}

// rootZone delegates every shape's zone and the bounces' from the root.
func rootZone(shapes []*shape) string {
	var b strings.Builder
	fmt.Fprintf(&b, "$ORIGIN .\n$TTL 3600\n@ SOA a.root.example.net. hostmaster.example.net. 1 7200 3600 1209600 3600\n"+
		"@ NS a.root.example.net.\nexample.net. NS ns.example.net.\nns.example.net. A %s\na.root.example.net. A %s\nexample.org. TXT \"the shapes lie below\"\n", nameServer, rootServer)
	for _, s := range shapes {
		fmt.Fprintf(&b, "%s NS ns.%s\nns.%s A %s\n", s.zone(), s.zone(), s.zone(), s.server)
	}
	return b.String()
}

// refusal has fakemx read the block of an unsafe shape.
func (p *publisher) refusal(ctx context.Context, s *shape) (string, error) {
	dir := filepath.Join(p.dir, "refused-"+s.label)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	text := s.zoneText(nameServer, longTTL, false)
	if err := os.WriteFile(filepath.Join(dir, "zone"), []byte(text), 0o600); err != nil {
		return "", err
	}
	return refuses(ctx, p.binary, p.node, dir, serverBlock(s.zone(), nameServer, s.block(), "zone"))
}

// keyFile writes the signing key of a zone in the form dnssec reads.
func (p *publisher) keyFile(s *shape) (string, error) {
	base := filepath.Join(p.dir, fmt.Sprintf("K%s+%03d+%05d", s.zone(), p.key.public.Algorithm, p.key.public.KeyTag()))
	if err := os.WriteFile(base+".key", []byte(p.key.of(s.zone()).String()+"\n"), 0o600); err != nil {
		return "", err
	}
	private := p.key.public.PrivateKeyString(p.key.private)
	return base, os.WriteFile(base+".private", []byte(private), 0o600)
}

package oracle

import (
	"fmt"
	"strings"
	"sync"

	"github.com/miekg/dns"
)

// A world is what one seed makes: server blocks with their zones and stanzas.
type world struct {
	seed   uint64
	blocks []*block
}

// A block is one server block. Its keys are the origins of its zones.
type block struct {
	zones   []*zone
	stanzas []*stanza
	// terse is a backend that puts no NS set beside its answers.
	terse bool

	sinksOnce, freeOnce sync.Once
	allSinks, allFree   []sink
}

// A zone is what one zone file holds.
type zone struct {
	origin  string
	records []dns.RR
	// undelegated zones lie in another one of the server that knows nothing of them.
	undelegated bool
}

// A stanza is one fakemx configuration. Zero values stand for what is not written.
type stanza struct {
	zones     []string
	lowest    []fake
	highest   []fake
	step      string
	ttl       string
	except    []string
	exchanges []string
	real      string
	dryRun    bool
}

// A fake is one lowest or highest line, its name as the operator wrote it.
type fake struct {
	name      string
	addresses []string
}

// corefile returns the server blocks of w, with fakemx or without. The file of
// each zone is named by path.
func (w *world) corefile(path func(b, z int) string, withFakemx bool) string {
	var s strings.Builder
	for i, b := range w.blocks {
		for _, z := range b.zones {
			fmt.Fprintf(&s, "%s:0 ", z.origin)
		}
		s.WriteString("{\n\tbind 127.0.0.1\n\ttransfer {\n\t\tto *\n\t}\n")
		for j, z := range b.zones {
			fmt.Fprintf(&s, "\tfile %s %s {\n\t\treload 0\n\t}\n", path(i, j), z.origin)
		}
		if b.terse {
			s.WriteString("\t" + terse{}.Name() + "\n")
		}
		if withFakemx {
			for _, st := range b.stanzas {
				s.WriteString(st.text())
			}
		}
		s.WriteString("}\n")
	}
	return s.String()
}

func (s *stanza) text() string {
	var t strings.Builder
	t.WriteString("\tfakemx")
	for _, z := range s.zones {
		t.WriteString(" " + z)
	}
	t.WriteString(" {\n")
	line := func(words ...string) { t.WriteString("\t\t" + strings.Join(words, " ") + "\n") }
	for _, f := range s.lowest {
		line(append([]string{"lowest", f.name}, f.addresses...)...)
	}
	for _, f := range s.highest {
		line(append([]string{"highest", f.name}, f.addresses...)...)
	}
	if s.step != "" {
		line("step", s.step)
	}
	if s.ttl != "" {
		line("ttl", s.ttl)
	}
	if len(s.except) > 0 {
		line("except", strings.Join(s.except, " "))
	}
	if len(s.exchanges) > 0 {
		line("exchanges", strings.Join(s.exchanges, " "))
	}
	if s.real != "" {
		line("real", s.real)
	}
	if s.dryRun {
		line("dry_run")
	}
	t.WriteString("\t}\n")
	return t.String()
}

func (z *zone) text() string {
	var t strings.Builder
	for _, rr := range z.records {
		t.WriteString(rr.String() + "\n")
	}
	return t.String()
}

func (z *zone) clone() *zone {
	c := &zone{origin: z.origin}
	for _, rr := range z.records {
		c.records = append(c.records, dns.Copy(rr))
	}
	return c
}

// String shows w as an operator would have it on disk, to repeat a failure by hand.
func (w *world) String() string {
	name := func(i, j int) string { return fmt.Sprintf("db.%d.%d", i, j) }
	var s strings.Builder
	fmt.Fprintf(&s, "--- Corefile\n%s", w.corefile(name, true))
	for i, b := range w.blocks {
		for j, z := range b.zones {
			fmt.Fprintf(&s, "--- %s\n%s", name(i, j), z.text())
		}
	}
	return s.String()
}

package config

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
)

// List is the list of one stanza.
type List struct {
	*Stanza
	zoneNames

	stanzas []*Stanza
	// of gives the stanza of a zone of the Corefile, and changed is called when
	// another list is in force.
	of      func(apex string) *Stanza
	changed func()

	// seen is the file as last looked at, and unchanged the number of looks since
	// then that showed the same. done says that this version was dealt with.
	seen      stamp
	unchanged int
	done      bool
	// failure is what is wrong with the file, "" if the list in force is from it.
	failure string
	// warned are the warnings about the list in force.
	warned []string
}

// NewList returns a list of the stanza with the zones names, which are canonical.
func NewList(s *Stanza, names []string) *List {
	return &List{Stanza: s, zoneNames: zoneNames{strings.Join(names, "\n"), len(names)}}
}

// zoneNames are the zones of a list. They share one text, a name a line: strings
// of their own would take as much memory again.
type zoneNames struct {
	text string
	size int
}

// Len returns the number of zones of the list in force.
func (z zoneNames) Len() int { return z.size }

// All yields the canonical names of the zones of the list in force, each once.
// They share one text: whoever keeps one keeps it whole.
func (z zoneNames) All() iter.Seq[string] {
	if z.size == 0 {
		return func(func(string) bool) {}
	}
	return strings.SplitSeq(z.text, "\n")
}

// reading is a list as it was read, with what it takes to check it.
type reading struct {
	zoneNames
	// lines are the numbers of the lines that the names stand on.
	lines []uint32
	set   zoneSet
	// unfinished says that the list ends like one that is still being written.
	unfinished bool
}

// read returns the list as it is in its file. An error names file and line.
// Closing quit ends it with errStopped.
func (l *List) read(quit <-chan struct{}) (*reading, error) {
	file, info, err := openList(l.ListFile)
	if err != nil {
		return nil, &fileError{l.ListFile, err}
	}
	defer file.Close()
	r, err := readZones(stoppable{file, quit}, info.Size())
	if err != nil {
		if bad, ok := errors.AsType[*lineError](err); ok {
			return nil, fmt.Errorf("%s:%w", shownPath(l.ListFile), bad)
		}
		return nil, &fileError{l.ListFile, err}
	}
	if err := l.checkZones(r, quit); err != nil {
		return nil, err
	}
	return r, l.checkOutside(r)
}

// fileError is what is wrong with a list as a whole.
type fileError struct {
	path string
	err  error
}

func (e *fileError) Error() string { return shownPath(e.path) + ": " + e.err.Error() }

func (e *fileError) Unwrap() error { return e.err }

// checkZones looks at every zone.
func (l *List) checkZones(r *reading, quit <-chan struct{}) error {
	const between = 1 << 12 // looks whether anybody waits
	check := l.newZoneCheck(l.stanzas, func(apex string) *Stanza {
		if owner := l.of(apex); owner != nil {
			return owner
		}
		if r.set.has(apex) {
			return l.Stanza
		}
		return nil
	})
	i := 0
	for zone := range r.All() {
		if err := check.check(zone); err != nil {
			return fmt.Errorf("%s:%d - %w", shownPath(l.ListFile), r.lines[i], err)
		}
		if i++; i%between == 0 && isClosed(quit) {
			return errStopped
		}
	}
	return nil
}

// checkOutside does for absolute names what checkNames cannot before the list is
// there.
func (l *List) checkOutside(r *reading) error {
	zones := newZoneSet(l.Zones)
	for _, f := range l.Fakes() {
		if !f.Absolute() || zones.enclosing(f.Name) != "" {
			continue
		}
		outside := r.set.enclosing(f.Name) == ""
		switch {
		case outside && f.Served():
			return f.errOutside()
		case !outside && !f.Served():
			return f.errNoAddress()
		}
	}
	return nil
}

// lineError is a mistake in a line of a list.
type lineError struct {
	line uint32
	err  error
}

func (e *lineError) Error() string { return fmt.Sprintf("%d - %v", e.line, e.err) }

func (e *lineError) Unwrap() error { return e.err }

// readZones reads one zone a line; # begins a comment. size is about that of
// what there is to read. What stands more than once is taken once.
func readZones(from io.Reader, size int64) (*reading, error) {
	const atFirst = 1 << 25 // a larger text grows
	r := new(reading)
	var text strings.Builder
	text.Grow(int(min(size+size/8, atFirst))) // final dots are added
	if err := r.readLines(&io.LimitedReader{R: from, N: maxList + 1}, &text); err != nil {
		return nil, err
	}
	r.settle(text.String(), text.Cap())
	return r, nil
}

// readLines appends the names of a list to text, a name a line. from has more
// than a list may.
func (r *reading) readLines(from *io.LimitedReader, text *strings.Builder) error {
	const buffer = 1 << 16
	lines := bufio.NewReaderSize(from, buffer)
	var zone []byte
	for number := uint32(1); ; number++ {
		line, err := lines.ReadSlice('\n')
		if err != nil && err != io.EOF && err != bufio.ErrBufferFull {
			return unreadable(err)
		}
		var bad error
		if zone, bad = appendZone(zone[:0], line); bad != nil {
			return &lineError{number, bad}
		}
		if len(zone) > 0 {
			if len(r.lines) > 0 {
				text.WriteByte('\n')
			}
			text.Write(zone)
			r.lines = append(r.lines, number)
		}
		if err == io.EOF {
			r.unfinished = len(line) > 0 || len(r.lines) == 0
			break
		}
	}
	if from.N == 0 {
		return errors.New("more than 1 GiB: expected less")
	}
	return nil
}

// appendZone appends the name that a line of a list holds, if it holds one.
func appendZone(dst, line []byte) ([]byte, error) {
	if len(bytes.TrimSuffix(line, []byte("\n"))) > maxLine {
		return dst, fmt.Errorf("line of more than %d octets %s: expected one domain name", maxLine, cut(line))
	}
	entry, _, _ := bytes.Cut(bytes.TrimPrefix(line, byteOrderMark), []byte("#"))
	if entry = bytes.TrimSpace(entry); len(entry) == 0 {
		return dst, nil
	}
	dst, err := appendName(dst, entry, true)
	if err != nil {
		return dst, fmt.Errorf("bad zone %s: %w", quoted(entry), err)
	}
	return dst, nil
}

// settle takes the names of a text, which has room for capacity octets, without
// repetition.
func (r *reading) settle(text string, capacity int) {
	r.zoneNames = zoneNames{text, len(r.lines)}
	r.set = make(zoneSet, r.size)
	for zone := range r.All() {
		r.set[zone] = struct{}{}
	}
	switch {
	case len(r.set) < r.size:
		r.dropRepeated()
	case capacity-len(text) > len(text)/4:
		r.text = strings.Clone(text)
	}
}

// dropRepeated keeps the first of the lines that have the same name.
func (r *reading) dropRepeated() {
	var text strings.Builder
	lines := r.lines[:0]
	clear(r.set)
	i := 0
	for zone := range r.All() {
		if !r.set.has(zone) {
			r.set[zone] = struct{}{}
			if text.Len() > 0 {
				text.WriteByte('\n')
			}
			text.WriteString(zone)
			lines = append(lines, r.lines[i])
		}
		i++
	}
	r.lines = lines
	r.zoneNames = zoneNames{text.String(), len(lines)}
}

// distinct returns the number of zones in the lists, each counted once.
func distinct(lists []*List) int {
	total, filled := 0, 0
	for _, l := range lists {
		total += l.size
		if l.size > 0 {
			filled++
		}
	}
	if filled < 2 {
		return total
	}
	zones := make(zoneSet, total)
	for _, l := range lists {
		for zone := range l.All() {
			zones[zone] = struct{}{}
		}
	}
	return len(zones)
}

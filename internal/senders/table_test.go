package senders

import (
	"os"
	"strings"
	"testing"
)

// A table is a table of text with the senders as its columns.
type table struct {
	senders []string
	cases   []string
	cells   map[string][]string // by case
}

// cell returns what stands for a sender at a case.
func (t table) cell(c, sender string) string {
	for i, name := range t.senders {
		if name == sender {
			return t.cells[c][i]
		}
	}
	return ""
}

// readTables returns the tables of a file whose first column is headed "case".
func readTables(t *testing.T, path string) []table {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var tables []table
	inside := false
	for line := range strings.Lines(string(content)) {
		line = strings.TrimSpace(line)
		fields := strings.Split(strings.Trim(line, "|"), "|")
		for i := range fields {
			fields[i] = strings.TrimSpace(fields[i])
		}
		switch {
		case len(fields) < 2 || strings.HasPrefix(line, "#"):
			inside = false
		case fields[0] == "case":
			tables = append(tables, table{senders: fields[1:], cells: map[string][]string{}})
			inside = true
		case inside && len(fields) != 1+len(tables[len(tables)-1].senders):
			t.Fatalf("%s: %d cells for %d senders: %s", path, len(fields)-1, len(tables[len(tables)-1].senders), line)
		case inside && !strings.HasPrefix(fields[0], "---"):
			last := &tables[len(tables)-1]
			last.cases = append(last.cases, fields[0])
			last.cells[fields[0]] = fields[1:]
		}
	}
	if len(tables) == 0 {
		t.Fatalf("%s: no table", path)
	}
	return tables
}

// find returns the sender of a name.
func find(t *testing.T, name string) *Sender {
	t.Helper()
	for i := range Known {
		if Known[i].Name == name {
			return &Known[i]
		}
	}
	t.Fatalf("sender %q: not in Known", name)
	return nil
}

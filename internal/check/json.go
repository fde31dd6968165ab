package check

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// Schema names the form of the JSON output; docs/check.md describes it. A field
// may be added to it; one that changes or goes makes another number.
const Schema = "fakemx-check/1"

// JSON writes reports as one JSON value, domain by domain, so that very many of
// them take no memory.
type JSON struct {
	w io.Writer
	n int
}

// NewJSON begins the output.
func NewJSON(w io.Writer) (*JSON, error) {
	_, err := fmt.Fprintf(w, "{\n  \"schema\": %q,\n  \"domains\": [", Schema)
	return &JSON{w: w}, err
}

// Report writes one domain.
func (j *JSON) Report(r *Report) error {
	text, err := indented(r, "    ")
	if err != nil {
		return err
	}
	separator := ","
	if j.n == 0 {
		separator = ""
	}
	j.n++
	_, err = fmt.Fprintf(j.w, "%s\n    %s", separator, text)
	return err
}

// End writes the summary and the end.
func (j *JSON) End(s *Summary) error {
	text, err := indented(s, "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(j.w, "\n  ],\n  \"summary\": %s\n}\n", text)
	return err
}

// indented is v without the escapes that HTML would need.
func indented(v any, prefix string) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent(prefix, "  ")
	err := e.Encode(v)
	return string(bytes.TrimSpace(b.Bytes())), err
}

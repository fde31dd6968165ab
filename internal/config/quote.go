package config

import (
	"strconv"
	"strings"
	"unicode"
)

const (
	// maxQuoted holds any name, and quotedStart is what is shown of more.
	maxQuoted   = 256
	quotedStart = 60
)

// quoted returns value in quotes, on one line and of bounded length: what stands
// in a file is not ours to choose.
func quoted[T string | []byte](value T) string {
	if len(value) <= maxQuoted {
		return strconv.Quote(string(value))
	}
	return cut(value)
}

// cut quotes the start of value, and says that there is more.
func cut[T string | []byte](value T) string {
	return strconv.Quote(string(value[:min(len(value), quotedStart)])) + "..."
}

// shownPath returns path as it is where that is short and on one line.
func shownPath(path string) string {
	odd := func(r rune) bool { return !unicode.IsGraphic(r) || r == unicode.ReplacementChar }
	if len(path) <= maxQuoted && strings.IndexFunc(path, odd) < 0 {
		return path
	}
	return quoted(path)
}
